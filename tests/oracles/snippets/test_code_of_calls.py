"""How candidates are called, as code."""

import numpy as np

from oracles import Case, Layer
from oracles.snippets.code_of_calls import calls_of
from reference import Dense, relu, relu_vjp

NAMES = {"inputs": "inputs", "weights": "weights", "biases": "biases", "cotangent": "cotangent"}
CASE = Case("dense", [np.ones((2, 3)), np.ones((3, 4)), np.ones((1, 4))], np.ones((2, 4)))


def test_an_object_is_made_with_its_sizes_and_given_its_parameters():
    layer = Layer.from_class("dense", Dense)
    calls = calls_of(layer)
    calls.run(layer, CASE)
    assert calls.lines == ["from reference.dense import Dense"]
    assert calls.make(CASE) == "layer = Dense(3, 4)"
    assert "layer.weights, layer.biases = weights, biases" in list(calls.forward(CASE, NAMES, "output"))
    gradients = {name: f"d{name}" for name in CASE.primals}
    assert "dweights = layer.dweights" in list(calls.backward(CASE, NAMES, gradients))


def test_functions_are_imported_once():
    calls = calls_of(Layer("relu", forward=relu, vjp=relu_vjp))
    assert calls.lines == ["from reference.relu import relu", "from reference.relu import relu_vjp"]
    case = Case("relu", [np.ones(2)], np.ones(2))
    assert list(calls.forward(case, NAMES, "output")) == ["output = relu(inputs)"]
    assert next(calls.backward(case, NAMES, {"inputs": "dinputs"})) == "returned = relu_vjp(cotangent, inputs)"
