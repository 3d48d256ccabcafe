"""What the tutorial says to do works inside the clone too, where pytest finds this project's own settings."""

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = re.compile(r'^```python title="(\w+\.py)"\n(.*?)^```$', re.DOTALL | re.MULTILINE)


@pytest.fixture
def clone(tmp_path):
    """A folder with the settings of this one, and the tutorial's files as they are at its end."""
    for name in ("pyproject.toml", "conftest.py"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "tests").mkdir()  # named in the settings
    return tmp_path


def run(folder, within="."):
    for name, text in FILES.findall((ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")):
        (folder / within).mkdir(exist_ok=True)
        (folder / within / name).write_text(text)
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "pytest", "-q", "test_layers.py", "-p", "no:cacheprovider", "-k", "sizes"]
    if not any(point.name == "backproof" for point in entry_points(group="pytest11")):
        command += ["-p", "oracles.runs.pytest_plugin"]
    # as the command `pytest` does it, which does not put its folder on the path
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}
    return subprocess.run(command, cwd=folder / within, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.parametrize("within", [".", "mine"])
def test_the_tutorials_tests_run_in_the_clone(clone, within):
    done = run(clone, within)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 always puts the folder on the path of -m")
def test_this_check_can_fail(clone):
    (clone / "conftest.py").unlink()
    assert "No module named 'layers'" in run(clone).stdout
