"""Random draws: the same everywhere, the simplest first, and of the same reach as Hypothesis's."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles.cases.draws import ByHypothesis, Simplest
from oracles.cases.frames import frame_pool
from oracles.cases.generation import ANYTHING, case_of, random_cases
from oracles.ops import OPS

# a digest of every number of the cases that a seed gives
DIGEST = """
from hashlib import sha256
from oracles.cases.generation import random_cases
from oracles.cases.frames import frame_pool
from oracles.ops import OPS

digest = sha256()
for op in OPS.values():
    for case in random_cases(frame_pool(op, 3)[0], "float32", 4, (7, "values")):
        for array in (*case.primals.values(), case.cotangent):
            digest.update(array.tobytes())
print(digest.hexdigest())
"""


def test_a_seed_gives_the_same_cases_in_every_process():
    seen = set()
    for salt in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": salt}
        run = subprocess.run(
            [sys.executable, "-c", DIGEST], env=environment, capture_output=True, text=True, check=True
        )
        seen.add(run.stdout)
    assert len(seen) == 1


@pytest.mark.parametrize("op", OPS.values(), ids=list(OPS))
def test_the_first_is_the_simplest_and_no_two_are_alike(op):
    frame = next(f for f in frame_pool(op, 0) if min(f.sizes) > 2)
    first, *others = random_cases(frame, "float64", 12, "seed")
    assert first == case_of(Simplest(), frame, "float64", ANYTHING)
    values = {b"".join(a.tobytes() for a in (*c.primals.values(), c.cotangent)) for c in (first, *others)}
    assert len(values) == 12


def test_another_seed_gives_others():
    frame = frame_pool(OPS["dense"], 0)[0]
    (_, one), (_, other) = (list(random_cases(frame, "float64", 2, seed)) for seed in (1, 2))
    assert one != other


@given(st.data())
def test_hypothesis_chooses_among_the_same(data):
    draws = ByHypothesis(data.draw)
    assert 3 <= draws.integer(3, 5) <= 5
    assert draws.among("ab") in "ab"
