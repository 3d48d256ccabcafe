"""Who is wrong, the layer or an oracle, and who had nothing to say."""

from types import SimpleNamespace

import numpy as np
import pytest

from oracles import Case, Layer, Oracle, Result, UnsupportedCase, load
from oracles.candidates.layer import reference_layer
from oracles.claims.disagreement import Disagreement
from oracles.claims.referee import Tally, disputes, judge_layer, judge_oracle, verdicts_on_layer
from oracles.claims.truth import Truth

CASE = Case("relu", [np.array([1.0, -2.0])], np.array([3.0, 5.0]))
TRUTH = Truth.of(CASE)


def oracle(vjp):
    return Oracle("mine", "1", "cpu", SimpleNamespace(vjp=vjp))


def abstains(case, device):
    raise UnsupportedCase("no such op")


def verdicts(sources, tally, found=None):
    return list(verdicts_on_layer("values", reference_layer("relu"), "float64", sources, found, tally))


def test_an_oracle_that_abstained_from_every_case_is_skipped_with_its_reason():
    tally = Tally()
    judge_oracle(oracle(abstains), CASE, TRUTH, tally)
    (verdict,) = verdicts([oracle(abstains)], tally)
    assert (verdict.status, verdict.message) == ("skipped", "no such op")


def test_an_oracle_that_abstained_from_some_cases_took_part():
    tally = Tally()
    judge_oracle(oracle(abstains), CASE, TRUTH, tally)
    judge_oracle(oracle(lambda case, device: load("exact").vjp(case)), CASE, TRUTH, tally)
    assert [v.status for v in verdicts([oracle(abstains)], tally)] == ["passed"]


def test_a_failure_is_one_whatever_the_oracle_says():
    tally = Tally()
    judge_oracle(oracle(abstains), CASE, TRUTH, tally)
    (verdict,) = verdicts([oracle(abstains)], tally, {"margin": 2.0, "message": "wrong", "case": CASE})
    assert (verdict.status, verdict.message) == ("failed", "wrong")


@pytest.mark.parametrize("shown", [np.array([1.0]), np.array([1.0, 1e-9]), np.array([np.nan, 0.0])])
def test_an_oracle_outside_its_bound_is_disputed(shown):
    tally = Tally()
    judge_oracle(oracle(lambda case, device: Result(shown, {"inputs": np.array([3.0, 0.0])})), CASE, TRUTH, tally)
    (dispute,) = disputes("relu", [oracle(abstains)], ["float64"], tally)
    assert dispute.status == "disputed"
    assert dispute.message.startswith("output: ")


def test_a_layer_that_raises_disagrees():
    def broken(x):
        raise ZeroDivisionError("by zero")

    with pytest.raises(Disagreement, match="raised ZeroDivisionError: by zero"):
        judge_layer(Layer("relu", forward=broken, vjp=broken), CASE, TRUTH)


def test_the_margins_of_a_layer_are_entered_also_where_it_is_wrong():
    tally = Tally()
    wrong = Layer("relu", forward=lambda x: np.maximum(x, 0), vjp=lambda g, x: g * 2, name="doubles")
    with pytest.raises(Disagreement):
        judge_layer(wrong, CASE, TRUTH, tally)
    assert tally.worst_margin("relu", "float64", "doubles") == np.inf
    assert tally.worst_margin("relu", "float64", "another") is None
