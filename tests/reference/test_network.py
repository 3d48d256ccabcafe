import numpy as np
import pytest

from reference import (
    CategoricalCrossEntropy,
    Dense,
    InputError,
    Network,
    ReLU,
    Softmax,
    SoftmaxCrossEntropy,
    numerical_gradient,
    sgd_step,
    softmax_cross_entropy,
)

X, Y = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.5], [0.1, 0.2, 0.3]]), [1, 0, 3]


def build(loss):
    tail = [] if isinstance(loss, SoftmaxCrossEntropy) else [Softmax()]
    first, second = Dense(3, 5, rng=1), Dense(5, 4, rng=2)
    first.weights, second.weights = 50 * first.weights, 50 * second.weights
    return Network([first, ReLU(), second, *tail], loss)


@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy(), CategoricalCrossEntropy()], ids=["fused", "separate"])
def test_the_chain_rule_reaches_the_inputs_and_every_parameter(loss):
    network = build(loss)

    def value(x):
        network.forward(x)
        return network.loss(Y)

    numerical = numerical_gradient(value, X)
    value(X)
    assert (np.round(network.backward(Y), 7) == np.round(numerical, 7)).all()
    analytic = network.layers[0].dweights.copy()

    def of_weights(w):
        network.layers[0].weights = w
        return value(X)

    assert (np.round(numerical_gradient(of_weights, network.layers[0].weights), 7) == np.round(analytic, 7)).all()


def test_both_losses_give_one_gradient():
    gradients = []
    for loss in (SoftmaxCrossEntropy(), CategoricalCrossEntropy()):
        network = build(loss)
        network.forward(X)
        network.loss(Y)
        gradients.append(np.round(network.backward(Y), 12))
    assert (gradients[0] == gradients[1]).all()


def test_descent_lowers_the_loss_and_leaves_old_arrays():
    network = build(SoftmaxCrossEntropy())
    before = network.layers[0].weights
    kept = before.copy()
    losses = []
    for _ in range(50):
        network.forward(X)
        losses.append(float(network.loss(Y)))
        network.backward(Y)
        network.step(0.1)
    assert losses[-1] < 0.5 * losses[0]
    assert (np.diff(losses) < 0).all()
    assert (before == kept).all()
    assert losses[0] == softmax_cross_entropy(build(SoftmaxCrossEntropy()).forward(X), Y)


def test_backward_scores_the_pass_it_follows():
    network = build(SoftmaxCrossEntropy())
    network.forward(X)
    network.loss(Y)
    network.forward(X[::-1])
    stale = network.backward(Y)
    network.forward(X[::-1])
    network.loss(Y)
    assert (network.backward(Y) == stale).all()


@pytest.mark.parametrize("call", [lambda n: n.loss(Y), lambda n: n.backward(Y), lambda n: n.step(0.1)])
def test_calls_out_of_order_are_named(call):
    with pytest.raises(InputError, match="first"):
        call(build(SoftmaxCrossEntropy()))


def test_a_step_keeps_the_dtype():
    layer = Dense(2, 2, rng=0, dtype=np.float32)
    layer.forward(np.ones((1, 2), np.float32))
    layer.backward(np.ones((1, 2), np.float32))
    sgd_step([layer], 0.5)
    assert layer.weights.dtype == np.float32
    assert (layer.biases == -0.5).all()


def test_bad_input_is_named_and_shown():
    with pytest.raises(InputError, match="layers: expected at least one layer"):
        Network([], SoftmaxCrossEntropy())
    with pytest.raises(InputError, match="loss: expected SoftmaxCrossEntropy or CategoricalCrossEntropy, got 'mse'"):
        Network([ReLU()], "mse")
