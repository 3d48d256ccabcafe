import numpy as np
import pytest

from reference import InputError, Softmax, softmax, softmax_vjp

NAN, INF = np.nan, np.inf


def test_masked_logits_have_no_probability_and_a_finite_gradient():
    assert (softmax([[-INF, 0.0, 0.0]]) == [[0, 0.5, 0.5]]).all()
    gradient = softmax_vjp([[3.0, 1.0, 2.0]], [[-INF, 0.0, 0.0]])
    assert (gradient == [[0, -0.25, 0.25]]).all()


@pytest.mark.parametrize("row", [[-INF, -INF], [INF, 1.0], [INF, INF], [NAN, 1.0], [INF, -INF]])
def test_an_undefined_row_is_nan_and_only_that_row(row):
    x = np.array([row, [0.0, 0.0]])
    for result in (softmax(x), softmax_vjp([[1.0, 2.0], [1.0, 3.0]], x)):
        assert np.isnan(result[0]).all()
        assert np.isfinite(result[1]).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_largest_logits_do_not_overflow(dtype):
    top = np.finfo(dtype).max
    assert (softmax(np.array([[top, -top, top]], dtype)) == np.array([[0.5, 0, 0.5]], dtype)).all()


@pytest.mark.parametrize("shape", [(3,), (0, 3), (3, 0), (2, 3, 4)])
def test_last_axis_of_any_rank(shape):
    x = np.zeros(shape, np.float32)
    assert softmax(x).shape == softmax_vjp(x, x).shape == shape


def test_bad_input_is_named_and_shown():
    with pytest.raises(InputError, match=r"inputs: expected at least 1 dimension, got the scalar 3.0"):
        softmax(3.0)
    with pytest.raises(InputError, match=r"cotangent: expected shape \(1, 2\)"):
        softmax_vjp([1.0, 2.0], [[1.0, 2.0]])
    with pytest.raises(InputError, match=r"Softmax\.backward: call forward first"):
        Softmax().backward([[1.0]])


def test_layer_agrees_with_the_functions():
    layer, x, g = Softmax(), np.array([[1.0, 2.0, 4.0]]), np.array([[0.5, -1.0, 2.0]])
    assert (layer.forward(x) == softmax(x)).all()
    assert (layer.backward(g) == softmax_vjp(g, x)).all()
    assert (layer.output == softmax(x)).all()  # backward leaves it
