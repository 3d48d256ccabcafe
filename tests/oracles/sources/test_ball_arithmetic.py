import numpy as np
from flint import arb

from oracles.sources.ball_arithmetic import balls, enclosure, overwritten, working_precision


def test_an_enclosure_contains_what_float64_cannot_hold():
    with working_precision(200):
        third = enclosure([arb(1) / 3], ())
        back = arb(float(third.value)) + arb(float(third.residual)) - arb(1) / 3
        assert abs(back) <= float(third.radius)
    assert third.residual != 0
    assert third.radius < 1e-32


def test_values_beyond_float64_are_infinite_and_below_it_zero():
    with working_precision(160):
        e = enclosure([arb(2) ** 2000, -(arb(2) ** 2000), arb(2) ** -2000], (3,))
    assert (e.value == [np.inf, -np.inf, 0]).all()
    assert (e.residual == 0).all()
    assert (e.radius >= 0).all()


def test_balls_are_in_c_order_whatever_the_layout():
    a = np.arange(6.0).reshape(2, 3)
    assert [float(b) for b in balls(np.asfortranarray(a))] == [0, 1, 2, 3, 4, 5]


def test_overwritten_elements_are_exact():
    with working_precision(160):
        e = overwritten(enclosure([arb(1) / 3, arb(1) / 3], (2,)), np.array([True, False]), np.array([np.nan, 0]))
    assert np.isnan(e.value[0])
    assert e.radius[0] == e.residual[0] == 0
    assert e.radius[1] > 0
