import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import oracles
from oracles import Case
from oracles.candidates.target import Target
from oracles.data.json_data import to_data
from oracles.runs.check_layer import planned
from oracles.runs.listening import START
from oracles.runs.replay import Recording
from oracles.runs.worker import answers

CASE = Case("relu", {"inputs": [[1.0]]}, [[2.0]])


def job(kind, tmp_path, **more):
    return {"job": kind, "box": str(tmp_path / "box"), "target": to_data(Target("reference:ReLU", "relu")), **more}


@pytest.fixture(autouse=True)
def same_path(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))


def test_a_check_says_its_setting_then_each_step_and_its_outcome(tmp_path):
    plan = planned(["float32"], 4, 1)
    done = list(answers(job("check", tmp_path, plan=to_data(plan), oracles=["exact"], device="cpu")))
    assert [next(iter(message)) for message in done] == ["setting", *["step", "outcome"] * len(plan.steps), "done"]
    assert done[0]["setting"]["layer"] == "ReLU"
    json.dumps(done, allow_nan=False)


def test_oracles_are_loaded_for_the_claim_that_asks_for_them_alone(tmp_path):
    plan = to_data(planned(["float32"], 4, 1))
    wrong = {"oracles": ["caffe"], "device": "cpu"}
    plan["steps"] = [["dtypes", "float32"]]
    assert "done" in list(answers(job("check", tmp_path, plan=plan, **wrong)))[-1]
    plan["steps"] = [["values", "float32"]]
    assert "expected one of exact" in list(answers(job("check", tmp_path, plan=plan, **wrong)))[-1]["misuse"]


def test_a_replay(tmp_path):
    done = list(answers(job("replay", tmp_path, recording=to_data(Recording(CASE)))))
    assert [next(iter(message)) for message in done] == ["step", "replayed", "done"]


def test_a_fault_of_its_own_travels_with_its_traceback(tmp_path):
    assert "Traceback" in list(answers(job("check", tmp_path, plan=to_data(planned()))))[-1]["error"]


def test_the_candidate_finds_streams_that_lead_nowhere_and_no_input(tmp_path):
    (tmp_path / "loud.py").write_text(
        "import os, sys\nfrom reference import ReLU\n"
        "os.write(1, b'noise')\nos.write(2, b'noise')\nprint('noise')\nassert sys.stdin.read() == ''\n"
    )
    work = job("replay", tmp_path, recording=to_data(Recording(CASE))) | {
        "target": to_data(Target(f"{tmp_path / 'loud.py'}:ReLU", "relu"))
    }
    done = subprocess.run(
        [sys.executable, "-c", START], input=json.dumps(work) + "\n", capture_output=True, text=True, check=False
    )
    # input that ends is a parent that went: the worker may stop at any point after that
    assert "noise" not in done.stdout + done.stderr


def test_it_ends_with_its_parent(tmp_path):
    (tmp_path / "slow.py").write_text("import time; time.sleep(1000)")
    work = job("replay", tmp_path, recording=to_data(Recording(CASE))) | {
        "target": to_data(Target(f"{tmp_path / 'slow.py'}:X", "relu"))
    }
    done = subprocess.run(
        [sys.executable, "-c", START],
        input=json.dumps(work) + "\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1


def test_the_package_is_the_one_that_started_it_and_the_directory_comes_first(tmp_path):
    text = START.replace("main()", "print(sys.path[0]); import oracles; print(oracles.__file__)").replace(
        "del sys.path[0]", "sys.path.insert(0, sys.path.pop(0))"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, cwd=tmp_path, check=True)
    root, file = done.stdout.split()
    assert Path(file).parents[1] == Path(root) == Path(oracles.__file__).parents[1]
    assert os.path.isdir(root)
