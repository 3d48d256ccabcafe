import numpy as np
import pytest

from reference import InputError, numerical_gradient, squared_error, squared_error_vjp

P, T = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[0.0, 2.0], [4.0, 1.0]])


def test_values():
    assert (squared_error(P, T, "none") == [[1, 0], [1, 16]]).all()
    assert squared_error(P, T, "sum") == 18
    assert squared_error(P, T) == 4.5


@pytest.mark.parametrize(("reduction", "g"), [("mean", 3.0), ("sum", 3.0), ("none", [[1.0, 2.0], [3.0, 4.0]])])
def test_gradient_is_that_of_the_loss(reduction, g):
    gradient = squared_error_vjp(g, P, T, reduction)
    numerical = numerical_gradient(lambda p: (squared_error(p, T, reduction) * g).sum(), P)
    assert (np.round(gradient, 6) == np.round(numerical, 6)).all()


def test_half_precision_is_squared_in_float32():
    assert squared_error(np.array([300.0], np.float16), np.array([200.0], np.float16), "none") == 10_000


def test_bad_input_is_named_and_shown():
    with pytest.raises(InputError, match=r"targets: expected shape \(2, 2\) \(that of the predictions\), got \(2,\)"):
        squared_error(P, T[0])
    with pytest.raises(InputError, match="reduction"):
        squared_error(P, T, "max")
    with pytest.raises(InputError, match=r"cotangent: expected shape \(2, 2\)"):
        squared_error_vjp(1.0, P, T, "none")
