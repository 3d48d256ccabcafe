"""Dense (affine, fully connected): output = inputs @ weights + biases.

With G the cotangent of the output (shape of the output), the chain rule gives
    dinputs  = G @ weights.T
    dweights = inputs.T @ G
    dbiases  = sum of G over the samples
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ._arrays import (
    FLOATS,
    Array,
    InputError,
    as_floats,
    as_matrix,
    check_shape,
    common_dtype,
    rounded,
    shown,
    widened,
)


class DenseGradients(NamedTuple):
    """Gradients of a dense layer, each with the shape and dtype of its primal."""

    dinputs: Array
    dweights: Array
    dbiases: Array


def dense(inputs: ArrayLike, weights: ArrayLike, biases: ArrayLike) -> Array:
    """inputs @ weights + biases.

    inputs (N, n_inputs), weights (n_inputs, n_neurons), biases (1, n_neurons); output (N, n_neurons).
    Half precision is multiplied and summed in float32 and rounded once. Raises InputError.
    Source: torch.nn.functional.linear, with the weights transposed as in the book.
    """
    x, w = _operands(inputs, weights)
    b = _biases(biases, w)
    dtype = common_dtype(inputs=x, weights=w, biases=b)
    with np.errstate(all="ignore"):
        return rounded(widened(x) @ widened(w) + widened(b), dtype)


def dense_vjp(
    cotangent: ArrayLike, inputs: ArrayLike, weights: ArrayLike, biases: ArrayLike | None = None
) -> DenseGradients:
    """The gradients (dinputs, dweights, dbiases) of `dense` for a cotangent (N, n_neurons), in the shapes of `dense`.

    The biases do not enter; where they are given they are checked and set the dtype of dbiases, which otherwise
    has that of the weights. Raises InputError.
    """
    x, w = _operands(inputs, weights)
    bias_dtype = w.dtype if biases is None else _biases(biases, w).dtype
    g = as_floats("cotangent", cotangent)
    check_shape("cotangent", g, (x.shape[0], w.shape[1]), "samples, neurons")
    common_dtype(cotangent=g, inputs=x, weights=w)
    with np.errstate(all="ignore"):
        wide = widened(g)
        return DenseGradients(
            dinputs=rounded(wide @ widened(w).T, x.dtype),
            dweights=rounded(widened(x).T @ wide, w.dtype),
            dbiases=rounded(wide.sum(axis=0, keepdims=True), bias_dtype),
        )


class Dense:
    """A dense layer that keeps what it was given: weights (n_inputs, n_neurons), biases (1, n_neurons).

    `forward(inputs)` sets and returns `.output`; `backward(dvalues)` sets `.dinputs`, `.dweights` and `.dbiases`
    and returns `.dinputs`. The weights start as 0.01 times standard normal draws, the biases at zero, as in the book.
    """

    inputs: Array
    output: Array
    dinputs: Array
    dweights: Array
    dbiases: Array

    def __init__(
        self,
        n_inputs: int,
        n_neurons: int,
        *,
        rng: int | np.random.Generator | None = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        for name, size in (("n_inputs", n_inputs), ("n_neurons", n_neurons)):
            if np.ndim(size) or np.asarray(size).dtype.kind not in "iu" or size < 1:
                raise InputError(f"{name}: expected a positive integer, got {shown(size)}")
        if np.dtype(dtype).name not in FLOATS:
            raise InputError(f"dtype: expected one of {', '.join(FLOATS)}, got {shown(dtype)}")
        draws = np.random.default_rng(rng).standard_normal((n_inputs, n_neurons))
        self.weights: Array = (0.01 * draws).astype(dtype)
        self.biases: Array = np.zeros((1, n_neurons), dtype)

    def forward(self, inputs: ArrayLike) -> Array:
        """Output (N, n_neurons) for inputs (N, n_inputs). Raises InputError."""
        self.inputs = as_matrix("inputs", inputs)
        self.output = dense(self.inputs, self.weights, self.biases)
        return self.output

    def backward(self, dvalues: ArrayLike) -> Array:
        """dinputs (N, n_inputs) for dvalues (N, n_neurons), the gradient of the loss with respect to the output.

        Sets dweights (n_inputs, n_neurons) and dbiases (1, n_neurons). Raises InputError, before a forward pass too.
        """
        if not hasattr(self, "inputs"):
            raise InputError("Dense.backward: call forward first")
        gradients = dense_vjp(dvalues, self.inputs, self.weights, self.biases)
        self.dinputs, self.dweights, self.dbiases = gradients
        return self.dinputs


def _operands(inputs: ArrayLike, weights: ArrayLike) -> tuple[Array, Array]:
    x, w = as_matrix("inputs", inputs), as_matrix("weights", weights)
    if x.shape[1] != w.shape[0]:
        raise InputError(f"inputs: expected {w.shape[0]} columns (rows of weights {w.shape}), got shape {x.shape}")
    return x, w


def _biases(biases: ArrayLike, weights: Array) -> Array:
    b = as_floats("biases", biases)
    check_shape("biases", b, (1, weights.shape[1]), "one row, a bias a neuron")
    return b
