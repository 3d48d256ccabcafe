import numpy as np
import pytest

from oracles.calculus.model import ARITHMETIC, NATIVE, Arithmetic, _arithmetic


def test_gamma_grows_with_the_operations_and_ends():
    m = ARITHMETIC["float32"]
    assert m.gamma(1) > m.u
    assert np.isinf(m.gamma(2.0**24))
    assert list(m.gamma(np.array([0, 2]))) == [0, 2 * m.u / (1 - 2 * m.u)]


def test_storing_costs_a_rounding_and_nothing_is_claimed_at_the_end_of_the_range():
    for name, m in ARITHMETIC.items():
        assert m.half == (name in ("float16", "bfloat16"))
        assert m.stored(np.array(1.0), np.array(0.0)) == m.v
        assert np.isinf(m.stored(np.array(m.largest), np.array(0.0)))
        assert m.stored(np.array(m.normal / 2), np.array(0.0)) >= min(m.stored_tiny, m.normal / 2)
    assert NATIVE["bfloat16"].u == ARITHMETIC["bfloat16"].v


def test_a_column_of_the_table_has_the_range_of_what_sums_are_taken_in():
    float32 = np.finfo(np.float32)
    found = _arithmetic(1.0, 2.0, np.float32, 3.0, 4.0, 5.0)
    assert found == Arithmetic(1.0, 2.0, 2.0**-126, 3.0, 4.0, 5.0, float(float32.max), 2.0**-149)


@pytest.mark.parametrize(("dtype", "more"), [("float16", 1 + 2.0**-11), ("bfloat16", 1 + 2.0**-8)])
def test_what_a_dtype_holds_is_stored_as_it_is(dtype, more):
    m = ARITHMETIC[dtype]
    held = np.array([0.0, 1.0, -1.5, m.normal, m.largest])
    assert m.holds(held).all()
    assert not m.holds(np.array([more, m.normal / 2, 2 * m.largest, np.inf, np.nan])).any()
    assert (m.stored_error(held[:4], np.zeros(4)) == 0).all()
    assert (m.stored_error(np.array([more, np.inf, np.nan]), np.zeros(3)) == [m.v * more, 0, 0]).all()
    assert m.stored_error(np.array([1.0]), np.array([m.v])) > m.v
