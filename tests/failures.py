"""What holds of every failure that a test meets: its text is short, and its snippet fails in a fresh interpreter."""

import os
import re
import subprocess
import sys
from pathlib import Path

from oracles.reports.bugs import LINES, WIDTH, bug_text

TESTS = Path(__file__).parent


def assert_fits(failure):
    lines = bug_text([failure]).splitlines()
    assert len(lines) <= LINES
    assert max(map(len, lines)) <= WIDTH


def assert_fails_alone(failure):
    """The snippet fails as the layer did: by an assertion, or by what the layer raised."""
    if not failure.snippet:  # of a gradient that is not linear: of three calls none is wrong alone
        return
    path = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-"],
        input=failure.snippet,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
    )
    what, *more = failure.symptom
    kind = more[0] if what == "raised" or (what == "integers" and len(more) > 1) else "AssertionError"
    assert done.returncode == 1, failure.snippet
    if kind != "LayerError":  # what the kit asks of a layer: a snippet that calls it stumbles over it in its own way
        assert re.search(rf"^([\w.]+\.)?{kind}\b", done.stderr, re.MULTILINE), failure.snippet + done.stderr
