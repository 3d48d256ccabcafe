from dataclasses import replace

import numpy as np
import pytest

import oracles.claims.compare as compare_module
from oracles.claims.alternatives import Alternative
from oracles.claims.compare import compare
from oracles.sources.enclosure import Enclosure

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


def test_what_is_said_of_one_number_within_its_bound():
    assert str(judge(1.5, 1.0, 1.0)) == (
        "output: 0 of 1 elements wrong; worst: got 1.5, expected 1.0, error 0.5 within the 1 allowed (margin 0.5)"
    )


def test_the_error_is_that_from_the_truth_and_not_from_its_rounding():
    truth = Enclosure(np.array([1.0]), np.array([1e-20]), np.array([0.0]))
    assert "error 1e-20 within the 1e-19 allowed" in str(compare("output", np.ones(1), truth, np.array([1e-19])))


@pytest.mark.parametrize(
    ("actual", "bound", "said"),
    [(1.5, 0.0, "error 0.5 outside the 0 allowed"), (NAN, 1.0, "error nan outside the 1 allowed")],
)
def test_where_a_margin_says_nothing_the_error_is_that_of_what_is_shown(actual, bound, said):
    assert said in str(judge(actual, 1.0, bound))


def test_where_there_is_nothing_to_compare_nothing_is_said_of_values():
    assert repr(judge([1.0, 2.0], [[1.0, 2.0]], [[1.0, 1.0]])) == (
        "Comparison(result='output', margin=inf, at=None, actual=nan, expected=nan, allowed=nan, wrong=2, size=2, "
        "unclaimed=0, conventions=(), problem='got shape (2,), expected (1, 2)', elements=None)"
    )
    assert repr(judge([], [], [])) == (
        "Comparison(result='output', margin=0.0, at=None, actual=nan, expected=nan, allowed=nan, wrong=0, size=0, "
        "unclaimed=0, conventions=(), problem='', elements=None)"
    )


@pytest.mark.parametrize(
    ("shape", "at", "rows", "columns"),
    [
        ((20, 30), (10, 15), (4, 17), (9, 22)),
        ((20, 30), (0, 29), (0, 7), (23, 30)),
        ((20, 30), (19, 1), (13, 20), (0, 8)),
        ((2, 20, 30), (1, 3, 4), (17, 30), (0, 11)),  # rows go on over the leading axes
        ((30,), (8,), (0, 1), (2, 15)),
        ((), (), (0, 1), (0, 1)),
    ],
)
def test_the_elements_around_the_worst_are_shown(shape, at, rows, columns):
    expected = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
    bound = np.full(shape, 0.5)
    actual = np.asarray(expected + 0.125)
    actual[at] += 1
    shown = compare("dinputs", actual, Enclosure.exact(expected), bound).elements
    width = shape[-1] if shape else 1

    def part(a):
        return tuple(a.reshape(-1, width)[slice(*rows), slice(*columns)].ravel())

    margins = np.full(shape, 0.25)
    margins[at] = 2.25
    parts = (part(a) for a in (actual, expected, bound, margins))
    assert shown == compare_module.Elements("dinputs", shape, rows[0], columns[0], columns[1] - columns[0], *parts)
    assert compare("dinputs", expected, Enclosure.exact(expected), bound).elements is None


def test_elements_are_shown_from_a_margin_of_one_on():
    assert judge([1.5], [1.0], [0.5]).elements is None
    assert judge([1.75], [1.0], [0.5]).elements is not None


def test_an_alternative_may_have_its_own_bound():
    other = Alternative("either", "output", np.array([True]), np.array([5.0]), bound=np.array([0.5]))
    assert judge([5.25], [1.0], [0.0], [other]).margin == 0.5
    assert not judge([5.25], [1.0], [0.0], [replace(other, bound=None)]).passed


@pytest.mark.parametrize(
    ("computed", "named"),
    [
        (5.0, ("either",)),
        (6.0, ("either",)),  # just within its bound
        (6.5, ()),
        (1.0, ("the truth",)),
        (3.0, ()),  # as near to the one as to the other
    ],
)
def test_what_was_followed_is_named(computed, named):
    other = Alternative("either", "output", np.array([True]), np.array([5.0]), otherwise="the truth")
    assert judge([computed], [1.0], [1.0], [other]).conventions == named


@pytest.mark.parametrize(
    ("computed", "value", "named"),
    [(2.0, 2.0, ()), (2.5, 2.5, ("either",)), (1.0, 2.0, ()), (1.0, 2.5, ("the truth",))],
)
def test_where_both_are_near_enough_none_is_followed(computed, value, named):
    other = Alternative("either", "output", np.array([True]), np.array([value]), otherwise="the truth")
    assert judge([computed], [1.0], [1.0], [other]).conventions == named


def test_an_alternative_that_is_required_is_alone_right():
    other = Alternative("either", "output", np.array([True, False]), np.array([5.0, 5.0]), required=True)
    assert judge([5.0, 1.0], [1.0, 1.0], [0.0, 0.0], [other]).passed
    assert judge([1.0, 1.0], [1.0, 1.0], [0.0, 0.0], [other]).wrong == 1


def test_a_large_result_of_one_row_has_no_blocks():
    value = np.zeros((1, compare_module.LARGE + 1))
    assert compare("output", value, Enclosure.exact(value), value).passed


def test_what_a_large_result_followed_is_named_as_well():
    value = np.zeros((300, 1000))
    value[7, 8] = 1e-2
    other = Alternative("either", "output", np.full(value.shape, True), value)
    found = compare("output", value, Enclosure.exact(np.zeros(value.shape)), np.full(value.shape, 1e-3), [other])
    assert found.conventions == ("either",)
