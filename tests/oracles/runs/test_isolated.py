import os
import runpy
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from oracles import Case, InputError, OracleUnavailable, check_layer
from oracles.candidates.layer import Layer
from oracles.candidates.target import Target
from oracles.runs import isolated, listening
from oracles.runs.check_layer import planned
from oracles.runs.isolated import check_isolated, replay_isolated
from oracles.runs.replay import Recording

FILE = Path(__file__).parents[1] / "hostile.py"
hostile = SimpleNamespace(**runpy.run_path(str(FILE)))
QUICK = {"oracles": ["exact"], "dtypes": ["float32"], "max_examples": 6, "seed": 1}
CASE = Case("relu", {"inputs": [[1.0]]}, [[2.0]])


def target(name):
    return Target(f"{FILE}:{name}", "relu")


@pytest.fixture
def two_claims(monkeypatch):
    """A process a claim takes most of a second to start."""

    def few(*args):
        return replace(planned(*args), steps=(("values", "float32"), ("dtypes", "float32")))

    monkeypatch.setattr(isolated, "planned", few)


def test_a_report_is_that_of_check_layer():
    class ReLU(hostile.ReLU):
        pass

    apart = check_isolated(target("ReLU"), **QUICK)
    here = check_layer(Layer.from_class("relu", ReLU), **QUICK)
    assert replace(apart, seconds=0) == replace(here, seconds=0)
    assert apart.passed


@pytest.mark.parametrize("name", ["exits_at_once", "segfaults", "is_killed"])
def test_one_that_ends_its_process_fails_with_the_case_and_the_claims_go_on(name, two_claims, capfd):
    report = check_isolated(target(name), **QUICK)
    assert [v.check for v in report.failures] == ["values", "dtypes"]
    for verdict in report.failures:
        assert verdict.message == hostile.FATAL[name][1]
        assert verdict.case.op == "relu"
        assert verdict.case.dtype == "float32"
    assert capfd.readouterr() == ("", "")


def test_one_that_hangs_is_ended(two_claims):
    start = time.monotonic()
    report = check_isolated(target("hangs"), **QUICK, timeout=0.5)
    assert [v.message for v in report.failures] == ["no answer within 0.5 s"] * 2
    assert all(v.case is not None for v in report.failures)
    assert time.monotonic() - start < 30


SLOW = """
import numpy as np, time
def forward(x):
    time.sleep(0.05)
    return np.maximum(x, 0)
def vjp(g, x):
    return np.where(x > 0, {factor} * g, 0)
def quick(x):
    return np.maximum(x, 0)
def threads(g, x):
    import os, torch
    assert os.environ["OMP_NUM_THREADS"] == str(torch.get_num_threads())
    assert torch.get_num_threads() == 1, torch.get_num_threads()
    assert os.environ["OPENBLAS_NUM_THREADS"] == os.environ["NPROC"] == "1"
    return vjp(g, x)
"""


@pytest.fixture
def slow(tmp_path):
    def made(factor=1, forward="forward", vjp="vjp"):
        (tmp_path / "slow.py").write_text(SLOW.format(factor=factor))
        return Target(f"{tmp_path}/slow.py:{forward}", "relu", vjp)

    return made


def test_what_takes_long_in_many_short_calls_is_not_finished_and_no_failure(two_claims, slow):
    report = check_isolated(slow(), **QUICK | {"max_examples": 40}, timeout=0.3)
    assert report.passed
    assert {v.status for v in report.verdicts} >= {"unfinished"}
    assert report.outcome == "NO VERDICT: none of 2 claims was finished"
    assert "values: not finished, its calls took 0.3 s in all, none of them so long" in str(report)


def test_what_was_found_by_then_is_a_failure(two_claims, slow):
    report = check_isolated(slow(factor=2), **QUICK, timeout=0.6)
    first = report.failures[0]
    assert first.message.startswith("dinputs: ")
    assert first.case is not None
    assert "looking for it was not finished" in first.cause


def test_the_kits_own_time_is_not_charged_to_the_layer(two_claims, slow, monkeypatch):
    monkeypatch.setattr(listening, "LOADING", 4.0)
    monkeypatch.setattr(listening, "WORK", 0.0)
    report = check_isolated(slow(forward="quick"), **QUICK | {"max_examples": 10**6}, timeout=0.5)
    assert report.passed
    assert "values: not finished, backproof itself took too long for it" in str(report)


def test_a_process_of_ours_is_held_to_one_thread(two_claims, slow, monkeypatch):
    pytest.importorskip("torch", reason="torch is not installed")
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC", "PJRT_NPROC", "XLA_FLAGS"):
        monkeypatch.delenv(name, raising=False)
    before = dict(os.environ)
    assert check_isolated(slow(forward="quick", vjp="threads"), **QUICK).passed
    assert dict(os.environ) == before
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    failed = check_isolated(slow(forward="quick", vjp="threads"), **QUICK).failures
    assert "AssertionError: 2" in failed[0].message  # what the user says stands


def test_after_three_claims_without_an_answer_the_others_are_not_waited_for(monkeypatch):
    monkeypatch.setattr(isolated, "TOO_OFTEN", 1)
    report = check_isolated(target("hangs"), **QUICK, timeout=0.2)
    assert len(report.failures) == 1
    assert len(report.of_status("skipped")) == 8
    assert "sizes: not tried, 1 claims got no answer in time" in str(report)


def test_no_process_is_left_behind(tmp_path, two_claims):
    (tmp_path / "forks.py").write_text(
        "import os, subprocess, sys, time\n"
        "class Forks:\n"
        "    def forward(self, inputs):\n"
        "        child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1000)'])\n"
        f"        open({str(tmp_path / 'pids')!r}, 'a').write(f'{{os.getpid()}} {{child.pid}} ')\n"
        "        time.sleep(1000)\n"
    )
    check_isolated(Target(f"{tmp_path / 'forks.py'}:Forks", "relu"), **QUICK, timeout=0.2)
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 4
    for pid in pids:
        assert not runs(pid)


def runs(pid):
    """Whether the process does; one that ended and waits to be collected does not."""
    for _ in range(100):  # a signal takes a moment
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").exists() and Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
                return False
        except (ProcessLookupError, FileNotFoundError):
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize(
    ("wanted", "options", "error", "message"),
    [
        (target("RelU"), {}, InputError, "no 'RelU' in 'hostile'; did you mean ReLU"),
        (target("ReLU"), {"dtypes": ["int8"]}, InputError, "dtypes: expected one of float32"),
        (target("ReLU"), {"oracles": ["caffe"]}, InputError, "oracle: expected one of exact"),
        (
            target("ReLU"),
            {"device": "cuda"},
            OracleUnavailable,
            "no framework was asked for, and only those run on cuda",
        ),
        (target("ReLU"), {"timeout": 0}, InputError, "timeout: expected a positive number of seconds, got 0"),
    ],
)
def test_misuse_is_named(wanted, options, error, message):
    with pytest.raises(error, match=message):
        check_isolated(wanted, **QUICK | options)


def test_a_module_that_ends_the_process_is_named(tmp_path):
    (tmp_path / "ends.py").write_text("import os; os._exit(7)")
    with pytest.raises(InputError, match=r"ends\.py:X: importing it exited with code 7"):
        check_isolated(Target(f"{tmp_path / 'ends.py'}:X", "relu"), **QUICK)


def test_a_replay_that_ends_its_process_fails():
    done = replay_isolated(Recording(CASE), target("segfaults"))
    assert (done.failure, done.comparisons) == ("killed the interpreter: SIGSEGV", ())
    assert replay_isolated(Recording(CASE), target("ReLU")).passed
