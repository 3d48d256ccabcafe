import numpy as np
import pytest

from oracles import Case, Layer
from oracles.candidates.run import LayerError, copy_of, run

CASE = Case("dense", [np.ones((2, 3)), np.ones((3, 2)), np.ones((1, 2))], np.ones((2, 2)))
RELU = Case("relu", [np.array([1.0, -1.0])], np.array([2.0, 3.0]))


def gradients(returned):
    return run(Layer("dense", forward=lambda x, w, b: x @ w + b, vjp=lambda g, x, w, b: returned), CASE).gradients


def test_gradients_by_order_or_by_name():
    x, w, b = np.zeros((2, 3)), np.zeros((3, 2)), np.zeros((1, 2))
    for returned in (
        (x, w, b),
        [x, w, b],
        {"dinputs": x, "dweights": w, "dbiases": b},
        {"inputs": x, "weights": w, "biases": b},
    ):
        assert [g.shape for g in gradients(returned).values()] == [(2, 3), (3, 2), (1, 2)]


def test_a_single_gradient_needs_no_tuple():
    for vjp in (lambda g, x: g * (x > 0), lambda g, x: (g * (x > 0),), lambda g, x: {"dinputs": g * (x > 0)}):
        assert (run(Layer("relu", forward=lambda x: x, vjp=vjp), RELU).gradients["inputs"] == [2, 0]).all()


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (None, "vjp: expected dinputs, dweights, dbiases, got NoneType None"),
        ((np.ones(1), np.ones(1)), "vjp: expected dinputs, dweights, dbiases, got tuple"),
        ({"dinputs": 1}, "vjp: expected dinputs, dweights, dbiases, got dict"),
        (([1.0], "text", [1.0]), "dweights: expected numbers, got dtype <U4 from str"),
        (([1.0], [[1], [1, 2]], [1.0]), "dweights: expected an array, got list"),
        (([1.0], [1.0], object()), "dbiases: expected numbers, got dtype object from object"),
    ],
)
def test_what_is_no_gradient_is_said(returned, message):
    with pytest.raises(LayerError) as caught:
        gradients(returned)
    assert message in str(caught.value)


def test_a_layer_cannot_touch_the_case():
    def greedy(x):
        x[...] = 7
        return x

    run(Layer("relu", forward=greedy, vjp=lambda g, x: g), RELU)
    assert (RELU.primals["inputs"] == [1, -1]).all()


def test_a_copy_has_the_same_layout():
    a = np.arange(12.0).reshape(3, 4)[::-1, ::2]
    b = copy_of(a)
    assert b.strides == a.strides
    assert (a == b).all()
    assert not np.shares_memory(a, b)


def test_the_reduction_is_passed_to_layers_that_take_one():
    seen = []

    def loss(p, y, reduction="mean"):
        seen.append(reduction)
        return np.zeros(())

    case = Case("cross_entropy", [[[0.5, 0.5]], [0]], 1.0, {"reduction": "sum"})
    for reductions in (("mean",), ("mean", "sum")):
        layer = Layer("cross_entropy", forward=loss, vjp=lambda g, p, y, reduction="mean": p, reductions=reductions)
        run(layer, case)
    assert seen == ["mean", "sum"]
