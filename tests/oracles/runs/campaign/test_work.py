from dataclasses import replace
from types import SimpleNamespace

import pytest
from here import plan
from losing_gpu import SAID, source

from oracles import InputError, OracleUnavailable
from oracles.candidates import gpu_lost as lost
from oracles.candidates.target import Target
from oracles.runs.campaign.executors import Local
from oracles.runs.campaign.plan import Plan, leading, worst
from oracles.runs.campaign.run import run
from oracles.runs.campaign.state import State
from oracles.runs.campaign.work import DRAWN, EXPLAINED, work

WRONG = """
import numpy as np

def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)

def softmax_vjp(g, x):
    return softmax(x) * g

class Loss:
    def forward(self, logits, y):
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        self.output = e / e.sum(axis=1, keepdims=True)
        picked = self.output[np.arange(len(y)), y] if y.ndim == 1 else (self.output * y).sum(axis=1)
        return -np.log(picked).mean()
    def backward(self, p, y):
        y = np.eye(p.shape[1], dtype=p.dtype)[y] if y.ndim == 1 else y
        self.dinputs = ((p - y) / len(p)).astype(p.dtype)
        return self.dinputs
"""


def without_time(found):
    return replace(found, seconds=0)


@pytest.mark.parametrize("op", ["softmax", "dense", "relu", "cross_entropy", "softmax_cross_entropy"])
def test_a_chunk_is_exactly_its_cases_and_the_same_each_time(op):
    chunk = plan(ops=[op], cases=120, size=60, dtypes=["float32"]).chunks()[1]
    found = work(chunk)
    assert (found.cases, found.failing, found.verdicts) == (60, 0, ())
    assert found.drawn == 60 // DRAWN
    assert all(m.cases == 60 and m.worst <= 1 for m in found.margins)
    assert {m.source for m in found.margins} == {f"reference.{op}"}
    assert without_time(work(chunk)) == without_time(found)


def test_parents_change_what_is_tried_and_nothing_else():
    chunk = plan(ops=["softmax"], dtypes=["float32"], cases=60, size=60).chunks()[0]
    first = work(chunk)
    again = work(replace(chunk, parents=tuple(leader.case for leader in first.leaders)))
    assert (again.cases, again.drawn) == (first.cases, first.drawn)
    assert without_time(again) != without_time(first)
    assert max(leader.margin for leader in again.leaders) >= max(leader.margin for leader in first.leaders) / 2


def test_what_is_known_does_not_travel():
    chunk = plan(ops=["softmax"], dtypes=["float32"], cases=60, size=60).chunks()[0]
    found = work(chunk)
    reached = {worst(m.source, m.result): m.worst for m in found.margins}
    reached |= {leading(x.source, x.result): 1.0 for x in found.leaders}
    again = work(replace(chunk, known=reached))
    assert again.leaders == ()
    assert [m.case for m in again.margins] == [None] * len(found.margins)
    assert [(m.worst, m.cases) for m in again.margins] == [(m.worst, m.cases) for m in found.margins]
    assert work(replace(chunk, known=dict.fromkeys(reached, 0.0))).margins == found.margins


@pytest.fixture
def wrong(tmp_path):
    path = tmp_path / "wrong_softmax.py"
    path.write_text(WRONG)
    return str(path)


def test_a_wrong_candidate_is_counted_made_small_and_explained(wrong):
    target = Target(f"{wrong}:softmax", "softmax", vjp="softmax_vjp")
    found = work(Plan.of(target=target, oracles=["exact"], cases=80, size=40, seed=1).chunks()[0])
    assert found.cases == 40
    assert 0 < found.failing <= 40
    assert 1 <= len(found.verdicts) <= EXPLAINED
    assert "the rank-1 term is missing" in found.verdicts[0].cause
    assert found.verdicts[0].case.size <= 4
    assert found.layer == "softmax"


def test_a_class_whose_cotangent_is_fixed_gets_no_other(wrong):
    target = Target(f"{wrong}:Loss", "softmax_cross_entropy")
    plan = Plan.of(target=target, oracles=["exact"], cases=200, size=100, seed=1)
    for chunk in plan.chunks():
        found = work(chunk)
        assert found.cases == 100
        assert all(leader.case.cotangent == 1 for leader in found.leaders)


def test_a_candidate_that_is_not_there_is_said(tmp_path):
    target = Target(f"{tmp_path}/no.py:Layer", "relu")
    with pytest.raises(InputError, match="no such file"):
        work(Plan.of(target=target, cases=10).chunks()[0])


def test_a_chunk_that_loses_the_gpu_names_its_case_and_the_others_get_another_process(tmp_path):
    path = tmp_path / "loses.py"
    path.write_text(source("x.dtype == np.float64 and x.shape[-1] > 3"))
    target = Target(f"{path}:relu", op="relu", vjp="relu_vjp")
    ends = plan(ops=["relu"], target=target, cases=80, size=20)
    with State.create(tmp_path / "c.sqlite", ends) as state, Local(workers=2) as executor:
        run(state, executor, at_once=2)
        lethal = {chunk.number for chunk in ends.chunks() if chunk.dtype == "float64"}
        assert set(state.broken) == lethal
        for why in state.broken.values():
            assert f"left the GPU unusable: {SAID}, on Case('relu'" in why
            assert "an earlier call" not in why
        assert state.findings.cases == 40
        assert not [v for v in state.findings.verdicts.values() if v.status == "failed"]


def test_a_process_of_the_user_s_that_lost_it_does_no_chunk(monkeypatch):
    monkeypatch.setattr(lost, "_noticed", False)
    monkeypatch.setattr(lost, "loaded", lambda: [SimpleNamespace(lost=lambda: "device-side assert")])
    with pytest.raises(OracleUnavailable, match="left unusable, a new process is needed: device-side assert"):
        work(plan(ops=["relu"], dtypes=["float32"], cases=20, size=20).chunks()[0])
