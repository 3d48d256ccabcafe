"""A chain of layers with a loss at its end, and the step of stochastic gradient descent.

Backward walks the chain from its end: each layer's dinputs are the dvalues of the layer before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import Array, InputError, shown
from .cross_entropy import CategoricalCrossEntropy
from .dense import Dense
from .softmax_cross_entropy import SoftmaxCrossEntropy


class Layer(Protocol):
    """What a network asks of a layer: both passes return what the next in line takes."""

    dinputs: Array

    def forward(self, inputs: ArrayLike) -> Array:
        """The output."""

    def backward(self, dvalues: ArrayLike) -> Array:
        """The gradient with respect to the inputs, for that with respect to the output."""


def sgd_step(layers: Sequence[Layer], learning_rate: float) -> None:
    """Every dense layer's parameter becomes parameter - learning_rate * gradient: a new array, not in place.

    Raises InputError for a layer without gradients: call backward first.
    """
    for layer in layers:
        if isinstance(layer, Dense):
            if not hasattr(layer, "dweights"):
                raise InputError("sgd_step: call backward first")
            with np.errstate(all="ignore"):
                rate = layer.weights.dtype.type(learning_rate)
                layer.weights = layer.weights - rate * layer.dweights
                layer.biases = layer.biases - rate * layer.dbiases


class Network:
    """layers in order, and a loss of this package.

    `forward(inputs)` returns the last layer's output; `loss(y_true)` the mean loss of it; `backward(y_true)` fills
    every layer's gradients and returns that with respect to the network's inputs; `step(learning_rate)` descends.
    """

    output: Array
    dinputs: Array

    def __init__(self, layers: Sequence[Layer], loss: SoftmaxCrossEntropy | CategoricalCrossEntropy) -> None:
        if not layers:
            raise InputError(f"layers: expected at least one layer, got {shown(layers)}")
        if not isinstance(loss, (SoftmaxCrossEntropy, CategoricalCrossEntropy)):
            raise InputError(f"loss: expected SoftmaxCrossEntropy or CategoricalCrossEntropy, got {shown(loss)}")
        self.layers = list(layers)
        self._scored: Array | None = None
        self.loss_layer = loss

    def forward(self, inputs: ArrayLike) -> Array:
        """The last layer's output (N, C) for inputs (N, n_inputs): logits or probabilities, as the loss takes them.

        Raises InputError, as the layers do.
        """
        values = self.layers[0].forward(inputs)
        for layer in self.layers[1:]:
            values = layer.forward(values)
        self.output = values
        return values

    def loss(self, y_true: ArrayLike) -> Array:
        """The mean loss of the last forward pass, a scalar array, for class ids (N,) or label weights (N, C).

        Raises InputError without a forward pass, and for labels that are none.
        """
        if not hasattr(self, "output"):
            raise InputError("Network.loss: call forward first")
        self._scored = self.output
        if isinstance(self.loss_layer, SoftmaxCrossEntropy):
            return self.loss_layer.forward(self.output, y_true)
        return self.loss_layer.calculate(self.output, y_true)

    def backward(self, y_true: ArrayLike) -> Array:
        """The gradient of the mean loss with respect to the inputs, (N, n_inputs), for the labels that `loss` takes.

        Raises InputError without a forward pass, and for labels that are none.
        """
        if not hasattr(self, "output"):
            raise InputError("Network.backward: call forward first")
        if self._scored is not self.output:  # a fused loss keeps the probabilities it scored: not those of another pass
            self.loss(y_true)
        loss = self.loss_layer
        dvalues = loss.backward(loss.output if isinstance(loss, SoftmaxCrossEntropy) else self.output, y_true)
        for layer in reversed(self.layers):
            dvalues = layer.backward(dvalues)
        self.dinputs = dvalues
        return dvalues

    def step(self, learning_rate: float) -> None:
        """One step of gradient descent on the gradients of the last backward pass; without one, raises InputError."""
        sgd_step(self.layers, learning_rate)
