"""The installed package as type checkers see it in a user's project, far from this repository's settings."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

CONSUMER = Path(__file__).parent / "consumer"
WRONG = {i for i, line in enumerate((CONSUMER / "wrong.py").read_text().splitlines(), 1) if line.endswith("# wrong")}
# neither the settings of this repository nor its source: what is installed is what users have
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MYPYPATH")}


@pytest.fixture
def project(tmp_path):
    """A folder with the user's code, where the package is the installed one."""
    found = subprocess.run(
        [sys.executable, "-c", "import oracles; print(oracles.Layer)"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        check=False,
    )
    if found.returncode:
        pytest.skip("backproof is not installed here, and what users have is the installed package")
    for path in CONSUMER.glob("*.py"):
        shutil.copy(path, tmp_path)
    return tmp_path


def mypy(project, name):
    """The errors that mypy has on a file, as (line, message)."""
    if find_spec("mypy") is None:
        pytest.skip("mypy is not installed")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary", name]
    done = subprocess.run(command, cwd=project, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert not done.stderr
    return [(int(line), text) for line, text in re.findall(rf"^{name}:(\d+): error: (.*)$", done.stdout, re.MULTILINE)]


def pyright(project, name):
    """The errors that pyright has on a file in its strict mode, as (line, message); basedpyright brings its node."""
    if find_spec("basedpyright") is None:
        pytest.skip("basedpyright is not installed")
    settings = {"typeCheckingMode": "strict"}
    (project / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "basedpyright", "--outputjson", "--pythonpath", sys.executable, name]
    done = subprocess.run(command, cwd=project, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] == 1
    found = [d for d in report["generalDiagnostics"] if d["severity"] == "error"]
    return [(d["range"]["start"]["line"] + 1, d["message"]) for d in found]


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_right_use_has_no_errors(checker, project):
    assert checker(project, "right.py") == []


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_each_wrong_use_is_an_error_and_nothing_else_is(checker, project):
    assert {line for line, _ in checker(project, "wrong.py")} == WRONG
