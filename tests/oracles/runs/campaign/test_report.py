from dataclasses import replace

import pytest
from here import Here, plan

from oracles.candidates.target import Target
from oracles.runs.campaign.findings import device_of
from oracles.runs.campaign.plan import Plan
from oracles.runs.campaign.report import report
from oracles.runs.campaign.run import run
from oracles.runs.campaign.state import State


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
    done.broken[3] = "its process died"
    found = report(done)
    assert not found.passed
    said = "failed: reference.dense, chunk, float64: chunk 3, on cpu, was given up, its 20 cases are not counted: "
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


def of(target, folder, **settings):
    with State.create(
        folder / "c.sqlite", Plan.of(target=target, **{"cases": 20, "size": 20, "seed": 1, **settings})
    ) as state:
        run(state, Here(), at_once=1)
        return report(state)


def test_an_oracle_that_abstained_from_every_case_has_passed_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("oracles.sources.finite_difference.oracle.LIMIT", 0)
    found = of(None, tmp_path, ops=["relu"], dtypes=["float64"], oracles=["finite_difference"], cases=4, size=4)
    (verdict,) = found.verdicts
    assert (verdict.status, verdict.oracle) == ("skipped", "finite_difference")
    assert verdict.message


def test_a_users_own_op_is_judged_by_itself_and_the_report_says_so(tmp_path):
    (tmp_path / "own_cubes.py").write_text(
        "import numpy as np\nfrom hypothesis import strategies as st\nfrom oracles import Layer, Op\n"
        'cube = Op("campaigned_cube(x) -> output", cases=st.integers(1, 9).map(lambda n: {"x": np.full(2, n / 2)}))\n'
        "right = Layer(cube, forward=lambda x: x**3, vjp=lambda g, x: 3 * g * x**2)\n"
    )
    found = of(Target(f"{tmp_path}/own_cubes.py:right", "campaigned_cube"), tmp_path, dtypes=["float64"])
    assert {v.oracle for v in found.verdicts} == {"itself"}
    assert found.notes[0].endswith("20 of 20 cases, 20 drawn.")
    assert found.notes[1].startswith("Self-consistency, not agreement")
    assert "The bounds are estimated" in found.notes[2]


def test_what_others_followed_is_not_said_of_the_layer(tmp_path):
    found = of(None, tmp_path, ops=["relu"], dtypes=["float32"], oracles=["exact"], cases=60, size=60)
    followed = replace(found.margins[0], source="torch", conventions=("torch: relu'(NaN) = 1",))
    with State.open(tmp_path / "c.sqlite") as state:
        state.findings.margins["relu dinputs float32 torch"] = followed
        assert not any("torch: relu'(NaN) = 1" in note for note in report(state).notes)


def test_a_margin_of_the_layer_is_known_on_a_device(tmp_path):
    of(None, tmp_path, ops=["relu"], dtypes=["float32"], oracles=["exact"])
    with State.open(tmp_path / "c.sqlite") as state:
        (m,) = (m for m in state.findings.margins.values() if m.result == "output")
        state.findings.margins = {"x": replace(m, source="reference.relu on cuda", worst=0.7)}
        assert state.findings.worst("relu") == 0.7
        assert device_of(state.findings.margins["x"]) == "cuda"


def test_a_failure_on_a_case_that_is_too_large_to_keep_is_told_without_it(tmp_path, monkeypatch):
    monkeypatch.setattr("oracles.runs.campaign.findings.LARGEST_CASE", 1)
    (tmp_path / "large_relu.py").write_text(
        "import numpy as np\ndef f(x): return np.maximum(x, 0)\ndef f_vjp(g, x): return g\n"
    )
    found = of(
        Target(f"{tmp_path}/large_relu.py:f", "relu", vjp="f_vjp"), tmp_path, dtypes=["float32"], oracles=["exact"]
    )
    (failed,) = (v for v in found.verdicts if v.status == "failed")
    assert failed.case is None
    assert failed.message.endswith("(on a case of 2 elements, which is not kept)")
