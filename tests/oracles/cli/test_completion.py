"""Completion as a shell asks for it: through the environment, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from oracles.candidates.layer import TARGETS
from oracles.cases.generation import DTYPES
from oracles.cli import completion
from oracles.ops import OPS
from oracles.sources.registry import DEVICES, names

ROOT = Path(__file__).parents[3]
START = "import sys; sys.argv[0] = 'backproof'; from oracles.cli.main import main; main(prog_name='backproof')"


def completed(line):
    """What bash is told on the last word of a line, as (kind, value)."""
    words = line.split(" ")
    asked = {"_BACKPROOF_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    command = [sys.executable, "-c", START]
    env = os.environ | asked | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return [tuple(row.split(",", 1)) for row in done.stdout.split()]


def test_bash_is_given_a_script():
    env = os.environ | {"_BACKPROOF_COMPLETE": "bash_source", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", START], env=env, capture_output=True, text=True, check=False)
    assert "_BACKPROOF_COMPLETE=bash_complete" in done.stdout


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("backproof ver", ["verify"]),
        ("backproof check mine.py:ReLU --op s", ["softmax", "softmax_cross_entropy"]),
        ("backproof verify --oracle to", ["torch"]),
    ],
)
def test_a_name_is_completed(line, values):
    assert completed(line) == [("plain", value) for value in values]


def test_a_candidate_completes_to_files():
    assert completed("backproof check my") == [("file", "my")]


@pytest.mark.parametrize(
    ("complete", "known"),
    [
        (completion.ops, OPS),
        (completion.dtypes, DTYPES),
        (completion.oracles, names()),
        (completion.devices, DEVICES),
        (completion.targets, TARGETS),
    ],
)
def test_all_values_are_offered(complete, known):
    assert {item.value for item in complete(None, None, "")} == set(known)
    assert complete(None, None, "?") == []


def test_the_options_of_every_command_complete():
    from oracles.cli.main import main

    kinds = {"op": completion.ops, "dtype": completion.dtypes, "oracle": completion.oracles}
    kinds |= {"device": completion.devices, "targets": completion.targets, "framework": completion.frameworks}
    seen = set()
    for command in main.commands.values():
        for parameter in command.params:
            for kind in {option.removeprefix("--") for option in parameter.opts} & set(kinds):
                assert parameter._custom_shell_complete is kinds[kind], (command.name, kind)
                seen.add(kind)
    assert seen == set(kinds)
