"""The tester tested: each claim catches the wrong layers it must, and no right layer is flagged."""

from functools import partial

import pytest
from failures import assert_fails_alone, assert_fits
from mutants import MUTANTS, RIGHT

from oracles import check_layer
from oracles.claims import search
from oracles.claims.checks import CHECKS
from oracles.ops import OPS
from oracles.runs import check_layer as kit

SEED = 0
EXAMPLES, FEW = 60, 12
# what a class remembers of the calls that made a case small is in no snippet of it
NOT_ALONE = ("FingerprintCache",)


@pytest.fixture(autouse=True)
def _little_shrinking(monkeypatch):
    """Whether a layer fails is the question here; test_shrink asks how small the case gets."""
    monkeypatch.setattr(search, "shrink", partial(search.shrink, attempts=5))


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_wrong_layer_is_caught_by_the_claim_it_breaks(mutant, monkeypatch):
    monkeypatch.setattr(kit, "CHECKS", [check for check in CHECKS if check.name == mutant.check])
    report = check_layer(mutant.layer, oracles=["exact"], dtypes=[mutant.dtype], max_examples=EXAMPLES, seed=SEED)
    assert [v.check for v in report.failures] == [mutant.check], mutant.make.__doc__
    (failure,) = report.failures
    assert "while looking for it" not in failure.cause, failure.cause
    assert_fits(failure)
    if mutant.make.__name__ not in NOT_ALONE:
        assert_fails_alone(failure)


@pytest.mark.parametrize("mutant", [m for m in MUTANTS if m.only], ids=str)
def test_some_wrong_layers_only_one_claim_catches(mutant):
    report = check_layer(mutant.layer, oracles=["exact"], dtypes=[mutant.dtype], max_examples=EXAMPLES, seed=SEED)
    assert [v.check for v in report.failures] == [mutant.check], str(report)
    assert mutant.only in report.failures[0].message


@pytest.mark.parametrize("layer", RIGHT, ids=str)
def test_a_right_layer_is_not_flagged(layer):
    report = check_layer(layer.layer, oracles=["exact"], dtypes=["float32"], max_examples=FEW, seed=SEED)
    assert report.passed, str(report)


def test_every_claim_has_a_wrong_layer_that_it_alone_catches():
    assert {m.check for m in MUTANTS if m.only} == {check.name for check in CHECKS}


def test_the_table_is_whole():
    names = [str(m) for m in [*MUTANTS, *RIGHT]]
    assert len(set(names)) == len(names)
    assert {m.op for m in MUTANTS} == {m.op for m in RIGHT} == set(OPS)
    for m in [*MUTANTS, *RIGHT]:
        assert "__doc__" in vars(m.make), f"{m} does not say what it does"
        assert m.make.__doc__.count("\n") == 0, m
