"""What a person sees: colours and a bar in a terminal, none of them in a pipe, and no colour under NO_COLOR."""

import os
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")

ROOT = Path(__file__).parents[3]
QUICK = ["--op", "relu", "--dtype", "float32", "--oracle", "exact", "--seed", "1"]
COLOUR = re.compile(r"\x1b\[[0-9;]*\b(3[0-7]|4[0-7]|9[0-7]|38;[25];[0-9;]*|48;[25];[0-9;]*)m")
WRONG = """
import numpy as np
def relu(x): return np.maximum(x, 0)
def relu_vjp(g, x): return g
"""


def command(*arguments):
    return [sys.executable, "-m", "oracles.cli.main", *arguments]


def environment(**more):
    drop = ("NO_COLOR", "FORCE_COLOR", "CI", "TERM", "COLUMNS", "LINES")
    return {k: v for k, v in os.environ.items() if k not in drop} | {"PYTHONPATH": str(ROOT), **more}


def in_a_terminal(folder, *arguments, **more):
    """What a terminal of 120 columns is sent."""
    ours, theirs = pty.openpty()
    env = environment(TERM="xterm-256color", COLUMNS="120", **more)
    text, until = b"", time.monotonic() + 300
    with subprocess.Popen(command(*arguments), stdout=theirs, stderr=theirs, cwd=folder, env=env):
        os.close(theirs)
        while time.monotonic() < until:
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    read = os.read(ours, 65536)
                except OSError:  # Linux says so at the end
                    break
                if not read:
                    break
                text += read
    os.close(ours)
    return text.decode()


@pytest.fixture
def wrong(tmp_path):
    (tmp_path / "mine.py").write_text(WRONG)
    return tmp_path


CHECK = ["check", "mine:relu", "--vjp", "relu_vjp", *QUICK, "--examples", "10"]


def test_a_terminal_is_sent_colours_and_a_bar_with_the_time_left(wrong):
    text = in_a_terminal(wrong, *CHECK)
    assert COLOUR.search(text)
    assert "loading the oracles" in text
    assert re.search(r"\d/9", text), "the claims done, of all"
    assert re.search(r"values float32", text), "the claim that is next"
    assert re.search(r"\d:\d\d:\d\d", text), "the time left"


def test_no_color_is_honoured(wrong):
    text = in_a_terminal(wrong, *CHECK, NO_COLOR="1")
    assert "inf !" in text
    assert not COLOUR.search(text)


def test_a_pipe_is_sent_text_alone(wrong):
    done = subprocess.run(command(*CHECK), cwd=wrong, env=environment(), capture_output=True, text=True, check=False)
    assert "inf !" in done.stdout
    assert "\x1b" not in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("name", ["--help", "check", "verify", "replay", "conventions", "doctor"])
def test_help_has_no_colour_under_no_color(name, tmp_path):
    arguments = [name] if name == "--help" else [name, "--help"]
    assert not COLOUR.search(in_a_terminal(tmp_path, *arguments, NO_COLOR="1"))
