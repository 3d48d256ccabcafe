"""Softmax over the last axis: s_j = exp(x_j - max x) / sum_k exp(x_k - max x).

With g the cotangent of a row's output, the Jacobian diag(s) - s s^T gives
    dinputs_j = s_j (g_j - sum_k s_k g_k)

The maximum is subtracted first, so that no logit overflows. A logit of -inf has probability 0 and gradient 0; a row
of all -inf, or with +inf or NaN in it, is NaN, as in torch and jax.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import Array, InputError, as_floats, check_shape, shown, widened
from ._blocks import by_rows, store, working


def softmax(inputs: ArrayLike) -> Array:
    """Softmax over the last axis of inputs of rank >= 1; output of the same shape and dtype. Raises InputError."""
    x = _rows(inputs)
    output = np.empty_like(x)
    by_rows(_softmax, output, x)
    return output


def softmax_vjp(cotangent: ArrayLike, inputs: ArrayLike) -> Array:
    """The gradient of `softmax` with respect to the inputs, for a cotangent of their shape. Raises InputError."""
    x = _rows(inputs)
    dinputs, g = np.empty_like(x), _cotangent(cotangent, x)
    by_rows(_softmax_vjp, dinputs, g, x)
    return dinputs


def highest(x: Array) -> Array:
    """The maximum of each row (..., 1), -inf of no classes."""
    return np.asarray(np.maximum.reduce(x, axis=-1, keepdims=True, initial=-np.inf))


def exponentials(x: Array, top: Array, out: Array | None = None) -> tuple[Array, Array]:
    """exp(x - top) of some rows (..., C), in `out` where it is given, and its sum (..., 1)."""
    e = np.subtract(x, top, out=out)
    np.exp(e, out=e)
    return e, np.add.reduce(e, axis=-1, keepdims=True)


def probabilities_of(x: Array, out: Array | None = None) -> Array:
    """Softmax of some rows (..., C) in their own dtype, in `out` where it is given."""
    e, total = exponentials(x, highest(x), out)
    return np.divide(e, total, out=e)


def _softmax(output: Array, x: Array) -> None:
    store(output, probabilities_of(widened(x), working(output)))


def _softmax_vjp(dinputs: Array, g: Array, x: Array) -> None:
    _vjp_of_output(dinputs, g, probabilities_of(widened(x)))


def _vjp_of_output(dinputs: Array, g: Array, s: Array) -> None:
    s, g, result = widened(s), widened(g), working(dinputs)
    dot = np.add.reduce(np.multiply(s, g, out=result), axis=-1, keepdims=True)
    store(dinputs, np.multiply(s, np.subtract(g, dot, out=result), out=result))


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
        g, self.dinputs = _cotangent(dvalues, self.inputs), np.empty_like(self.inputs)
        by_rows(_vjp_of_output, self.dinputs, g, self.output, cheap=True)
        return self.dinputs


def _cotangent(cotangent: ArrayLike, x: Array) -> Array:
    g = as_floats("cotangent", cotangent)
    check_shape("cotangent", g, x.shape, "that of the inputs")
    return g


def _rows(inputs: ArrayLike) -> Array:
    x = as_floats("inputs", inputs)
    if x.ndim == 0:
        raise InputError(f"inputs: expected at least 1 dimension, got the scalar {shown(inputs)}")
    return x
