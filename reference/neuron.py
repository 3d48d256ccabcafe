"""A single neuron, every partial derivative by the chain rule: output = max(sum_k w_k x_k + b, 0).

With g the cotangent of the output and z the sum, link by link from the output back:
    dz = g where z > 0, else 0        (the derivative of the ReLU times g)
    dproducts_k = dbias = dz          (a sum passes its cotangent to each term)
    dweights_k = x_k dz,  dinputs_k = w_k dz
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import Array, as_floats, check_shape
from .relu import relu, relu_vjp


class NeuronGradients(NamedTuple):
    """The partial derivatives of a neuron's output, times the cotangent, in the order of the backward pass."""

    dz: Array
    dproducts: Array
    dbias: Array
    dweights: Array
    dinputs: Array


def neuron(inputs: ArrayLike, weights: ArrayLike, bias: ArrayLike) -> Array:
    """The output, a scalar array, for inputs and weights of shape (n_inputs,) and a scalar bias. Raises InputError."""
    return relu(_weighted_sum(*_operands(inputs, weights, bias)))


def neuron_vjp(cotangent: ArrayLike, inputs: ArrayLike, weights: ArrayLike, bias: ArrayLike) -> NeuronGradients:
    """Every partial derivative for a scalar cotangent; the arguments have the shapes of `neuron`. Raises InputError.

    dz and dbias are scalar arrays; dproducts, dweights and dinputs have shape (n_inputs,).
    """
    x, w, b = _operands(inputs, weights, bias)
    with np.errstate(all="ignore"):
        dz = relu_vjp(cotangent, _weighted_sum(x, w, b))
        dproducts = np.full(x.shape, dz)
        return NeuronGradients(
            dz=dz, dproducts=dproducts, dbias=dz.copy(), dweights=x * dproducts, dinputs=w * dproducts
        )


def _operands(inputs: ArrayLike, weights: ArrayLike, bias: ArrayLike) -> tuple[Array, Array, Array]:
    x, w, b = as_floats("inputs", inputs), as_floats("weights", weights), as_floats("bias", bias)
    check_shape("inputs", x, (x.size,), "a row of inputs")
    check_shape("weights", w, x.shape, "that of the inputs")
    check_shape("bias", b, (), "a scalar")
    return x, w, b


def _weighted_sum(x: Array, w: Array, b: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray((x * w).sum() + b)
