import ml_dtypes
import numpy as np
import pytest

from reference import InputError
from reference._arrays import FLOATS, as_floats, reduce_losses, rounded, sample_cotangents, shown, widened


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32, np.float64])
def test_the_float_dtypes_are_kept(dtype):
    a = np.ones(2, dtype)
    assert as_floats("x", a) is a
    assert a.dtype.name in FLOATS


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint64])
def test_integers_and_booleans_become_float64(dtype):
    assert as_floats("x", np.ones(2, dtype)).dtype == np.float64


@pytest.mark.parametrize(
    "value", ["text", [object()], np.longdouble(1), 1j, np.datetime64("2020-01-01"), None, b"x", {}]
)
def test_anything_else_is_refused_by_name(value):
    with pytest.raises(InputError, match=r"x: expected float16, bfloat16, float32, float64 or integers, got dtype"):
        as_floats("x", value)


def test_a_mask_is_not_ignored_silently():
    with pytest.raises(InputError, match="x: expected a plain array, got a masked one"):
        as_floats("x", np.ma.masked_array([1.0, 2.0], [True, False]))


def test_big_endian_arrays_become_native():
    assert as_floats("x", np.ones(2, ">f4")).dtype.isnative


def test_a_value_that_does_not_print_is_refused_all_the_same():
    with pytest.raises(InputError, match="x: expected float16"):
        as_floats("x", 10**5000)


def test_long_values_are_cut():
    assert len(shown(list(range(1000)))) == 60
    assert shown("a\nb") == "'a\\nb'"


def test_only_two_byte_floats_are_widened():
    assert widened(np.ones(1, np.float16)).dtype == np.float32
    a = np.ones(1)
    assert widened(a) is a
    assert rounded(a, np.float64) is a


def test_reductions():
    losses = np.array([1.0, 2.0, 6.0])
    assert reduce_losses(losses, "mean", np.float64) == 3
    assert reduce_losses(losses, "sum", np.float64) == 9
    assert reduce_losses(losses, "none", np.float64) is losses
    assert reduce_losses(losses.astype(np.float32), "mean", np.float16).dtype == np.float16


def test_sample_cotangents():
    assert (sample_cotangents(6.0, 3, "mean", np.float64) == [[2], [2], [2]]).all()
    assert (sample_cotangents(6.0, 3, "sum", np.float64) == [[6], [6], [6]]).all()
    assert (sample_cotangents([1.0, 2.0], 2, "none", np.float64) == [[1], [2]]).all()
    with pytest.raises(InputError, match="cotangent"):
        sample_cotangents([1.0], 2, "none", np.float64)
