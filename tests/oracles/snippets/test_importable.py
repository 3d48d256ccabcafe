"""What a user's module has under any name is imported by that name, from wherever the module lies."""

import functools
import subprocess
import sys

import numpy as np
import pytest

from oracles.candidates import target
from oracles.snippets.importable import imported

MODULE = """
import functools

class Makes:
    def __call__(self, x):
        return 2 * x

by_call = Makes()
by_partial = functools.partial(pow, 2)
by_lambda = lambda x: 3 * x
"""


@pytest.fixture
def theirs(module_of):
    return module_of("their_things", MODULE)


def printed(lines):
    return subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(("name", "value"), [("by_call", 6), ("by_partial", 8), ("by_lambda", 9)])
def test_a_name_of_the_module_is_enough(theirs, name, value):
    lines, expression = imported(getattr(theirs, name))
    assert expression == name
    assert printed([*lines, f"print({expression}(3))"]) == f"{value}\n"


def test_a_file_that_was_loaded_under_another_name_is_imported_by_its_own(theirs, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    loaded = target.load_module(str(tmp_path / "their_things.py"))
    assert loaded.__name__ == "candidate_their_things"
    lines, expression = imported(loaded.by_call)
    assert printed([*lines, f"print({expression}(3))"]) == "6\n"
    del sys.modules[loaded.__name__]


def test_what_has_no_name_and_what_is_of_others_is_not_imported(theirs):
    assert imported(functools.partial(pow, 3)) is None
    assert imported(lambda x: x) is None
    assert imported(5) is None
    assert imported(np.add) == (["from numpy import add"], "add") or imported(np.add) is None
