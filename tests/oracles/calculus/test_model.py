import numpy as np

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
