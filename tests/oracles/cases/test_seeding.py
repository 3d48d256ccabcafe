import sys
import threading
from types import ModuleType

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from oracles.cases import seeding as reproducible
from oracles.cases.frames import Frame
from oracles.cases.seeding import same_everywhere
from oracles.claims.search import try_cases

LARGE = 1_234_567_000


def some_cases():
    found = []
    try_cases(found.append, Frame("softmax", (3, 4)), "float32", 200, 7)
    return found


@pytest.fixture
def local_module(tmp_path):
    """A module that is no installed package, and has constants."""
    path = tmp_path / "with_constants.py"
    path.write_text("\n".join(f"C{i} = {i * 97 + 13}, {LARGE + i}" for i in range(400)))
    module = ModuleType("with_constants")
    module.__file__ = str(path)
    return module


def drawn_by_hypothesis():
    found = []

    @seed(1)
    @settings(max_examples=400, database=None, deadline=None)
    @given(st.integers(0, 2**32))
    def draw(n):
        found.append(n)

    draw()
    return found


def test_a_seed_gives_the_same_cases_whatever_modules_are_loaded(local_module, monkeypatch):
    before = some_cases()
    monkeypatch.setitem(sys.modules, "with_constants", local_module)
    assert some_cases() == before


def test_constants_of_the_process_are_drawn_by_others_and_not_within(local_module, monkeypatch):
    monkeypatch.setitem(sys.modules, "with_constants", local_module)
    if reproducible._providers() is None:
        pytest.skip("this Hypothesis draws none")
    constants = {LARGE + i for i in range(400)}
    with same_everywhere():
        assert not constants & set(drawn_by_hypothesis())
    assert constants & set(drawn_by_hypothesis())


def test_what_was_there_is_there_again_when_the_last_thread_leaves():
    providers = reproducible._providers()
    if providers is None:
        pytest.skip("this Hypothesis draws none")
    before = [getattr(providers, name) for name in reproducible._NAMES]
    inside, out = threading.Event(), threading.Event()

    def stay():
        with same_everywhere():
            inside.set()
            out.wait(10)

    thread = threading.Thread(target=stay)
    with same_everywhere():
        thread.start()
        inside.wait(10)
    assert providers._get_local_constants is not before[0]
    out.set()
    thread.join()
    assert [getattr(providers, name) for name in reproducible._NAMES] == before


def test_a_hypothesis_of_another_kind_is_left_alone(monkeypatch):
    monkeypatch.setattr(reproducible, "_NAMES", ("there is none such",))
    with same_everywhere():
        assert some_cases()
