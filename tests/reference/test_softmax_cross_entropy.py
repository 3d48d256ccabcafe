import numpy as np
import pytest

from reference import InputError, SoftmaxCrossEntropy, softmax, softmax_cross_entropy, softmax_cross_entropy_vjp

NAN, INF = np.nan, np.inf
X = np.array([[1.0, 2.0, 3.0], [4.0, 4.0, 0.0]])


def test_a_masked_logit_with_a_zero_label_costs_nothing():
    x = [[-INF, 0.0, 0.0]]
    for targets in ([1], [[0, 1, 0]], [[0.0, 1.0, 0.0]]):
        assert softmax_cross_entropy(x, targets) == np.log(2)
        assert (softmax_cross_entropy_vjp(1.0, x, targets) == [[0, -0.5, 0.5]]).all()


def test_a_label_on_a_masked_logit_costs_everything():
    assert softmax_cross_entropy([[-INF, 0.0]], [0]) == INF
    assert (softmax_cross_entropy_vjp(1.0, [[-INF, 0.0]], [0]) == [[-1, 1]]).all()


@pytest.mark.parametrize("row", [[-INF, -INF, -INF], [INF, 0.0, 0.0], [NAN, 0.0, 0.0]])
@pytest.mark.parametrize("targets", [[1, 1], [[0, 1, 0], [0, 1, 0]], [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
def test_an_undefined_row_is_nan_and_only_that_row(row, targets):
    x = np.array([row, [0.0, 0.0, 0.0]])
    losses = softmax_cross_entropy(x, targets, "none")
    gradient = softmax_cross_entropy_vjp([1.0, 1.0], x, targets, "none")
    assert np.isnan(losses[0])
    assert np.isnan(gradient[0]).all()
    assert np.isfinite(losses[1])
    assert np.isfinite(gradient[1]).all()


def test_soft_labels_need_not_sum_to_one():
    y = np.array([[0.5, 1.0, 0.5], [0.0, 0.0, 0.0]])
    expected = softmax(X) * y.sum(axis=1, keepdims=True) - y
    assert (softmax_cross_entropy_vjp([1.0, 1.0], X, y, "none") == expected).all()


def test_confident_predictions_keep_their_gradient():
    gradient = softmax_cross_entropy_vjp(1.0, [[0.0, 800.0]], [1])
    assert (gradient == 0).all()
    assert softmax_cross_entropy([[0.0, 800.0]], [0]) == 800  # no clipping at log 1e7


def test_an_empty_batch():
    x = np.zeros((0, 3), np.float32)
    assert np.isnan(softmax_cross_entropy(x, np.zeros(0, int)))
    assert softmax_cross_entropy_vjp(1.0, x, []).shape == (0, 3)
    layer = SoftmaxCrossEntropy()
    assert np.isnan(layer.forward(x, []))
    assert layer.backward(layer.output, []).shape == (0, 3)


@pytest.mark.parametrize("targets", [[2, 0], np.eye(3)[[2, 0]], [[0.2, 0.3, 0.4], [1.0, 0.0, 2.0]]])
def test_layer_takes_its_probabilities_and_leaves_them(targets):
    layer = SoftmaxCrossEntropy()
    assert layer.forward(X, targets) == softmax_cross_entropy(X, targets)
    before = layer.output.copy()
    gradient = layer.backward(layer.output, targets)
    assert (layer.output == before).all()
    assert gradient is layer.dinputs
    assert (gradient == (softmax(X) * _weights(targets).sum(axis=1, keepdims=True) - _weights(targets)) / 2).all()


def test_bad_input_is_named_and_shown():
    with pytest.raises(InputError, match=r"logits: expected 2 dimensions, got shape \(3,\)"):
        softmax_cross_entropy(X[0], [0])
    with pytest.raises(InputError, match="class id 3 of sample 0"):
        SoftmaxCrossEntropy().forward(X, [3, 0])


def _weights(targets):
    return np.asarray(targets) if np.ndim(targets) == 2 else np.eye(3)[targets]
