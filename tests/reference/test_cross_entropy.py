import numpy as np
import pytest

from reference import CategoricalCrossEntropy, InputError, Loss, cross_entropy, cross_entropy_vjp

P = np.array([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125]])


def test_ids_and_one_hot_are_the_same():
    for reduction, g in (("mean", 1.5), ("sum", 1.5), ("none", [1.5, -2.0])):
        one_hot = np.eye(3)[[0, 2]]
        assert (cross_entropy(P, [0, 2], reduction) == cross_entropy(P, one_hot, reduction)).all()
        assert (cross_entropy_vjp(g, P, [0, 2], reduction) == cross_entropy_vjp(g, P, one_hot, reduction)).all()


def test_a_zero_label_contributes_exactly_zero():
    p = [[0.0, 1.0]]
    for targets in ([1], [[0, 1]], [[0.0, 1.0]]):
        assert cross_entropy(p, targets) == 0
        assert (cross_entropy_vjp(1.0, p, targets) == [[0, -1]]).all()


def test_a_label_on_a_zero_probability_is_not_clipped_away():
    assert cross_entropy([[0.0, 1.0]], [0]) == np.inf
    assert cross_entropy_vjp(1.0, [[0.0, 1.0]], [0])[0, 0] == -np.inf


def test_clip_is_differentiated():
    p = np.array([[1e-9, 0.25, 1.0]])
    y = np.ones((1, 3))
    loss = cross_entropy(p, y, "sum", clip=1e-7)
    assert loss == -(np.log([[1e-7, 0.25, 1 - 1e-7]])).sum()
    assert (cross_entropy_vjp(1.0, p, y, "sum", clip=1e-7) == [[0, -4, 0]]).all()


def test_an_empty_batch():
    p = np.zeros((0, 3), np.float32)
    assert np.isnan(cross_entropy(p, []))
    assert cross_entropy(p, [], "sum") == 0
    assert cross_entropy(p, [], "none").shape == (0,)
    assert cross_entropy_vjp(1.0, p, []).shape == (0, 3)


BAD_TARGETS = [
    ([0, 3], "targets: class id 3 of sample 1 is outside 0..2"),
    ([-1, 0], "targets: class id -1 of sample 0 is outside 0..2"),
    ([0.0, np.nan], "targets: class ids must be integers, got dtype float64"),
    ([[0, 0, 1], [0, np.nan, 0]], "targets: weight nan of sample 1, class 1 is not finite"),
    ([[0, 0, 1], [0, -np.inf, 0]], "targets: weight -inf of sample 1, class 1 is not finite"),
    (["a", "b"], "targets: expected numbers, got dtype <U1"),
    (np.array([0, 1], object), "targets: expected numbers, got dtype object"),
    ([0], "targets: expected shape (2,)"),
    ([[0], [1]], "targets: expected shape (2, 3)"),
    ([[[0]]], "targets: expected shape (2,)"),
    ([[0], [1, 2]], "targets: expected an array of numbers"),
]


@pytest.mark.parametrize(("targets", "message"), BAD_TARGETS, ids=[m for _, m in BAD_TARGETS])
def test_bad_targets_are_named_and_shown(targets, message):
    for call in (lambda: cross_entropy(P, targets), lambda: cross_entropy_vjp(1.0, P, targets)):
        with pytest.raises(InputError) as caught:
            call()
        assert message in str(caught.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cross_entropy(P, [0, 1], "average"), "reduction: expected one of mean, sum, none, got 'average'"),
        (lambda: cross_entropy(P[0], [0]), "probabilities: expected 2 dimensions"),
        (lambda: cross_entropy(P, [0, 1], clip=0.7), "clip: expected a number between 0 and 0.5, got 0.7"),
        (lambda: cross_entropy_vjp([1.0, 1.0], P, [0, 1]), "cotangent: expected shape () (a scalar loss)"),
        (lambda: cross_entropy_vjp(1.0, P, [0, 1], "none"), 'cotangent: expected shape (2,) (one a sample for "none")'),
    ],
)
def test_bad_arguments_are_named_and_shown(call, message):
    with pytest.raises(InputError) as caught:
        call()
    assert message in str(caught.value)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int64, np.uint64])
def test_ids_of_any_integer_dtype(kind):
    assert (cross_entropy(P, np.array([2, 1], kind), "none") == cross_entropy(P, [2, 1], "none")).all()


@pytest.mark.parametrize("kind", [bool, np.int8, np.float16, np.float32, np.float64])
def test_one_hot_of_any_dtype(kind):
    y = np.eye(3)[[2, 1]]
    assert (cross_entropy_vjp(1.0, P, y.astype(kind)) == cross_entropy_vjp(1.0, P, y)).all()
    assert cross_entropy_vjp(1.0, P.astype(np.float32), y.astype(kind)).dtype == np.float32


def test_layer_is_the_gradient_of_the_mean_loss():
    layer = CategoricalCrossEntropy()
    assert layer.forward(P, [0, 1]).shape == (2,)
    assert layer.calculate(P, [0, 1]) == cross_entropy(P, [0, 1])
    assert (layer.backward(P, [0, 1]) == cross_entropy_vjp(1.0, P, [0, 1])).all()


def test_a_loss_without_forward_says_so():
    with pytest.raises(NotImplementedError, match=r"Loss\.forward: a loss defines the losses of its samples"):
        Loss().calculate(P, [0, 1])


def test_what_memory_held_before_reaches_no_loss():
    y = np.eye(3)[[2, 1]]
    for _ in range(20):  # small blocks are handed out again as they were left
        left = [np.full(P.shape, np.nan) for _ in range(50)]
        del left
        assert (cross_entropy(P, y, "none") == cross_entropy(P, [2, 1], "none")).all()
