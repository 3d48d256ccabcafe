import numpy as np

from oracles.calculus.model import ARITHMETIC
from oracles.claims.estimate import effects, own_error, stored


def test_the_effect_of_moving_all_entries_is_that_of_the_worst_signs_where_few_go_into_an_element():
    arrays = {"x": np.array([2.0, -3.0, 5.0]), "cotangent": np.array([1.0, 4.0, -2.0])}

    def product(a):
        return {"output": a["x"] * a["cotangent"]}

    found = effects(product, arrays, product(arrays), ("x", "cotangent"))
    assert np.abs(found.moved["output"] / (2 * np.abs(arrays["x"] * arrays["cotangent"])) - 1).max() < 2.0**-20


def test_entries_that_go_into_an_element_are_counted_from_above():
    arrays = {"x": np.linspace(1, 2, 64).reshape(8, 8)}
    for function, least, most in ((lambda a: {"r": 2 * a["x"]}, 1, 4), (lambda a: {"r": a["x"].sum(axis=1)}, 8, 64)):
        found = effects(function, arrays, function(arrays), ("x",))
        assert least <= found.terms["r"] <= most


def test_an_own_error_is_in_units_of_roundoff_and_finite():
    def square(a):
        return {"output": (a["x"] * a["x"]).astype(np.float64)}

    with np.errstate(over="ignore", invalid="ignore"):
        found = own_error(square, square, {"x": np.array([1.1, 1e30])}, np.dtype(np.float32), ("x",))
    assert 0 < found["output"][0] <= 4
    assert found["output"][1] == 0  # beyond the range of float32: left out


def test_nothing_is_claimed_where_the_effect_is_no_number():
    bound = stored(ARITHMETIC["float32"], np.array([1.0, np.nan]), np.array([np.nan, np.nan]))
    assert list(bound) == [np.inf, 0.0]
