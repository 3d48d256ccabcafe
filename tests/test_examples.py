"""The examples run: here, the one on real data; the worked examples have test_worked_examples.py."""

import subprocess
import sys
from pathlib import Path

import pytest

DIGITS = Path(__file__).parents[1] / "examples" / "digits.py"


def run(*arguments):
    return subprocess.run([sys.executable, str(DIGITS), *arguments], capture_output=True, text=True, check=False)


def test_digits_trains_within_the_bounds_and_draws(tmp_path):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    done = run("--steps", "3", "--plot", str(tmp_path / "digits.png"))
    assert done.returncode == 0, done.stderr
    assert "PASS: every margin is at most 1" in done.stdout
    assert (tmp_path / "digits.png").read_bytes().startswith(b"\x89PNG")


def test_misuse_is_named():
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    done = run("--steps", "0")
    assert done.returncode == 2
    assert "expected --steps of at least 1" in done.stderr


def test_without_scikit_learn_it_says_how_to_get_it():
    program = (
        "import sys, runpy; sys.modules['sklearn'] = None; sys.argv = ['digits']; "
        f"runpy.run_path({str(DIGITS)!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "scikit-learn is not installed; install it with: pip install scikit-learn\n"
