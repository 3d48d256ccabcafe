import _thread
import os
import random
import runpy
import signal
import sys
import threading
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from oracles import Layer, check_layer
from oracles.candidates.contain import LayerError, contained, left_as_found, said, shown

hostile = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "hostile.py")))

QUICK = {"oracles": ["exact"], "dtypes": ["float32"], "max_examples": 6, "seed": 1}


def state():
    return {
        "error state": np.geterr(),
        "print options": str(np.get_printoptions()),
        "NumPy's generator": str(np.random.get_state()),  # noqa: NPY002  (a candidate may move the legacy one)
        "Python's generator": random.getstate(),
        "directory": os.getcwd(),
        "environment": dict(os.environ),
        "streams": (sys.stdout, sys.stderr),
        "filters": list(warnings.filters),
        "recursion limit": sys.getrecursionlimit(),
        "interrupts": signal.getsignal(signal.SIGINT),
    }


@pytest.mark.parametrize("name", hostile.MEDDLING)
def test_a_right_layer_that_meddles_passes_and_leaves_the_process_as_it_was(name, capfd):
    layer = Layer.from_class("relu", hostile.doing(hostile.MEDDLING[name], name))
    before = state()
    report = check_layer(layer, **QUICK)
    after = state()
    assert report.passed, str(report)
    assert after == before
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", hostile.RAISING)
def test_a_layer_that_raises_fails_with_what_it_said(name):
    deed, message = hostile.RAISING[name]
    before = state()
    report = check_layer(Layer.from_class("relu", hostile.doing(deed, name)), **QUICK)
    assert state() == before
    # a layer that is wrong from the start has no state to show
    assert {v.check for v in report.verdicts} - {"stateless"} == {v.check for v in report.failures}
    for verdict in report.failures:
        assert message in verdict.message
        assert "\n" not in verdict.message


@pytest.mark.parametrize("name", hostile.RETURNED)
def test_what_is_no_gradient_fails_with_what_it_is(name):
    make, messages = hostile.RETURNED[name]
    report = check_layer(Layer.from_class("relu", hostile.returning(make, name)), **QUICK)
    shown = [v.message for v in report.failures if v.check == "values"]
    assert shown
    assert all(any(m in text for m in messages.split("|")) and "\n" not in text for text in shown)
    str(report)
    report.to_json()


def interrupt():
    _thread.interrupt_main()
    for _ in range(1000):  # the interrupt arrives between two of these
        pass


def swallowed():
    try:
        interrupt()
    except BaseException:
        return


@pytest.fixture
def interruptible():
    """SIGINT raises KeyboardInterrupt, as in a terminal: a job in a shell's background is started without."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("deed", [interrupt, swallowed])
def test_the_users_interrupt_gets_through(deed):
    layer = Layer.from_class("relu", hostile.doing(deed, "busy"))
    with pytest.raises(KeyboardInterrupt):
        check_layer(layer, **QUICK)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_contained_in_a_thread_that_no_interrupt_reaches():
    found = []

    def run():
        try:
            with contained():
                raise KeyboardInterrupt
        except LayerError as error:
            found.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == ["raised KeyboardInterrupt"]


def test_a_directory_that_is_gone_is_no_fault(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with left_as_found(), contained():
        pass


def test_a_layer_that_draws_at_random_is_not_repeatable():
    class Dropout(hostile.ReLU):
        def backward(self, dvalues):
            return super().backward(dvalues) * random.random()

    class Noise(hostile.ReLU):
        def backward(self, dvalues):
            return super().backward(dvalues) * np.random.rand()  # noqa: NPY002  (the legacy state is the point)

    for wrong in (Dropout, Noise):
        failed = {v.check for v in check_layer(Layer.from_class("relu", wrong), **QUICK).failures}
        assert "repeatable" in failed


def test_texts_are_one_line_and_short():
    assert said(ValueError("a\n  b")) == "raised ValueError: a b"
    assert said(KeyError()) == "raised KeyError"
    assert len(said(ValueError("x" * 10_000))) < 350
    assert shown("x" * 1000).endswith("…")
    assert shown(hostile.Unprintable()) == "<a Unprintable that cannot be printed>"
