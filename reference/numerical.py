"""Numerical differentiation by central differences: df/dx_i = (f(x + h e_i) - f(x - h e_i)) / 2h + O(h^2).

The check of an analytic gradient that needs nothing but the function. It is only as good as the balance of its two
errors: truncation grows with h^2, cancellation with eps / h. In float64 expect about ten correct digits, no more.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import Array, InputError, as_floats, shown


def numerical_gradient(f: Callable[[Array], ArrayLike], x: ArrayLike, *, step: float | None = None) -> Array:
    """The gradient of the scalar function f at x, in float64, of x's shape.

    step: h for every element; by default eps^(1/3) max(1, |x_i|), where the two errors balance (Nocedal and Wright
    2006, section 8.1). f is called with fresh float64 arrays, twice an element. Raises InputError.
    """
    if step is not None and (np.asarray(step).dtype.kind not in "iuf" or np.ndim(step) or not step > 0):
        raise InputError(f"step: expected a positive number, got {shown(step)}")
    at = as_floats("x", x).astype(np.float64)
    steps = np.maximum(1, np.abs(at)) * np.cbrt(np.finfo(np.float64).eps) if step is None else np.full(at.shape, step)
    gradient = np.empty(at.shape)
    for index in np.ndindex(at.shape):
        high, low = at.copy(), at.copy()
        with np.errstate(all="ignore"):
            high[index] += steps[index]
            low[index] -= steps[index]
            taken = high[index] - low[index]  # not 2 h: x + h is rounded
            gradient[index] = (_scalar(f(high)) - _scalar(f(low))) / taken
    return gradient


def _scalar(value: ArrayLike) -> float:
    array = np.asarray(value)
    if array.size != 1:
        raise InputError(f"f: expected a scalar, got shape {array.shape} in {shown(value)}")
    return float(array.reshape(()))
