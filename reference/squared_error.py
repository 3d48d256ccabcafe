"""Squared error, elementwise: loss_i = (prediction_i - target_i)^2.

With g_i the cotangent of element i's loss (g / size of it under the mean),
    dpredictions_i = 2 (prediction_i - target_i) g_i
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import (
    Array,
    as_floats,
    check_reduction,
    check_shape,
    reduce_losses,
    rounded,
    sample_cotangents,
    widened,
)


def squared_error(predictions: ArrayLike, targets: ArrayLike, reduction: str = "mean") -> Array:
    """The loss over every element: a scalar array for "mean" and "sum", the predictions' shape for "none".

    predictions and targets have one shape, any shape. Raises InputError.
    """
    check_reduction(reduction)
    p, t = _pair(predictions, targets)
    with np.errstate(all="ignore"):
        losses = np.square(widened(p) - widened(t))
    return reduce_losses(losses if reduction == "none" else losses.ravel(), reduction, p.dtype)


def squared_error_vjp(
    cotangent: ArrayLike, predictions: ArrayLike, targets: ArrayLike, reduction: str = "mean"
) -> Array:
    """The gradient of `squared_error` with respect to the predictions, of their shape.

    cotangent: a scalar, or the predictions' shape for reduction="none". Raises InputError.
    """
    p, t = _pair(predictions, targets)
    with np.errstate(all="ignore"):
        difference = widened(p) - widened(t)
        if reduction == "none":
            g = as_floats("cotangent", cotangent)
            check_shape("cotangent", g, p.shape, "that of the predictions")
            return rounded(2 * difference * widened(g), p.dtype)
        g = sample_cotangents(cotangent, p.size, reduction, difference.dtype)
        return rounded(2 * difference * g.reshape(()), p.dtype)


def _pair(predictions: ArrayLike, targets: ArrayLike) -> tuple[Array, Array]:
    p, t = as_floats("predictions", predictions), as_floats("targets", targets)
    check_shape("targets", t, p.shape, "that of the predictions")
    return p, t
