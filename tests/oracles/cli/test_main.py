import json
import os
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

import oracles.runs.verify as verify_module
from oracles import Layer
from oracles.cli.main import main
from oracles.conventions import answers as table
from reference import relu

QUICK = ["--op", "relu", "--dtype", "float32", "--oracle", "exact", "--examples", "5"]


def call(*arguments):
    return CliRunner().invoke(main, arguments)


def test_verify_prints_the_table_and_passes():
    done = call("verify", *QUICK)
    assert done.exit_code == 0, done.output
    assert "worst |error| / certified bound" in done.output
    assert "passed: " in done.output
    assert "Nothing was cross-validated: " in done.output


def test_a_seed_gives_the_same_run_again():
    found = []
    for salt in ("1", "2"):  # of Python's hash(), which differs from one process to the next
        command = [sys.executable, "-m", "oracles.cli.main", "verify", *QUICK, "--op", "softmax", "--seed", "7"]
        command += ["--examples", "30", "--json", "-"]
        done = subprocess.run(command, capture_output=True, env=os.environ | {"PYTHONHASHSEED": salt}, check=True)
        found.append(json.loads(done.stdout))
    for report in found:
        report.pop("seconds")
    assert found[0] == found[1]
    assert found[0]["seed"] == 7


def test_json_goes_to_a_file(tmp_path):
    path = tmp_path / "report.json"
    assert call("verify", *QUICK, "--json", str(path)).exit_code == 0
    report = json.loads(path.read_text())
    assert report["passed"] is True
    assert {m["result"] for m in report["margins"]} == {"output", "dinputs"}


def test_a_page_goes_to_a_file_with_the_command_that_made_it(tmp_path, monkeypatch):
    pytest.importorskip("jinja2")
    path = tmp_path / "report.html"
    arguments = ["verify", *QUICK, "--html", str(path)]
    monkeypatch.setattr(sys, "argv", ["backproof", *arguments])
    assert call(*arguments).exit_code == 0
    page = path.read_text(encoding="utf-8")
    assert f"<code>backproof {' '.join(arguments)}</code>" in page
    assert "✓ passed" in page


def test_junit_and_a_summary_for_github_go_to_files(tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    assert call("verify", *QUICK, "--junit", str(tmp_path / "report.xml")).exit_code == 0
    suite = ET.parse(tmp_path / "report.xml").getroot().find("testsuite")
    assert {c.get("classname") for c in suite.findall("testcase")} == {"relu/reference.relu"}
    assert "**✅ passed**" in (tmp_path / "summary.md").read_text(encoding="utf-8")


def test_a_wrong_reference_exits_1_and_shows_the_shrunk_case(monkeypatch):
    def at_zero_too(cotangent, inputs):
        return np.where(inputs >= 0, cotangent, np.zeros_like(cotangent))

    wrong = Layer("relu", forward=relu, vjp=at_zero_too, name="reference.relu")
    monkeypatch.setattr(verify_module, "reference_layer", lambda op: wrong)
    done = call("verify", *QUICK, "--examples", "50")
    assert done.exit_code == 1
    assert "failed: reference.relu, agrees, float32: dinputs:" in done.output
    assert re.search(r"case: Case\('relu', \{'inputs': array\(\[+0.0\]+, 'float32'\)\}, array\(\[+1.0\]", done.output)
    assert "FAILED 1 of 1 claims" in done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--op", "denze"],
            "op: expected one of dense, relu, softmax, cross_entropy, softmax_cross_entropy, got 'denze'",
        ),
        (["--dtype", "float8"], "dtype: expected one of float32, float64, float16, bfloat16, got 'float8'"),
        (["--oracle", "tensorflow"], "oracle: expected one of exact, finite_difference, jax, torch, got 'tensorflow'"),
        (["--device", "tpu", "--oracle", "exact"], "device: expected one of cpu, cuda, got 'tpu'"),
        (["--device", "cuda", "--oracle", "exact"], "no framework was asked for, and only those run on cuda"),
        (["--examples", "0"], "examples: expected a positive number, got 0"),
        (["--workers", "0"], "workers: expected a positive number, got 0"),
        (["--examples", "many"], "'many' is not a valid integer"),
        (["--json", "/nowhere/report.json"], "No such file or directory"),
        (["--html", "/nowhere/report.html"], "/nowhere: no such folder"),
        (["--frobnicate"], "No such option"),
    ],
)
def test_misuse_exits_2_with_one_line(arguments, message):
    done = call("verify", *arguments)
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())
    assert "Traceback" not in done.output


