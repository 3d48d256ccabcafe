import pytest

from oracles import InputError
from oracles.ops import OPS, get_op, takes_sizes


def test_the_ops():
    assert list(OPS) == ["dense", "relu", "softmax", "cross_entropy", "softmax_cross_entropy"]
    assert all(set(op.differentiable) <= set(op.primals) for op in OPS.values())


@pytest.mark.parametrize("name", ["Dense", "", None, 3, ["relu"]])
def test_an_unknown_op_is_shown(name):
    with pytest.raises(
        InputError, match="op: expected one of dense, relu, softmax, cross_entropy, softmax_cross_entropy"
    ):
        get_op(name)


@pytest.mark.parametrize(
    ("op", "function", "makes"),
    [
        ("dense", lambda n_inputs, n_neurons: None, True),
        ("dense", lambda inputs, weights, biases: None, False),
        ("dense", lambda *anything: None, False),
        ("relu", lambda: None, True),
        ("relu", lambda inputs: None, False),
        ("relu", lambda inputs=None: None, False),
        ("cross_entropy", lambda: None, True),
        ("relu", print, False),
        ("relu", 3, False),
    ],
)
def test_what_makes_a_layer_is_told_from_a_function_of_primals(op, function, makes):
    assert takes_sizes(get_op(op), function) is makes


def test_what_the_suite_does_not_know_is_to_be_declared():
    with pytest.raises(InputError, match=r"got 'qqq'; an op of your own .*: CustomOp\('qqq', \.\.\.\)"):
        get_op("qqq")
    with pytest.raises(InputError, match="did you mean softmax_cross_entropy"):
        get_op("SoftmaxCrossEntropy")
