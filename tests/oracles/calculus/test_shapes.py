import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, basic_indices

from oracles.calculus.shapes import TraceError, axes_of, broadcast_shapes, ordered, reshaped, sliced


@given(st.data())
def test_an_index_takes_what_numpy_takes(data):
    shape = data.draw(array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=5))
    key = data.draw(basic_indices(shape, allow_newaxis=True, allow_ellipsis=True, min_dims=0, max_dims=6))
    a = np.arange(np.prod(shape)).reshape(shape)
    slices, out = sliced(shape, key)
    assert out == a[key].shape
    taken = a[tuple(slice(x, None if y < 0 else y, step) for x, y, step in slices)]
    assert (taken.reshape(out) == a[key]).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sliced((2,), (0, 0)), "too many for shape"),
        (lambda: sliced((2,), 2), "index 2 is outside axis 0 of length 2"),
        (lambda: sliced((2,), np.array([0, 1])), "xp.take, xp.take_along_axis or xp.where"),
        (lambda: sliced((2,), True), "xp.take"),
        (lambda: reshaped((2, 3), (4, -1)), r"6 elements of shape \(2, 3\) do not fit \(4, -1\)"),
        (lambda: ordered(2, (0, 0)), "expected an order of 2 axes"),
        (lambda: axes_of("sum", 2, 2), "sum: axis 2 is outside 2 axes"),
        (lambda: broadcast_shapes("add", (2,), (3,)), r"add: shapes \(2,\) and \(3,\) do not broadcast"),
    ],
)
def test_what_does_not_fit_is_said(call, message):
    with pytest.raises(TraceError, match=message):
        call()


def test_lengths_that_follow():
    assert reshaped((2, 3), (-1, 2)) == (3, 2)
    assert reshaped((0, 3), (-1, 3)) == (0, 3)
    assert axes_of("sum", 3, None) == (0, 1, 2)
    assert axes_of("sum", 3, (-1, 0)) == (0, 2)
