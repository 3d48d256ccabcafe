import json
import os
import re
import runpy
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from oracles import Case
from oracles.cli.main import main

FILE = Path(__file__).parents[1] / "hostile.py"
hostile = SimpleNamespace(**runpy.run_path(str(FILE)))
QUICK = ["--dtype", "float32", "--oracle", "exact", "--examples", "6", "--seed", "1"]
SOURCE = """
import numpy as np

class ReLU:
    def forward(self, inputs):
        self.mask = inputs {relation} 0
        return np.maximum(inputs, 0)
    def backward(self, dvalues):
        return np.where(self.mask, dvalues, np.zeros_like(dvalues))

def relu(x): return np.maximum(x, 0)
def relu_vjp(g, x): return np.where(x <= 0, np.zeros_like(g), g)
"""


def call(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture(autouse=True)
def candidates(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    path = tmp_path / "mine.py"
    path.write_text(SOURCE.format(relation=">="))
    before = set(sys.modules)
    yield path
    for name in set(sys.modules) & {"mine", "meddles"} - before:
        del sys.modules[name]


def test_a_right_layer_exits_0():
    done = call("check", f"{FILE}:ReLU", "--op", "relu", *QUICK)
    assert done.exit_code == 0, done.output
    assert "worst |error| / certified bound" in done.output
    assert "ReLU" in done.output
    assert "passed: " in done.output


def test_functions_with_a_vjp():
    done = call("check", "mine:relu", "--vjp", "relu_vjp", "--op", "relu", *QUICK)
    assert "relu as relu" not in done.output
    assert done.exit_code == 0, done.output


def test_a_wrong_layer_exits_1_is_saved_replayed_and_mended(candidates):
    options = [*QUICK, "--examples", "40", "--save-cases", "failures", "--json", "report.json"]
    done = call("check", "mine:ReLU", "--op", "relu", *options)
    assert done.exit_code == 1
    assert done.output.count("failed: ReLU, values, float32: dinputs: ") == 1
    assert "case: Case('relu', {'inputs': array([[0.0]], 'float32')}, array([[1.0]], 'float32'))" in done.output
    assert "backproof replay failures/ReLU-values-float32.json" in done.output
    assert json.loads(Path("report.json").read_text())["passed"] is False

    again = call("replay", "failures/ReLU-values-float32.json")
    assert again.exit_code == 1
    assert "FAILED: mine:ReLU, values, float32: dinputs: 1 of 1 elements wrong" in again.output
    for column in ("got", "expected", "allowed", "margin"):
        assert column in again.output

    candidates.write_text(SOURCE.format(relation=">"))
    mended = call("replay", "failures/ReLU-values-float32.json")
    assert mended.exit_code == 0, mended.output
    assert "it was: dinputs: 1 of 1 elements wrong" in mended.output
    assert "passed: mine:ReLU, values, float32" in mended.output


def test_a_page_shows_what_a_layer_in_a_process_of_its_own_computed(candidates):
    pytest.importorskip("jinja2")
    done = call("check", "mine:ReLU", "--op", "relu", *QUICK, "--html", "report.html")
    assert done.exit_code == 1
    page = Path("report.html").read_text(encoding="utf-8")
    assert "the cotangent, passed through where the input is 0, the kink" in page
    assert "got 1.0, expected 0.0" in page


@pytest.mark.parametrize("own", [[], ["--in-process"]], ids=["a process of its own", "in process"])
def test_github_shows_a_failure_beside_the_backward_pass(own, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    Path("summary.md").write_text("an earlier step\n")
    done = call("check", "mine:ReLU", "--op", "relu", *QUICK, *own)
    line = SOURCE.splitlines().index("    def backward(self, dvalues):") + 1
    found = re.findall(
        r"^::error file=mine.py,line=(\d+),title=ReLU%3A (\w+)%2C float32::.*$", done.output, re.MULTILINE
    )
    assert {at for at, _ in found} == {str(line)}
    assert "values" in {check for _, check in found}
    summary = Path("summary.md").read_text(encoding="utf-8")
    assert summary.startswith("an earlier step\n### backproof check: ReLU as relu")
    assert "the kink" in summary


def test_annotations_leave_json_on_standard_output_alone():
    command = [sys.executable, "-m", "oracles.cli.main", "check", "mine:ReLU", "--op", "relu", *QUICK]
    env = os.environ | {"GITHUB_ACTIONS": "true", "PYTHONPATH": str(FILE.parents[2])}
    done = subprocess.run([*command, "--json", "-"], capture_output=True, env=env, text=True, check=False)
    assert json.loads(done.stdout)["passed"] is False
    assert done.stderr.startswith("::error ")


def test_elsewhere_nothing_is_annotated_and_a_summary_that_cannot_be_written_changes_nothing(monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "/nowhere/summary.md")
    done = call("check", "mine:relu", "--vjp", "relu_vjp", "--op", "relu", *QUICK)
    assert done.exit_code == 0
    assert "::error" not in done.output
    assert "GITHUB_STEP_SUMMARY: " in done.output


def test_junit_goes_to_a_file(candidates):
    done = call("check", "mine:ReLU", "--op", "relu", *QUICK, "--junit", "report.xml")
    assert done.exit_code == 1
    suite = ET.parse("report.xml").getroot().find("testsuite")
    names = {c.get("name") for c in suite.findall("testcase") if c.find("failure") is not None}
    assert "values-float32-exact" in names
    assert {c.get("file") for c in suite.findall("testcase")} == {"mine.py"}


@pytest.mark.parametrize("name", ["prints", "errstate", "directory"])
def test_what_a_layer_does_to_this_process_is_undone_in_process(name, tmp_path):
    (tmp_path / "meddles.py").write_text(
        f"import runpy\nh = runpy.run_path({str(FILE)!r})\nMeddles = h['doing'](h['MEDDLING'][{name!r}], 'Meddles')\n"
    )
    before = np.geterr(), Path.cwd()
    done = call("check", "meddles:Meddles", "--op", "relu", *QUICK, "--in-process")
    assert done.exit_code == 0, done.output
    assert "noise" not in done.output
    assert (np.geterr(), Path.cwd()) == before


def test_a_crash_is_a_failure_and_can_be_replayed():
    case = Case("relu", {"inputs": np.ones((1, 2), "float32")}, np.ones((1, 2), "float32"))
    case.save("case.json")
    done = call("replay", "case.json", f"{FILE}:segfaults")
    assert done.exit_code == 1
    assert "killed the interpreter: SIGSEGV" in done.output
    assert call("replay", "case.json", f"{FILE}:ReLU", "--in-process").exit_code == 0


def test_a_hang_is_a_failure():
    Case("relu", {"inputs": [[1.0]]}, [[1.0]]).save("case.json")
    done = call("replay", "case.json", f"{FILE}:hangs", "--timeout", "0.3")
    assert done.exit_code == 1, done.output
    assert "no answer within 0.3 s" in done.output


def test_a_bare_case_shows_every_source():
    Case("softmax", {"inputs": [[1.0, 2.0]]}, [[1.0, -1.0]]).save("case.json")
    done = call("replay", "case.json", "--oracle", "exact", "--oracle", "finite_difference")
    assert done.exit_code == 0, done.output
    for part in ("reference", "exact", "finite_difference", "dinputs"):
        assert part in done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["check", "mine:ReLU", "--in-process"],
            "--op: missing, and mine:ReLU is a class that does not say what it computes",
        ),
        (["check", "mine:Relu", "--op", "relu"], "mine:Relu: no 'Relu' in 'mine'; did you mean ReLU"),
        (["check", "mine:ReLU", "--op", "rellu", "--in-process"], "got 'rellu'; did you mean relu"),
        (["check", "mine:ReLU", "--op", "relu", "--dtype", "flaot32"], "got 'flaot32'; did you mean float32"),
        (["check", "mine:ReLU", "--op", "relu", "--oracle", "troch"], "got 'troch'; did you mean torch?"),
        (["check", "mine:ReLU", "--op", "relu", "--examples", "0"], "--examples"),
        (["check", "mine", "--op", "relu"], "expected MODULE:ATTR or PATH.py:ATTR, such as mine:MyLayer"),
        (["check", "mine:relu", "--op", "relu", "--in-process"], "add --vjp relu_vjp, the function that computes them"),
        (["check", "mine:relu", "--op", "relu", "--vjp", "relu_vpj"], "--vjp: no 'relu_vpj' in 'mine'; did you mean"),
        (["check", "mime:ReLU", "--op", "relu", "--in-process"], "mime: no such module here"),
        (["check", "mine:ReLU", "--op", "relu", "--dtype", "int8"], "dtypes: expected one of float32"),
        (["check", "mine:ReLU", "--op", "relu", "--timeout", "-1"], "timeout: expected a positive number of seconds"),
        (["check", "mine:ReLU", "--op", "relu", "--junit", "no/report.xml"], "no: no such folder"),
        (["check"], "Missing argument 'MODULE:ATTR'"),
        (["replay", "nowhere.json"], "nowhere.json: No such file or directory"),
        (["replay", "mine.py"], "mine.py: replay: not JSON"),
    ],
)
def test_misuse_exits_2_with_one_line(arguments, message):
    done = call(*arguments)
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())
    assert "Traceback" not in done.output


def test_a_folder_that_cannot_be_written_is_named():
    Path("taken").mkdir()
    Path("taken/failures").write_text("")
    options = [*QUICK, "--examples", "40", "--in-process", "--save-cases", "taken/failures/deep"]
    done = call("check", "mine:ReLU", "--op", "relu", *options)
    assert done.exit_code == 2
    assert "taken/failures: is a file, not a folder" in " ".join(done.output.split())


def test_the_verdict_stands_where_a_case_cannot_be_written(monkeypatch):
    def full(recording, path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("oracles.runs.replay.Recording.save", full)
    done = call(
        "check", "mine:ReLU", "--op", "relu", *QUICK, "--examples", "40", "--in-process", "--save-cases", "here"
    )
    assert done.exit_code == 1
    assert "not written: No space left on device" in done.output
    assert "FAILED" in done.output