def test_doctor_says_what_is_there():
    done = call("doctor")
    assert done.exit_code == 0
    for part in ("python", "numpy", "hypothesis", "oracle exact", "oracle torch", "oracle jax"):
        assert part in done.output


def test_doctor_says_what_is_missing_and_how_to_get_it(monkeypatch):
    for module in ("oracles.cli.main", "oracles.sources.registry"):
        monkeypatch.setattr(f"{module}.missing", lambda name: name if name in ("torch", "jax") else None)
    done = call("doctor")
    assert done.exit_code == 0
    assert "missing torch: pip install torch" in " ".join(done.output.split())
    assert "nothing would be cross-validated. Install one with `pip install torch` or `pip install jax`" in done.output


def test_doctor_says_what_would_end_the_process(monkeypatch):
    monkeypatch.setattr("oracles.sources.exact.oracle.trouble", lambda: "set this", raising=False)
    assert "set this" in next(line for line in call("doctor").output.splitlines() if "oracle exact" in line)


def test_what_crashes_says_where(tmp_path):
    (tmp_path / "crash.py").write_text("import os, signal\n\nos.kill(os.getpid(), signal.SIGILL)\n")
    command = [sys.executable, "-m", "oracles.cli.main", "check", f"{tmp_path}/crash.py:relu", "--op", "relu"]
    done = subprocess.run([*command, "--in-process"], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGILL
    assert "Fatal Python error: Illegal instruction" in done.stderr
    assert "crash.py" in done.stderr


def test_help_shows_examples():
    for name in main.commands:
        assert f"\n  backproof {name}" in call(name, "--help").output
        assert f"\n  backproof {name}" in call("--help").output


def framework(monkeypatch, answer):
    """A framework of which one version is recorded, and another is installed."""
    record = table.Record("torch", "2.13.0", "cpu", {"relu: derivative at 0 and -0": {"float32": "0, 0"}})
    now = table.Record("torch", "9.0", "cpu", {"relu: derivative at 0 and -0": {"float32": answer}})
    oracle = SimpleNamespace(name="torch", is_framework=True)
    monkeypatch.setattr("oracles.sources.available.load_oracles", lambda wanted, device: ((oracle,), {}))
    monkeypatch.setattr(table, "ask", lambda oracle: now)
    monkeypatch.setattr(table, "recorded", lambda name, version, device: record)


def test_a_convention_that_moved_exits_1(monkeypatch):
    framework(monkeypatch, "0.5, 0.5")
    done = call("conventions")
    assert done.exit_code == 1
    assert "torch 9.0 (cpu), against the record of 2.13.0: 1 changed" in done.output
    assert "CHANGED: torch, relu: derivative at 0 and -0, float32: was 0, 0, is 0.5, 0.5" in done.output
    assert "as both frameworks chose" in " ".join(done.output.split())


def test_conventions_that_stand_exit_0_and_can_be_recorded(monkeypatch, tmp_path):
    framework(monkeypatch, "0, 0")
    done = call("conventions", "--all", "--record", str(tmp_path), "--json", str(tmp_path / "now.json"))
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "torch-9.0.json").read_text())["version"] == "9.0"
    assert json.loads((tmp_path / "now.json").read_text())[0]["framework"] == "torch"


def test_conventions_of_no_framework_are_refused():
    done = call("conventions", "--oracle", "exact")
    assert done.exit_code == 2
    assert "no framework can run here" in done.output


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk here")
def test_a_report_that_cannot_be_written_is_said_and_the_verdict_too():
    done = CliRunner().invoke(main, ["verify", *QUICK, "--junit", "/dev/full"])
    assert "/dev/full: not written: No space left on device" in done.output
    assert "passed: " in done.output


def test_a_json_file_is_written_over_at_the_end_alone(tmp_path):
    path = tmp_path / "r.json"
    path.write_text("what was there before, and is longer than what comes" * 1000)
    assert CliRunner().invoke(main, ["verify", "--op", "nonsense", "--json", str(path)]).exit_code == 2
    assert path.read_text().startswith("what was there")
    assert CliRunner().invoke(main, ["verify", *QUICK, "--json", str(path)]).exit_code == 0
    assert json.loads(path.read_text())["cases"]


def test_the_list_of_commands_cuts_no_sentence_off():
    said = call("--help").output.partition("Commands:")[2]
    assert len(said.strip().splitlines()) == 7
    assert "..." not in said
