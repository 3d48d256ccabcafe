import numpy as np

from oracles import Case, Op, ids
from oracles.cases.axes import by_sample, letters, shared_axes, sizes

DENSE = Case("dense", [np.ones((4, 2)), np.ones((2, 3)), np.ones((1, 3))], np.ones((4, 3)))
LOSS = Case("softmax_cross_entropy", [np.ones((4, 3)), np.array([0, 1, 2, 0])], np.ones(4), {"reduction": "none"})


def test_an_axis_is_the_same_in_every_array_that_has_it():
    assert shared_axes(DENSE) == (
        {"inputs": (0,), "cotangent": (0,)},
        {"inputs": (1,), "weights": (0,)},
        {"weights": (1,), "biases": (1,), "cotangent": (1,)},
    )
    assert shared_axes(LOSS) == ({"logits": (0,), "targets": (0,), "cotangent": (0,)}, {"logits": (1,)})
    rows = Case("softmax_cross_entropy", [np.ones((4, 3)), np.eye(3)[[0, 1, 2, 0]]], np.float64(1))
    assert shared_axes(rows) == ({"logits": (0,), "targets": (0,)}, {"logits": (1,), "targets": (1,)})
    assert len(shared_axes(Case("relu", [np.ones((2, 3, 4))], np.ones((2, 3, 4))))) == 3
    square = Op("trace(x[N, N]) -> output", definition=lambda xp, x: xp.sum(x))
    assert shared_axes(Case(square, [np.ones((2, 2))], np.float64(1))) == ({"x": (0, 1)},)


def test_samples_are_along_the_first_axis_alone():
    assert set(by_sample(DENSE)) == {"inputs", "cotangent"}
    assert set(by_sample(LOSS)) == {"logits", "targets", "cotangent"}
    gram = Op("gram(x[N, D]) -> output[N, N]", definition=lambda xp, x: x @ x.mT)
    assert by_sample(Case(gram, [np.ones((2, 3))], np.ones((2, 2)))) == {}
    assert by_sample(Case("relu", [np.float64(1)], np.float64(1))) == {}
    assert by_sample(Case("softmax", [np.ones(3)], np.ones(3))) == {}


def test_sizes_and_letters():
    assert sizes(DENSE) == {"N": 4, "K": 2, "M": 3}
    assert letters(DENSE, "dbiases") == ("1", "M")
    assert letters(DENSE, "output") == ("N", "M")
    softmax = Case("softmax", [np.ones((2, 3, 4))], np.ones((2, 3, 4)))
    assert sizes(softmax) == {"N": 6, "C": 4}
    assert letters(softmax, "dinputs") == ("", "", "C")
    relu = Case("relu", [np.ones((2, 3))], np.ones((2, 3)))
    assert (sizes(relu), letters(relu, "output")) == ({"size": 6}, ("N", "C"))
    table = Op(
        "embedding(table[V, D], at[...]) -> output[..., D]",
        definition=lambda xp, table, at: xp.take(table, at, axis=0),
        domains={"at": ids("V")},
    )
    case = Case(table, [np.ones((5, 2)), np.zeros((3, 4), int)], np.ones((3, 4, 2)))
    assert sizes(case) == {"N": 12, "V": 5, "D": 2}
    assert by_sample(case) == {"table": case.primals["table"]}
