import pytest

from oracles import InputError
from oracles.ops import OPS, get_op


def test_the_ops():
    assert list(OPS) == ["dense", "relu", "softmax", "cross_entropy", "softmax_cross_entropy"]
    assert all(set(op.differentiable) <= set(op.primals) for op in OPS.values())


@pytest.mark.parametrize("name", ["Dense", "", None, 3, ["relu"]])
def test_an_unknown_op_is_shown(name):
    with pytest.raises(
        InputError, match="op: expected one of dense, relu, softmax, cross_entropy, softmax_cross_entropy"
    ):
        get_op(name)


def test_what_the_suite_does_not_know_is_to_be_declared():
    with pytest.raises(InputError, match="got 'qqq'; an op of your own is known once the code that declares it"):
        get_op("qqq")
    with pytest.raises(InputError, match="did you mean softmax_cross_entropy"):
        get_op("SoftmaxCrossEntropy")
