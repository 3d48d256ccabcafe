import numpy as np
import pytest

import oracles.conformance.compare as compare_module
from oracles.conformance.compare import compare
from oracles.conformance.conventions import Alternative
from oracles.enclosure import Enclosure

NAN, INF = np.nan, np.inf


def judge(actual, expected, bound, accepted=()):
    actual, expected, bound = (np.array(v, float) for v in (actual, expected, bound))
    return compare("output", actual, Enclosure.exact(expected), bound, accepted)


@pytest.mark.parametrize(
    ("actual", "expected", "bound", "margin"),
    [
        (1.5, 1.0, 1.0, 0.5),
        (3.0, 1.0, 1.0, 2.0),
        (1.0, 1.0, 0.0, 0.0),  # 0/0: exact where no error is allowed
        (1.0 + 2.0**-52, 1.0, 0.0, INF),
        (0.0, -0.0, 0.0, 0.0),
        (NAN, 1.0, 1.0, INF),
        (INF, 1.0, 1.0, INF),
        (1.0, NAN, 1.0, INF),
        (NAN, NAN, 0.0, 0.0),
        (INF, INF, 0.0, 0.0),
        (-INF, INF, 0.0, INF),
        (NAN, 1.0, INF, 0.0),  # an element without a claim
        (7.0, INF, INF, 0.0),
    ],
)
def test_margins(actual, expected, bound, margin):
    assert judge(actual, expected, bound).margin == margin
    assert judge(actual, expected, bound).passed == (margin <= 1)


def test_the_worst_element_is_named():
    c = judge([[1.0, 2.0], [3.0, 4.5]], [[1.0, 2.25], [3.0, 4.0]], np.full((2, 2), 0.25))
    assert (c.at, c.actual, c.expected, c.allowed, c.wrong, c.size) == ((1, 1), 4.5, 4.0, 0.25, 1, 4)
    assert str(c) == (
        "output: 1 of 4 elements wrong; worst at (1, 1): got 4.5, expected 4.0, "
        "error 0.5 outside the 0.25 allowed (margin 2)"
    )


def test_a_wrong_shape_is_said_as_such():
    c = judge([1.0, 2.0], [[1.0, 2.0]], [[1.0, 1.0]])
    assert not c.passed
    assert str(c) == "output: got shape (2,), expected (1, 2)"


def test_no_elements_pass():
    assert judge([], [], []).passed


def test_unclaimed_elements_are_counted():
    assert judge([1.0, NAN], [1.0, 1.0], [0.0, INF]).unclaimed == 1


def test_an_alternative_is_accepted_where_it_is_marked_and_named():
    other = Alternative("either", "output", np.array([True, False]), np.array([5.0, 5.0]))
    assert judge([5.0, 1.0], [1.0, 1.0], [0.0, 0.0], [other]).conventions == ("either",)
    assert judge([1.0, 1.0], [1.0, 1.0], [0.0, 0.0], [other]).conventions == ()
    assert not judge([1.0, 5.0], [1.0, 1.0], [0.0, 0.0], [other]).passed


def test_an_alternative_of_another_result_does_not_count():
    other = Alternative("either", "dinputs", np.array([True]), np.array([5.0]))
    assert not judge([5.0], [1.0], [0.0], [other]).passed


def test_a_large_result_is_compared_by_blocks(monkeypatch):
    rng = np.random.default_rng(0)
    value = rng.standard_normal((300, 1000))
    bound = np.full(value.shape, 1e-3)
    bound[7] = np.inf
    actual = value + rng.uniform(-1e-3, 1e-3, value.shape)
    assert actual.size > compare_module.LARGE
    by_blocks = compare("output", actual, Enclosure.exact(value), bound)
    monkeypatch.setattr(compare_module, "LARGE", 1 << 40)
    assert by_blocks == compare("output", actual, Enclosure.exact(value), bound)
    assert by_blocks.passed
    assert by_blocks.unclaimed == 1000


def test_a_failure_of_a_large_result_is_shown_as_of_any():
    value = np.zeros((300, 1000))
    actual = value.copy()
    actual[250, 999] = 1.0
    found = compare("output", actual, Enclosure.exact(value), np.full(value.shape, 1e-3))
    assert (found.at, found.wrong, found.size) == ((250, 999), 1, 300_000)
    assert found.elements.shape == (300, 1000)
