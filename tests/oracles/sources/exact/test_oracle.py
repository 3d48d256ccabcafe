"""The truth itself: rigorous, and vouched for by derivatives that nobody wrote down."""

from fractions import Fraction

import numpy as np
import pytest
from flint import ctx
from hypothesis import given

from oracles import Case, load
from oracles.cases.generation import cases
from oracles.ops import OPS
from oracles.sources.derived import enclose
from oracles.sources.finite_difference.oracle import enclose as differences
from oracles.sources.registry import UnsupportedCase

NAN, INF = np.nan, np.inf


@pytest.mark.parametrize("op", OPS)
def test_gradients_are_those_of_the_forward_formula(op):
    compared = 0

    @given(cases(op, "float64"))
    @np.errstate(invalid="ignore")  # inf - inf, at the elements that are compared for equality
    def holds(case):
        nonlocal compared
        try:
            numerical = differences(case)
        except UnsupportedCase:
            return
        compared += 1
        for name, exact in enclose(case).items():
            other = numerical[name]
            finite = np.isfinite(exact.value)
            assert np.array_equal(exact.value[~finite], other.value[~finite], equal_nan=True)
            gap = np.abs((exact.value - other.value)[finite] + (exact.residual - other.residual)[finite])
            # both radii, and what float64 loses in the subtraction of the residuals
            allowed = exact.radius + other.radius + 2.0**-105 * np.abs(exact.value) + 2.0**-1074
            assert (gap <= allowed[finite]).all(), name

    holds()
    assert compared


@given(cases("dense", "float64"))
def test_dense_against_rational_arithmetic(case):
    x, w, b = case.primals.values()
    if not all(np.isfinite(a).all() for a in (x, w, b)):
        return
    found = enclose(case)["output"]
    for i, j in np.ndindex(found.value.shape):
        products = (Fraction(float(p)) * Fraction(float(q)) for p, q in zip(x[i], w[:, j], strict=True))
        truth = sum(products, Fraction(float(b[0, j])))
        gap = abs(truth - Fraction(found.value[i, j]) - Fraction(found.residual[i, j]))
        assert gap <= Fraction(found.radius[i, j])


def test_a_known_value_to_a_hundred_bits():
    # log 2 = 0.693147180559945309417232121458176568...
    case = Case("softmax_cross_entropy", [np.zeros((1, 2)), [0]], 1.0)
    loss = enclose(case)["output"]
    truth = Fraction(693147180559945309417232121458176568, 10**36)
    assert abs(truth - Fraction(float(loss.value)) - Fraction(float(loss.residual))) < Fraction(1, 10**32)
    assert loss.radius < 1e-31


def test_the_process_keeps_its_precision():
    before = ctx.prec
    load("exact").vjp(Case("relu", [[1.0]], [1.0]))
    enclose(Case("softmax", [[1.0, 2.0]], [1.0, 2.0]), precision=999)
    assert ctx.prec == before


@pytest.mark.parametrize(
    ("op", "primals", "cotangent", "output", "gradient"),
    [
        ("relu", [[NAN, INF, -INF, -0.0]], [1.0, 2.0, 3.0, 4.0], [NAN, INF, 0, 0], [0, 2, 0, 0]),
        ("softmax", [[-INF, 0.0]], [1.0, 2.0], [0, 1], [0, 0]),
        ("softmax", [[-INF, -INF]], [1.0, 2.0], [NAN, NAN], [NAN, NAN]),
        ("softmax", [[INF, 0.0]], [1.0, 2.0], [NAN, NAN], [NAN, NAN]),
        ("cross_entropy", [[[0.0, 1.0]], [1]], 1.0, 0, [[0, -1]]),
        ("cross_entropy", [[[0.0, 1.0]], [0]], 1.0, INF, [[-INF, 0]]),
        ("cross_entropy", [np.zeros((0, 2)), np.zeros(0, int)], 1.0, NAN, np.zeros((0, 2))),
        ("softmax_cross_entropy", [[[-INF, 0.0]], [[0.0, 1.0]]], 1.0, 0, [[0, 0]]),
        ("softmax_cross_entropy", [[[-INF, 0.0]], [0]], 1.0, INF, [[-1, 1]]),
        ("softmax_cross_entropy", [[[NAN, 0.0]], [0]], 1.0, NAN, [[NAN, NAN]]),
    ],
)
def test_special_values_follow_the_contract(op, primals, cotangent, output, gradient):
    result = load("exact").vjp(Case(op, primals, cotangent))
    assert np.array_equal(result.output, output, equal_nan=True)
    assert np.array_equal(next(iter(result.gradients.values())), gradient, equal_nan=True)


def test_what_ieee_makes_of_infinite_terms():
    result = load("exact").vjp(Case("dense", [[[INF, 1.0]], [[0.0], [1.0]], [[0.0]]], [[1.0]]))
    assert np.isnan(result.output).all()
    assert (result.gradients["weights"] == [[INF], [1]]).all()


def test_cancellation_beyond_its_first_precision_is_resolved():
    case = Case("dense", [[[1e30, 1.0, -1e30]], [[1e30], [1.0], [1e30]], [[0.0]]], [[1.0]])
    assert load("exact").vjp(case).output == 1


def test_a_zero_label_contributes_zero_whatever_the_cotangent():
    for g in (INF, NAN):
        gradient = load("exact").vjp(Case("cross_entropy", [[[0.1, 0.5]], [0]], g)).gradients["probabilities"]
        assert gradient[0, 1] == 0
        assert not np.isfinite(gradient[0, 0])
