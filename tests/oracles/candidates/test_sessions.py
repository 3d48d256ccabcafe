"""The interfaces of a candidate: functions, and classes under either naming, with results returned or left behind."""

import numpy as np
import pytest

from oracles import Case, InputError, Layer
from oracles.candidates.run import LayerError, run

X, W, B = np.array([[1.0, -2.0], [0.5, 3.0]]), np.array([[1.0, 2.0], [-1.0, 0.5]]), np.array([[0.5, -0.5]])
G = np.array([[1.0, 2.0], [3.0, -1.0]])
CASE = Case("dense", [X, W, B], G)


class Base:
    def __init__(self, n_inputs, n_neurons):
        self.weights, self.biases = np.zeros((n_inputs, n_neurons)), np.zeros((1, n_neurons))

    def forward(self, inputs):
        self.inputs = inputs
        self.output = inputs @ self.weights + self.biases
        return self.output


class Attributes(Base):
    def backward(self, dvalues):
        self.dinputs = dvalues @ self.weights.T
        self.dweights = self.inputs.T @ dvalues
        self.dbiases = dvalues.sum(axis=0, keepdims=True)


class SecondNaming(Base):
    def forward(self, inputs):
        super().forward(inputs)

    def backward(self, dL_dz):  # noqa: N803  (the notebooks' name)
        self.dL_dX, self.dL_dw = dL_dz @ self.weights.T, self.inputs.T @ dL_dz
        self.dL_db = dL_dz.sum(axis=0, keepdims=True)


class Returned(Base):
    def backward(self, g):
        return g @ self.weights.T, self.inputs.T @ g, g.sum(axis=0, keepdims=True)


class Mixed(Base):
    def backward(self, g):
        self.dweights, self.dbiases = self.inputs.T @ g, g.sum(axis=0, keepdims=True)
        return g @ self.weights.T


class OwnNames(Base):
    def backward(self, g):
        self.dx, self.dweights, self.dbiases = g @ self.weights.T, self.inputs.T @ g, g.sum(axis=0, keepdims=True)


@pytest.mark.parametrize("make", [Attributes, SecondNaming, Returned, Mixed, lambda n, m: Attributes(n, m)])
def test_every_interface_of_a_class_gives_the_same(make):
    result = run(Layer.from_class("dense", make), CASE)
    assert (result.output == X @ W + B).all()
    assert (result.gradients["inputs"] == G @ W.T).all()
    assert (result.gradients["weights"] == X.T @ G).all()
    assert (result.gradients["biases"] == G.sum(axis=0)).all()


def test_gradients_under_names_of_ones_own():
    assert (
        run(Layer.from_class("dense", OwnNames, gradients={"dinputs": "dx"}), CASE).gradients["inputs"] == G @ W.T
    ).all()
    with pytest.raises(LayerError, match="backward did not set 'dinputs'; it set 'dx'"):
        run(Layer.from_class("dense", OwnNames), CASE)
    with pytest.raises(InputError, match="gradients: expected names of dbiases, dinputs, dweights"):
        Layer.from_class("dense", OwnNames, gradients={"dX": "dx"})


def test_an_output_that_is_nowhere_is_named_with_what_is_there_instead():
    class Misnamed(Attributes):
        def forward(self, inputs):
            self.inputs, self.outputs = inputs, inputs @ self.weights

    with pytest.raises(LayerError, match="forward returned None and did not set 'output'; it set 'inputs', 'outputs'"):
        run(Layer.from_class("dense", Misnamed), CASE)


@pytest.mark.parametrize("mean", [False, True], ids=["losses of the samples", "their mean"])
def test_a_loss_gives_its_samples_or_their_mean(mean):
    class Loss:
        def forward(self, y_pred, y_true):
            losses = -np.log(y_pred[np.arange(len(y_pred)), y_true])
            return losses.mean() if mean else losses

        def backward(self, dvalues, y_true):
            self.dinputs = np.zeros_like(dvalues)
            rows = np.arange(len(dvalues))
            self.dinputs[rows, y_true] = -1 / dvalues[rows, y_true] / len(dvalues)

    case = Case("cross_entropy", [[[0.5, 0.5], [0.25, 0.75]], [0, 1]], 1.0)
    result = run(Layer.from_class("cross_entropy", Loss), case)
    assert result.output == -np.log([0.5, 0.75]).mean()
    assert (result.gradients["probabilities"] == [[-1, 0], [0, -1 / 0.75 / 2]]).all()


def test_the_fused_loss_is_handed_its_own_probabilities():
    handed = []

    class Fused:
        def forward(self, x, y_true):
            e = np.exp(x - x.max(axis=1, keepdims=True))
            self.output = e / e.sum(axis=1, keepdims=True)
            return 0.0

        def backward(self, dvalues, y_true):
            handed.append(dvalues)
            self.dinputs = dvalues * 0

    run(Layer.from_class("softmax_cross_entropy", Fused), Case("softmax_cross_entropy", [[[0.0, 0.0]], [0]], 1.0))
    assert (handed[0] == [[0.5, 0.5]]).all()
