import subprocess
import sys
import time
from contextlib import closing

import numpy as np
import pytest

from oracles import Case, Recipe
from oracles.conformance.blackbox import SIZE, BlackBox

CASE = Case("relu", {"inputs": Recipe("uniform", (40, 5), "float32", 3, layout="F")}, np.ones((40, 5), "float32"))


@pytest.fixture
def box(tmp_path):
    with closing(BlackBox(tmp_path / "box")) as box:
        yield box


def test_the_case_in_flight_is_read_by_another(box, tmp_path):
    with closing(BlackBox(tmp_path / "box")) as reader:
        assert not reader.in_flight
        assert reader.case() is None
        with box.watch(CASE):
            assert reader.in_flight
            assert reader.case() == CASE
        assert not reader.in_flight
        assert reader.case() == CASE


def test_it_outlives_the_process(box, tmp_path):
    text = (
        "import os; from pathlib import Path; from oracles import Case\n"
        "from oracles.conformance.blackbox import BlackBox\n"
        f"box = BlackBox(Path({str(tmp_path / 'box')!r}))\n"
        "with box.watch(Case('relu', {'inputs': [1.0]}, [2.0])): os.abort()"
    )
    subprocess.run([sys.executable, "-c", text], stderr=subprocess.DEVNULL, check=False)
    assert box.in_flight
    assert box.case() == Case("relu", {"inputs": [1.0]}, [2.0])


def test_time_counts_while_a_case_is_in_flight(box):
    for _ in range(2):
        with box.watch(CASE):
            time.sleep(0.02)
            assert box.seconds >= 0.02
    spent = box.seconds
    assert spent >= 0.04
    time.sleep(0.01)
    assert box.seconds == spent
    box.reset()
    assert (box.seconds, box.case()) == (0, None)


def test_a_case_that_does_not_fit_is_not_recorded(box):
    rng = np.random.default_rng(0)
    large = rng.standard_normal(SIZE // 8)
    with box.watch(CASE):
        pass
    with box.watch(Case("relu", {"inputs": large}, large)):
        assert box.in_flight
        assert box.case() is None


def test_what_was_written_over_is_no_case(box):
    with box.watch(CASE):
        box._map[24:40] = b"\xff" * 16
        assert box.case() is None
