import numpy as np
import pytest

from oracles import InputError
from oracles.ops import booleans, ids, integers, labels, one_hot, positive, probabilities


def test_what_has_no_gradient():
    assert [d.differentiable for d in (positive, probabilities)] == [True, True]
    assert not any(d.differentiable for d in (booleans, ids("C"), integers(0, 3), one_hot("C"), labels("C")))


@pytest.mark.parametrize(
    ("domain", "values", "message"),
    [
        (ids("C"), [0, 3], "targets: expected integers from 0 to 2, got 3"),
        (ids("C"), [-1, 2], "targets: expected integers from 0 to 2, got -1"),
        (ids("C"), [0.0], "targets: expected integer numbers, got dtype float64"),
        (booleans, [1], "targets: expected boolean numbers, got dtype int64"),
        (integers(2, 5), [6], "targets: expected integers from 2 to 5, got 6"),
    ],
)
def test_what_is_outside_is_shown(domain, values, message):
    with pytest.raises(InputError, match=message):
        domain.check("targets", np.array(values), {"C": 3})


def test_what_is_inside_passes():
    ids("C").check("t", np.array([0, 2], np.uint8), {"C": 3})
    ids("C").check("t", np.zeros(0, np.int64), {"C": 3})
    booleans.check("mask", np.array([True]), {})
    positive.check("x", np.array([1.0]), {})
    with pytest.raises(InputError, match="integers: expected low <= high, got 2 and 1"):
        integers(2, 1)


def test_labels_come_in_two_shapes():
    assert labels("C").shapes({"N": 2, "C": 3}) == {"class ids": (2,), "weights": (2, 3)}
    assert positive.shapes({"N": 2}) == {}
