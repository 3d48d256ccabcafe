import json
from dataclasses import replace

import numpy as np
import pytest

from oracles import Case
from oracles.claims.verdicts import Margin, Verdict
from oracles.reports.report import CheckFailed, Report

CASE = Case("relu", {"inputs": [0.0]}, [1.0])
FAILED = Verdict("agrees", "relu", "mine", "torch", "float32", "failed", np.inf, "leaks", "dinputs: wrong", CASE)
PASSED = Verdict("agrees", "relu", "mine", "jax", "float32", "passed", 0.25)
DISPUTED = Verdict("oracle", "relu", "", "jax", "float16", "disputed", 3.0, message="output: off", case=CASE)
SKIPPED = Verdict("agrees", "relu", "mine", "cupy", "", "skipped", message="no cupy")
MARGIN = Margin("relu", "output", "float32", "mine", np.inf, 10, 0.0, CASE)


def report(*verdicts):
    return Report("a run", verdicts, (MARGIN,), {"numpy": "2"}, seed=7, cases=10, seconds=1.0, notes=("a note",))


def test_only_a_failed_verdict_fails_a_report():
    assert report(PASSED, DISPUTED, SKIPPED).passed
    assert report(PASSED, FAILED).failures == (FAILED,)
    report(PASSED, DISPUTED).raise_for_failure()
    with pytest.raises(CheckFailed, match="dinputs: wrong"):
        report(FAILED).raise_for_failure()


def test_nothing_is_passed_where_no_claim_was_finished():
    """A candidate so slow that nothing is known of it is not called right."""
    slow = replace(SKIPPED, status="unfinished", message="too long")
    assert report(slow, slow, SKIPPED).verdict == "NO VERDICT"
    assert not report(slow, slow).failures
    assert report(slow, slow).outcome == "NO VERDICT: none of 2 claims was finished"
    assert report(slow, PASSED).verdict == "passed"
    assert report(slow, PASSED).outcome == "passed, and 1 claims were not finished"


def test_the_text_says_what_failed_what_was_disputed_and_what_skipped():
    text = str(report(PASSED, FAILED, DISPUTED, SKIPPED))
    assert text.splitlines()[0] == "a run: 1 failed, 1 disputed, 1 skipped (10 cases, 1.0 s, seed 7)"
    for part in (
        "failed: mine, agrees, float32: dinputs: wrong",
        "cause: leaks",
        "case: Case('relu'",
        "jax on relu",
        "no cupy",
        "a note",
    ):
        assert part in text


def test_claims_are_counted_once_and_failures_shown_once_whoever_judges():
    twice = [replace(FAILED, oracle=name) for name in ("torch", "jax")]
    other = [replace(PASSED, oracle=name, check="stateless") for name in ("torch", "jax")]
    found = report(*twice, *other, PASSED)
    assert found.counts == {"passed": 1, "failed": 1}
    assert found.outcome == "FAILED 1 of 2 claims (leaks)"
    assert str(found).count("failed: mine") == 1
    assert len(found.failures) == 2


def test_json_is_standard_and_complete():
    data = json.loads(report(FAILED, PASSED).to_json(), parse_constant=pytest.fail)
    assert data["passed"] is False
    assert data["verdicts"][0]["margin"] == "inf"
    assert data["margins"][0]["worst"] == "inf"
    assert Case.from_json(json.dumps(data["verdicts"][0]["case"])) == CASE
