import numpy as np
import pytest
from hypothesis import given

from oracles import Case, Recipe
from oracles.cases.generation import cases
from oracles.cases.shrink import shrink
from oracles.data.arrays import is_plain
from oracles.ops import OPS

CASE = Case(
    "dense",
    [
        Recipe("uniform", (40, 5), "float32", layout="F"),
        Recipe("uniform", (5, 7), "float32"),
        Recipe("uniform", (1, 7), "float32"),
    ],
    Recipe("uniform", (40, 7), "float32", seed=1),
)


@pytest.mark.parametrize("op", OPS)
def test_what_always_fails_shrinks_to_next_to_nothing(op):
    @given(cases(op))
    def holds(case):
        small = shrink(case, lambda c: True)
        assert small.size <= 6
        assert all(is_plain(a) for a in small.primals.values())

    holds()


def test_what_the_failure_needs_is_kept():
    small = shrink(CASE, lambda c: c.primals["inputs"].shape[0] > 3 and (c.cotangent < 0).any())
    assert small.primals["inputs"].shape == (4, 1)
    assert small.cotangent.shape == (4, 1)
    assert sorted(small.cotangent.ravel()) == [-1, 0, 0, 0]


def test_a_layout_that_matters_is_kept():
    def fails(c):
        x = c.primals["inputs"]
        return x.ndim == 2 and min(x.shape) > 1 and not x.flags.c_contiguous

    small = shrink(CASE, fails)
    assert small.primals["inputs"].shape == (2, 2)
    assert not small.primals["inputs"].flags.c_contiguous
    assert is_plain(small.primals["weights"])


def test_labels_stay_valid():
    case = Case("softmax_cross_entropy", [Recipe("uniform", (6, 5), "float64"), np.array([4, 1, 0, 4, 2, 3])], 1.0)
    small = shrink(case, lambda c: (c.primals["targets"] == 3).any())
    assert small.primals["targets"].tolist() == [3]
    assert small.primals["logits"].shape == (1, 4)


def test_it_stops():
    calls = []
    shrink(CASE, lambda c: calls.append(1) or len(calls) % 2 == 0, attempts=50)
    assert len(calls) <= 50


def test_nothing_smaller_gives_the_case_back():
    assert shrink(CASE, lambda c: False) is CASE
