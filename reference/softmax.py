"""Softmax over the last axis: s_j = exp(x_j - max x) / sum_k exp(x_k - max x).

With g the cotangent of a row's output, the Jacobian diag(s) - s s^T gives
    dinputs_j = s_j (g_j - sum_k s_k g_k)

The maximum is subtracted first, so that no logit overflows. A logit of -inf has probability 0 and gradient 0; a row
of all -inf, or with +inf or NaN in it, is NaN, as in torch and jax.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import Array, InputError, as_floats, check_shape, rounded, shown, widened


def softmax(inputs: ArrayLike) -> Array:
    """Softmax over the last axis of inputs of rank >= 1; output of the same shape and dtype. Raises InputError."""
    x = _rows(inputs)
    return rounded(probabilities_of(widened(x)), x.dtype)


def softmax_vjp(cotangent: ArrayLike, inputs: ArrayLike) -> Array:
    """The gradient of `softmax` with respect to the inputs, for a cotangent of their shape. Raises InputError."""
    x = _rows(inputs)
    return _vjp_of_output(cotangent, probabilities_of(widened(x)), x.dtype)


def probabilities_of(x: Array) -> Array:
    """Softmax of x (..., C) in its own dtype, in one new array."""
    with np.errstate(all="ignore"):
        e: Array = x - x.max(axis=-1, keepdims=True, initial=-np.inf)
        np.exp(e, out=e)
        e /= e.sum(axis=-1, keepdims=True)
        return e


class Softmax:
    """`forward(inputs)` sets and returns `.output`; `backward(dvalues)` sets and returns `.dinputs`."""

    inputs: Array
    output: Array
    dinputs: Array

    def forward(self, inputs: ArrayLike) -> Array:
        """Probabilities of the inputs' shape; each row of the last axis sums to 1. Raises InputError."""
        self.inputs = _rows(inputs)
        self.output = softmax(self.inputs)
        return self.output

    def backward(self, dvalues: ArrayLike) -> Array:
        """The gradient for dvalues of the output's shape. Raises InputError."""
        if not hasattr(self, "inputs"):
            raise InputError("Softmax.backward: call forward first")
        self.dinputs = _vjp_of_output(dvalues, widened(self.output), self.inputs.dtype)
        return self.dinputs


def _vjp_of_output(cotangent: ArrayLike, s: Array, dtype: np.dtype[np.generic]) -> Array:
    g = as_floats("cotangent", cotangent)
    check_shape("cotangent", g, s.shape, "that of the inputs")
    with np.errstate(all="ignore"):
        wide = widened(g)
        return rounded(s * (wide - (s * wide).sum(axis=-1, keepdims=True)), dtype)


def _rows(inputs: ArrayLike) -> Array:
    x = as_floats("inputs", inputs)
    if x.ndim == 0:
        raise InputError(f"inputs: expected at least 1 dimension, got the scalar {shown(inputs)}")
    return x
