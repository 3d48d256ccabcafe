import pytest
from here import Here, plan

from oracles.campaign.plan import Plan
from oracles.campaign.report import report
from oracles.campaign.run import run
from oracles.campaign.state import State
from oracles.conformance.target import Target


@pytest.fixture
def done(tmp_path):
    with State.create(tmp_path / "c.sqlite", plan()) as state:
        run(state, Here(), at_once=1)
        yield state


def test_a_campaign_that_found_nothing_passes(done):
    found = report(done)
    assert found.passed
    assert (found.cases, found.seed) == (200, 7)
    assert found.notes[0].startswith("12 of 12 chunks done: 200 of 200 cases, ")
    assert {(v.op, v.dtype, v.status) for v in found.verdicts} == {
        (op, dtype, "passed") for op in ("softmax", "dense") for dtype in ("float32", "float64")
    }
    assert {m.cases for m in found.margins} == {50}
    assert "Nothing was cross-validated" in str(found)


def test_what_is_left_is_said(tmp_path):
    with State.create(tmp_path / "c.sqlite", plan()) as state:
        assert report(state).notes[0].startswith("0 of 12 chunks done: 0 of 200 cases")


def test_a_chunk_that_was_given_up_fails_it(done):
    done.broken[3] = "dense float64 cpu: its process died"
    found = report(done)
    assert not found.passed
    said = (
        "failed: reference.dense, chunk, float64: chunk 3 was given up, its cases are not counted: dense float64 cpu: "
    )
    assert said + "its process died" in str(found)
    assert found.notes[0].startswith("11 of 12 chunks")


def test_failures_are_shown_with_their_cause_and_counted(tmp_path):
    (tmp_path / "campaigned_relu.py").write_text(
        "import numpy as np\ndef f(x): return np.maximum(x, 0)\ndef f_vjp(g, x): return g\n"
    )
    target = Target(f"{tmp_path}/campaigned_relu.py:f", "relu", vjp="f_vjp")
    with State.create(tmp_path / "c.sqlite", Plan.of(target=target, oracles=["exact"], cases=40, size=20)) as state:
        run(state, Here(), at_once=1)
        found = report(state)
    assert not found.passed
    assert {v.status for v in found.verdicts} == {"failed"}
    assert all(v.cause for v in found.failures)
    assert f"{state.findings.failing} cases failed" in str(found)
    assert "backproof campaign: " in found.title


def test_it_goes_to_a_page(done, tmp_path):
    pytest.importorskip("jinja2", reason="pages need Jinja2")
    report(done).to_html(tmp_path / "r.html")
    assert "backproof campaign" in (tmp_path / "r.html").read_text()
