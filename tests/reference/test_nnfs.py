import numpy as np

from reference import cross_entropy, softmax
from reference.nnfs import (
    Activation_ReLU,
    Activation_Softmax,
    Activation_Softmax_Loss_CategoricalCrossentropy,
    Layer_Dense,
    Loss,
    Loss_CategoricalCrossEntropy,
    Loss_CategoricalCrossentropy,
)

X, Y = np.array([[1.0, 2.0, 3.0], [-1.0, 0.5, 0.0]]), np.array([0, 2])


def test_the_books_forward_and_backward_pass():
    dense1, activation, dense2 = Layer_Dense(3, 4), Activation_ReLU(), Layer_Dense(4, 3)
    loss_activation = Activation_Softmax_Loss_CategoricalCrossentropy()
    dense1.forward(X)
    activation.forward(dense1.output)
    dense2.forward(activation.output)
    loss = loss_activation.forward(dense2.output, Y)
    assert 1.0 < loss < 1.2  # small weights: near log 3
    loss_activation.backward(loss_activation.output, Y)
    dense2.backward(loss_activation.dinputs)
    activation.backward(dense2.dinputs)
    dense1.backward(activation.dinputs)
    assert dense1.dweights.shape == dense1.weights.shape
    assert dense1.dbiases.shape == dense1.biases.shape


def test_separate_softmax_and_loss_agree_with_the_fused_one():
    fused = Activation_Softmax_Loss_CategoricalCrossentropy()
    activation, loss = Activation_Softmax(), Loss_CategoricalCrossentropy()
    assert loss.calculate(activation.forward(X), Y) == fused.forward(X, Y)
    fused.backward(fused.output, Y)
    loss.backward(activation.output, Y)
    activation.backward(loss.dinputs)
    assert (np.round(activation.dinputs, 14) == np.round(fused.dinputs, 14)).all()


def test_the_loss_clips_in_forward_only():
    loss = Loss_CategoricalCrossentropy()
    p = np.array([[0.0, 1.0]])
    assert loss.calculate(p, [0]) == -np.log(1e-7)
    assert (loss.backward(p, np.array([[0, 1]])) == [[0, -1]]).all()
    assert isinstance(loss, Loss)
    assert Loss_CategoricalCrossEntropy is Loss_CategoricalCrossentropy


def test_gradients_under_the_notebooks_second_names():
    dense, activation = Layer_Dense(3, 2), Activation_ReLU()
    activation.forward(dense.forward(X))
    dense.backward(activation.backward(np.ones((2, 2))))
    assert activation.dL_dz is activation.dinputs
    assert dense.dL_dX is dense.dinputs
    assert dense.dL_dw is dense.dweights
    assert dense.dL_db is dense.dbiases


def test_softmax_is_the_reference_softmax():
    assert (Activation_Softmax().forward(X) == softmax(X)).all()
    assert Loss_CategoricalCrossentropy().calculate(softmax(X), Y) == cross_entropy(softmax(X), Y, clip=1e-7)
