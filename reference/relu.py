"""ReLU: output = max(inputs, 0), elementwise.

With G the cotangent of the output,
    dinputs = G where inputs > 0, and exactly 0 elsewhere.

At the kink the derivative is taken as 0, also at -0.0, as torch and jax.nn.relu do (Bertoin et al. 2021, "Numerical
influence of ReLU'(0) on backpropagation"). At NaN it is 0 as in jax; torch passes the cotangent on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import Array, InputError, as_floats, check_shape
from ._blocks import by_rows, select


def relu(inputs: ArrayLike) -> Array:
    """max(inputs, 0) for inputs of any shape; NaN stays NaN. Exact in every dtype. Raises InputError."""
    x = as_floats("inputs", inputs)
    output = np.empty_like(x)
    by_rows(_relu, output, x, cheap=True)
    return output


def relu_vjp(cotangent: ArrayLike, inputs: ArrayLike) -> Array:
    """The gradient of `relu` with respect to the inputs, for a cotangent of their shape. Exact. Raises InputError.

    The cotangent is selected, not multiplied: a masked unit passes 0 even where the cotangent is inf or NaN.
    """
    x = as_floats("inputs", inputs)
    g = as_floats("cotangent", cotangent)
    check_shape("cotangent", g, x.shape, "that of the inputs")
    g = g.astype(x.dtype, copy=False)
    dinputs = np.empty_like(x)
    by_rows(_relu_vjp, dinputs, g, x, cheap=True)
    return dinputs


def _relu(output: Array, x: Array) -> None:
    # of zeros rather than one: NumPy compares two arrays three times as fast as an array and a number
    np.maximum(x, np.zeros(x.shape[-1:], x.dtype), out=output)


def _relu_vjp(dinputs: Array, g: Array, x: Array) -> None:
    select(x > 0, g, dinputs)


class ReLU:
    """`forward(inputs)` sets and returns `.output`; `backward(dvalues)` sets and returns `.dinputs`."""

    inputs: Array
    output: Array
    dinputs: Array

    def forward(self, inputs: ArrayLike) -> Array:
        """Output of the inputs' shape, any. Raises InputError."""
        self.inputs = as_floats("inputs", inputs)
        self.output = relu(self.inputs)
        return self.output

    def backward(self, dvalues: ArrayLike) -> Array:
        """The gradient for dvalues of the inputs' shape; dvalues are left as they are. Raises InputError."""
        if not hasattr(self, "inputs"):
            raise InputError("ReLU.backward: call forward first")
        self.dinputs = relu_vjp(dvalues, self.inputs)
        return self.dinputs
