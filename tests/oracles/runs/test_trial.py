"""One claim tried on a layer: what is searched, and what the verdicts show."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np

import reference
from oracles import Case, Layer, Oracle, UnsupportedCase, check_layer, load
from oracles.candidates.layer import reference_layer
from oracles.claims.checks import CHECKS
from oracles.claims.disagreement import Disagreement
from oracles.claims.referee import Tally
from oracles.runs.trial import search, takes, verdicts

BY_NAME = {check.name: check for check in CHECKS}


class Remembers:
    """Wrong on the second call alone: adds what came before."""

    before = 0.0

    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.maximum(inputs, 0)
        return self.output

    def backward(self, dvalues):
        self.dinputs = np.where(self.inputs > 0, dvalues, 0).astype(dvalues.dtype) + np.asarray(
            self.before, dvalues.dtype
        )
        if dvalues.size:
            self.before = float(np.abs(dvalues).max())


def test_a_failure_of_state_shows_the_call_before_it():
    found = search(BY_NAME["stateless"], Layer.from_class("relu", Remembers), "float64", 60, seed=1)
    assert len(found.earlier) == 1
    session = Layer.from_class("relu", Remembers).start()
    for case in (*found.earlier, found.call):
        session.forward(case.primals, {})
        gradient = session.backward(np.array(case.cotangent), case.primals, {})["inputs"]
    expected = load("exact").vjp(found.call).gradients["inputs"]
    assert (gradient != expected).any()


def test_every_oracle_gets_a_verdict_on_the_values_and_the_exact_value_alone_elsewhere():
    def abstains(case, device):
        raise UnsupportedCase("not today")

    mine = Oracle("mine", "1", "cpu", SimpleNamespace(vjp=abstains))
    panel, tally = (load("exact"), mine), Tally()
    layer = reference_layer("relu")
    found = {
        name: [(v.oracle, v.status) for v in verdicts(BY_NAME[name], layer, "float64", 20, 3, panel, tally)]
        for name in ("values", "repeatable")
    }
    assert found["values"] == [("exact", "passed"), ("mine", "skipped")]
    assert found["repeatable"] == [("exact", "passed")]
    assert {m.source for m in tally.margins()} == {"reference.relu"}


def test_what_is_made_of_a_drawn_case_is_tried_and_counted():
    def far(case):
        return [Case(case.op, [np.full((2, 2), 1e6)], np.ones((2, 2)))]

    layer = Layer(
        "relu", forward=lambda x: np.where(x == 1e6, 0, np.maximum(x, 0)), vjp=reference.relu_vjp, any_rank=True
    )
    for check in (BY_NAME["values"], BY_NAME["repeatable"]):  # with a judge of values and with another
        assert search(check, layer, "float64", 20, seed=1) is None
    tally = Tally()
    found = search(replace(BY_NAME["values"], further=far), layer, "float64", 20, seed=1, tally=tally)
    assert found.call.primals["inputs"].max() == 1e6
    assert max(m.worst for m in tally.margins()) > 1


def test_special_values_are_counted():
    tally = Tally()
    layer = reference_layer("relu")
    assert search(BY_NAME["special_values"], layer, "float64", 60, seed=1, tally=tally) is None
    assert any(m.conventions for m in tally.margins())  # only NaN leaves a choice


def test_what_needs_no_truth_is_held_as_well(monkeypatch):
    def refuse(layer, case):
        raise Disagreement(case, "not linear")

    assert search(BY_NAME["values"], reference_layer("relu"), "float64", 20, seed=1) is None
    monkeypatch.setattr("oracles.runs.trial.own_claims", refuse)
    found = search(BY_NAME["values"], reference_layer("relu"), "float64", 20, seed=1)
    assert found.message == "not linear"


def test_a_shrunk_case_is_one_that_the_layer_takes():
    ids = Layer("cross_entropy", forward=lambda p, t: p, vjp=lambda g, p, t: p)
    soft = Case("cross_entropy", [np.array([[0.5, 0.5]]), np.array([[0.3, 0.7]])], np.array(1.0))
    one_hot = Case("cross_entropy", [np.array([[0.5, 0.5]]), np.array([[0.0, 1.0]])], np.array(1.0))
    assert takes(ids, one_hot)
    assert not takes(ids, soft)
    assert takes(reference_layer("cross_entropy"), soft)


def test_a_claim_that_has_nothing_to_say_has_not_passed():
    """A layer that raises, or is wrong, from the first call on: whether it keeps a state is not known."""

    def raises(g, x):
        raise ArithmeticError("never")

    for vjp in (raises, lambda g, x: 3 * g + 1):
        layer = Layer("relu", forward=reference.relu, vjp=vjp)
        report = check_layer(layer, dtypes=["float32"], oracles=["exact"], max_examples=10, seed=0)
        (skipped,) = report.of_status("skipped")
        assert skipped.check == "stateless"
        assert skipped.message == "stateless: not tried, the layer is wrong from the first call on"
        assert vjp is not raises or not report.of_status("passed")
