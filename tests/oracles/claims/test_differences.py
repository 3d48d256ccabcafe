import math

import pytest

from oracles.claims.differences import slope


@pytest.mark.parametrize(
    ("function", "derivative", "x"),
    [
        (math.sin, math.cos, 1.0),
        (math.exp, math.exp, -3.0),
        (lambda x: x**3, lambda x: 3 * x**2, 0.0),
        (lambda x: 1 / x, lambda x: -1 / x**2, 1e-6),
        (lambda x: max(x, 0.0), lambda x: 1.0, 1e-9),
    ],
)
def test_the_error_is_within_the_estimate_and_small(function, derivative, x):
    found = slope(function, x, abs(function(x)) or 1.0)
    assert abs(found.value - derivative(x)) <= 4 * found.error
    assert found.error <= 1e-9 * max(1.0, abs(derivative(x)))


@pytest.mark.parametrize(
    ("function", "x"), [(abs, 0.0), (lambda x: max(x, 1.0), 1.0), (lambda x: max(x, 1.0), 1 + 1e-9)]
)
def test_nothing_is_claimed_at_a_kink(function, x):
    assert slope(function, x, 1.0).error == math.inf
