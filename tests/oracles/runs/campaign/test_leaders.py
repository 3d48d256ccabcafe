import random

import numpy as np
import pytest

from oracles import Case
from oracles.runs.campaign.leaders import LARGEST, PLACES, Leaders


def case(value=1.0, n=1):
    return Case("relu", [np.full(n, value, np.float32)], np.ones(n, np.float32))


def test_the_highest_are_kept_in_order():
    leaders = Leaders()
    for i in range(20):
        leaders.enter("torch", "output", ((7 * i) % 20 + 1) / 100, case(i))
    assert [leader.margin for leader in leaders] == [i / 100 for i in range(20, 20 - PLACES, -1)]


def test_each_source_and_result_has_places_of_its_own():
    leaders = Leaders()
    for source, result, margin in (("torch", "output", 0.9), ("jax", "output", 0.1), ("jax", "dinputs", 0.2)):
        assert leaders.enter(source, result, margin, case())
    assert [(x.source, x.result) for x in leaders] == [("jax", "dinputs"), ("jax", "output"), ("torch", "output")]


def test_a_copy_is_changed_by_itself():
    leaders = Leaders()
    leaders.enter("torch", "output", 0.5, case())
    copied = leaders.copy()
    copied.enter("torch", "output", 0.6, case())
    assert (len(list(leaders)), len(list(copied))) == (1, 2)


@pytest.mark.parametrize("margin", [0.0, 1.5, np.inf, np.nan])
def test_what_is_exact_or_beyond_its_bound_is_no_lead(margin):
    assert not Leaders().enter("torch", "output", margin, case())


def test_nor_is_a_large_case_or_the_same_margin_again():
    leaders = Leaders()
    assert not leaders.enter("torch", "output", 0.5, case(n=LARGEST))
    assert leaders.enter("torch", "output", 0.5, case())
    assert not leaders.enter("torch", "output", 0.5, case(2))


def test_a_pick_is_any_of_them():
    assert Leaders().pick(random.Random(0)) is None
    leaders = Leaders()
    for i, source in enumerate(("jax", "torch")):
        leaders.enter(source, "output", 0.5, case(i))
    rng = random.Random(0)
    assert {float(leaders.pick(rng).primals["inputs"][0]) for _ in range(50)} == {0.0, 1.0}
