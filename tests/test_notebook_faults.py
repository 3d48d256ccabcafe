"""The faults of the notebooks the suite grew from, as students wrote them: each is caught, its cause named."""

import re

import numpy as np
import pytest

from oracles import Layer, check_layer


class Dense:
    def __init__(self, n_inputs, n_neurons):
        self.weights = 0.01 * np.ones((n_inputs, n_neurons))
        self.biases = np.zeros((1, n_neurons))

    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.dot(inputs, self.weights) + self.biases

    def backward(self, dvalues):
        self.dweights = np.dot(self.inputs.T, dvalues)
        self.dbiases = np.sum(dvalues, axis=0, keepdims=True)
        self.dinputs = np.dot(dvalues, self.weights.T)


class BiasGradientInTheBiases(Dense):
    def backward(self, dvalues):
        self.dweights = np.dot(self.inputs.T, dvalues)
        self.biases = np.sum(dvalues, axis=0, keepdims=True)
        self.dinputs = np.dot(dvalues, self.weights.T)


class WidthAsInputs(Dense):
    def __init__(self, n_inputs, n_neurons):
        super().__init__(n_inputs, n_neurons)
        self.inputs = n_inputs

    def forward(self, inputs):
        self.output = np.dot(inputs, self.weights) + self.biases


class ThreeOfItsWeights(Dense):
    """The neuron with more inputs than the three that its update was written for."""

    def backward(self, dvalues):
        super().backward(dvalues)
        self.dweights[3:] = 0


class FirstRowsAlone(Dense):
    """sum(weights[0]) * dvalues[0], right only under a cotangent of ones."""

    def backward(self, dvalues):
        super().backward(dvalues)
        self.dinputs = np.sum(self.weights, axis=1) * dvalues[:, :1]


class RoundedDot(Dense):
    """The dot product of a helper package that takes float32 alone."""

    def forward(self, inputs):
        self.inputs = inputs
        self.output = (inputs.astype(np.float32) @ self.weights.astype(np.float32)).astype(
            self.weights.dtype
        ) + self.biases


class ReLU:
    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.maximum(0, inputs)

    def backward(self, dvalues):
        self.dinputs = dvalues.copy()
        self.dinputs[self.inputs <= 0] = 0


class DoesNotStoreItsInputs(ReLU):
    def forward(self, inputs):
        self.output = np.maximum(0, inputs)


class OverwritesWhatItWasGiven(ReLU):
    def backward(self, dvalues):
        self.dinputs = dvalues
        self.dinputs[self.inputs <= 0] = 0


class LessThanZero(ReLU):
    def backward(self, dvalues):
        self.dinputs = dvalues.copy()
        self.dinputs[self.inputs < 0] = 0


class MaskAlone(ReLU):
    def backward(self, dvalues):
        self.dinputs = np.where(self.inputs > 0, 1.0, 0.0).astype(dvalues.dtype)


class OutputAsGradient(ReLU):
    def backward(self, dvalues):
        self.dinputs = np.maximum(0, self.inputs)


class Softmax:
    def forward(self, inputs):
        e = np.exp(inputs - np.max(inputs, axis=1, keepdims=True))
        self.output = e / np.sum(e, axis=1, keepdims=True)


class LastLineOutsideTheLoop(Softmax):
    def backward(self, dvalues):
        self.dinputs = np.empty_like(dvalues)
        for index, (single_output, single_dvalues) in enumerate(zip(self.output, dvalues)):  # noqa: B007, B905
            single_output = single_output.reshape(-1, 1)
            jacobian = np.diagflat(single_output) - np.dot(single_output, single_output.T)
        if len(dvalues):
            self.dinputs[index] = np.dot(jacobian, single_dvalues)


class LoopVariableAlone(Softmax):
    """The same line outside its loop, in a copy of the cotangent."""

    def backward(self, dvalues):
        self.dinputs = np.zeros_like(dvalues)
        for output in self.output:
            column = output.reshape(-1, 1)
            jacobian = np.diagflat(column) - np.dot(column, column.T)
        if len(dvalues):
            self.dinputs[-1] = np.dot(jacobian, dvalues[-1])


OPS = {Dense: "dense", ReLU: "relu", Softmax: "softmax"}
FAULTS = {
    BiasGradientInTheBiases: "backward did not set 'dbiases'; it set 'biases'",
    WidthAsInputs: "forward does not store its inputs, which backward needs",
    ThreeOfItsWeights: "dweights: all zero from index 3 on along K",
    FirstRowsAlone: "dinputs: only the first value of each sample's cotangent is used",
    RoundedDot: "output: no more accurate than float32, as if it were computed in it",
    DoesNotStoreItsInputs: "its attribute 'inputs' is read and was never set",
    OverwritesWhatItWasGiven: "overwrote its argument cotangent|dinputs shares memory with its argument cotangent",
    LessThanZero: "dinputs: the cotangent, passed through where the input is 0, the kink",
    MaskAlone: "dinputs: the cotangent ignored: the derivative 0 or 1 alone",
    OutputAsGradient: "dinputs: the output, not a gradient",
    LastLineOutsideTheLoop: "dinputs is uninitialised: it holds what was left in memory",
    LoopVariableAlone: "dinputs: all zero in every row but the last",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_the_fault_is_caught_and_its_cause_named(fault):
    layer = Layer.from_class(OPS[fault.__base__], fault)
    report = check_layer(layer, oracles=["exact"], dtypes=["float64"], max_examples=20, seed=0)
    named = {failure.cause for failure in report.failures}
    assert named
    assert all(re.fullmatch(FAULTS[fault], cause) for cause in named), named


@pytest.mark.parametrize("right", [Dense, ReLU], ids=lambda right: right.__name__)
def test_what_they_derive_from_is_right(right):
    assert check_layer(Layer.from_class(OPS[right], right), oracles=["exact"], max_examples=20).passed
