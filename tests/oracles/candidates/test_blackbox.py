import subprocess
import sys
import time
from contextlib import closing

import numpy as np
import pytest

from oracles import Case, Recipe
from oracles.candidates.blackbox import SIZE, BlackBox

CASE = Case("relu", {"inputs": Recipe("uniform", (40, 5), "float32", 3, layout="F")}, np.ones((40, 5), "float32"))


@pytest.fixture
def box(tmp_path):
    with closing(BlackBox(tmp_path / "box")) as box:
        yield box


def test_what_is_worked_on_is_read_by_another(box, tmp_path):
    with closing(BlackBox(tmp_path / "box")) as reader:
        assert not reader.in_flight
        assert reader.case() is None
        with box.watch(CASE):
            assert not reader.in_flight
            assert reader.case() == CASE
            with box.call():
                assert reader.in_flight
        assert not reader.in_flight
        assert reader.case() == CASE


def test_it_outlives_the_process(box, tmp_path):
    text = (
        "import os; from pathlib import Path; from oracles import Case\n"
        "from oracles.candidates.blackbox import BlackBox\n"
        f"box = BlackBox(Path({str(tmp_path / 'box')!r}))\n"
        "box.keep('something')\n"
        "with box.watch(Case('relu', {'inputs': [1.0]}, [2.0])), box.call(): os.abort()"
    )
    subprocess.run([sys.executable, "-c", text], stderr=subprocess.DEVNULL, check=False)
    assert box.in_flight
    assert box.case() == Case("relu", {"inputs": [1.0]}, [2.0])
    assert box.found == "something"


def test_the_candidates_own_time_counts_alone(box):
    for _ in range(2):
        with box.watch(CASE):
            time.sleep(0.02)
            with box.call():
                time.sleep(0.03)
                assert 0.03 <= box.call_seconds <= box.seconds
    spent = box.seconds
    assert 0.06 <= spent < 0.09
    assert box.call_seconds == 0
    box.reset()
    assert (box.seconds, box.case(), box.found) == (0, None, "")


def test_steps_grow_as_long_as_anything_goes_on(box):
    seen = [box.steps]
    with box.watch(CASE):
        seen.append(box.steps)
        with box.call():
            seen.append(box.steps)
    box.reset()
    seen.append(box.steps)
    assert seen == sorted(set(seen))


def test_what_does_not_fit_is_not_recorded(box):
    rng = np.random.default_rng(0)
    large = rng.standard_normal(SIZE // 16)
    with box.watch(CASE):
        pass
    with box.watch(Case("relu", {"inputs": large}, large)):
        assert box.case() is None
    box.keep("x" * SIZE, "short")
    assert box.found == "short"


def test_what_was_written_over_is_no_case(box):
    with box.watch(CASE):
        box._map[32:48] = b"\xff" * 16
        assert box.case() is None
