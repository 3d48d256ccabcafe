import numpy as np
import pytest

from oracles.conventions.questions import FUNCTIONS

kinks = pytest.importorskip("oracles.sources.torch.kinks", exc_type=ImportError)


def test_every_function_that_is_asked_is_there():
    assert set(kinks.FUNCTIONS) == {probe.function for probe in FUNCTIONS}


def test_a_value_and_its_derivative_are_autograds():
    value, gradient = kinks.answer("sqrt", np.array([4.0], np.float32), "cpu")
    assert (value.dtype, value.tolist(), gradient.tolist()) == (np.float32, [2.0], [0.25])


def test_arguments_are_not_written_to():
    x = np.array([[3.0, 1.0, 2.0]])
    kinks.answer("sort", x, "cpu")
    assert x.tolist() == [[3.0, 1.0, 2.0]]
