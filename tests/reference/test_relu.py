import numpy as np
import pytest

from reference import InputError, ReLU, relu, relu_vjp

NAN, INF = np.nan, np.inf


def test_zero_and_negative_zero_have_no_slope():
    assert (relu_vjp([1.0, 1.0, 1.0], [0.0, -0.0, 1e-300]) == [0, 0, 1]).all()


def test_a_masked_unit_passes_exactly_zero():
    assert (relu_vjp([INF, NAN, -INF], [-1.0, 0.0, -INF]) == 0).all()


def test_special_inputs():
    assert np.array_equal(relu([NAN, INF, -INF]), [NAN, INF, 0], equal_nan=True)
    assert (relu_vjp([2.0, 3.0, 4.0], [NAN, INF, -INF]) == [0, 3, 0]).all()


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3, 4, 5)])
def test_any_rank(shape):
    x = np.ones(shape, np.float32)
    assert relu(x).shape == relu_vjp(x, x).shape == shape
    assert relu(x).dtype == relu_vjp(x, x).dtype == np.float32


def test_results_are_fresh_arrays():
    x, g = np.ones(3), np.ones(3)
    layer = ReLU()
    assert not np.shares_memory(layer.forward(x), x)
    assert not np.shares_memory(layer.backward(g), g)
    assert (g == 1).all()


def test_integers_do_not_truncate_the_gradient():
    assert (relu_vjp([0.5, 0.5], np.array([1, -1])) == [0.5, 0]).all()


def test_bad_input_is_named_and_shown():
    with pytest.raises(InputError, match=r"cotangent: expected shape \(2,\) \(that of the inputs\), got \(3,\)"):
        relu_vjp([1.0, 2, 3], [1.0, 2])
    with pytest.raises(InputError, match=r"ReLU\.backward: call forward first"):
        ReLU().backward([1.0])
