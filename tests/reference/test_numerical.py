import numpy as np
import pytest

from reference import InputError, numerical_gradient


def test_a_quadratic():
    x = np.array([[1.0, -2.0], [0.0, 1e3]])
    assert (np.round(numerical_gradient(lambda v: (v**2).sum(), x), 5) == 2 * x).all()


def test_the_step_taken_is_the_step_divided_by():
    # 1e6 + 1e-11 rounds to a multiple of 2^-33: dividing by the step asked for would be far off
    assert numerical_gradient(lambda v: v, 1e6, step=1e-10) == 1


def test_the_function_may_write_to_what_it_is_given():
    def f(v):
        v *= 2
        return v.sum()

    x = np.array([1.0, 2.0])
    assert (np.round(numerical_gradient(f, x), 6) == 2).all()
    assert (x == [1, 2]).all()


def test_bad_input_is_named_and_shown():
    with pytest.raises(InputError, match="step: expected a positive number, got 0"):
        numerical_gradient(lambda v: v, 1.0, step=0)
    with pytest.raises(InputError, match=r"f: expected a scalar, got shape \(2,\)"):
        numerical_gradient(lambda v: v, [1.0, 2.0])


@pytest.mark.filterwarnings("error")
def test_a_function_that_overflows_warns_of_nothing():
    assert np.isnan(numerical_gradient(lambda v: np.exp(v), 1e4))
