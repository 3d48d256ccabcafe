import json
import math

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from oracles.data.arrays import (
    array,
    as_dtype,
    code,
    element_strides,
    from_data,
    memory_of,
    packed,
    same_bits,
    strided,
    to_data,
)
from oracles.data.recipe import LAYOUTS as RECIPES
from oracles.data.recipe import laid_out
from reference import InputError

NAMESPACE = {"array": array, "packed": packed, "strided": strided, "nan": np.nan, "inf": np.inf}
LAYOUTS = {
    "C": lambda a: a,
    "F": np.asfortranarray,
    "reversed": lambda a: a[::-1, ::-1],
    "stepped": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "repeated": lambda a: np.broadcast_to(a[:1], a.shape),
}


@pytest.mark.parametrize("limit", [0, 400], ids=["packed", "values"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "int8", "bool"])
def test_code_and_data_give_the_same_bits_and_layout_back(dtype, layout, limit):
    values = np.random.default_rng(0).standard_normal((3, 4)) * 50
    a = LAYOUTS[layout](values.astype(as_dtype(dtype)))
    for again in (eval(code(a, limit=limit), NAMESPACE), from_data(_through_json(to_data(a, limit=limit)), "a")):
        assert same_bits(a, again)
        assert element_strides(a) == element_strides(again)
        assert a.flags.writeable == again.flags.writeable


@given(hnp.arrays(st.sampled_from([np.float16, np.float32, np.float64]), hnp.array_shapes(min_side=0, max_side=4)))
def test_every_float_survives_printing(a):
    assert same_bits(a, eval(code(a), NAMESPACE))
    assert same_bits(a, from_data(_through_json(to_data(a)), "a"))


@given(st.lists(st.integers(0, 2**16 - 1), min_size=1, max_size=8))
def test_every_bfloat16_survives_printing(bits):
    a = np.array(bits, np.uint16).view(ml_dtypes.bfloat16)
    assert same_bits(a, eval(code(a), NAMESPACE))


def test_floats_print_short():
    assert code(array([0.1, -0.0, np.nan, -np.inf], "float32")) == "array([0.1, -0.0, nan, -inf], 'float32')"


def test_same_bits_tells_zeros_apart_and_nans_not():
    assert not same_bits(np.array([0.0]), np.array([-0.0]))
    assert same_bits(np.array([np.nan]), np.array([-np.nan]))
    assert not same_bits(np.array([1.0]), np.array([1], np.float32))


@pytest.mark.parametrize("layout", RECIPES)
@pytest.mark.parametrize("shape", [(3, 4), (1, 5), (4, 1), (0, 3), (3, 0), (), (2, 3, 4)])
def test_memory_as_one_row_makes_the_layout_again(layout, shape):
    a = laid_out(np.arange(math.prod(shape), dtype=np.float32).reshape(shape), layout)
    row, start, strides = memory_of(a)
    assert row.ndim == 1
    assert np.shares_memory(row, a) == bool(a.size)
    moved = row.copy()
    again = np.lib.stride_tricks.as_strided(moved[start:], a.shape, [4 * s for s in strides])
    assert same_bits(again, a)
    assert element_strides(again) == element_strides(a)


def test_memory_of_strides_that_are_no_whole_elements_is_a_copy():
    a = np.zeros(3, [("small", "i1"), ("x", "<f4")])["x"]
    a[...] = 1, 2, 3
    row, start, strides = memory_of(a)
    assert (row.tolist(), start, strides) == ([1, 2, 3], 0, (1,))


def test_strides_that_overlap_different_values_are_refused():
    with pytest.raises(InputError, match="overlap that differ"):
        strided(np.array([[1.0], [2.0]]), (0, 1))
    with pytest.raises(InputError, match="expected 2 of them"):
        strided(np.zeros((1, 1)), (1,))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([1.0], "x: expected an object"),
        ({"dtype": "float32"}, "x.shape: expected a list of integers, got None"),
        ({"dtype": "float128", "shape": [1], "values": [1.0]}, "dtype: expected one of"),
        ({"dtype": "float32", "shape": [2], "values": [1.0]}, "x.values: expected a list of 2 numbers"),
        ({"dtype": "float32", "shape": [1], "values": ["NaN"]}, 'x.values: expected numbers, or "nan"'),
        ({"dtype": "int8", "shape": [1], "values": [1000]}, "x.values: 1000 is outside the range of int8"),
        ({"dtype": "int64", "shape": [1], "values": [1.5]}, "x.values: expected integers, got 1.5"),
        ({"dtype": "float32", "shape": [1], "values": [1e300]}, "x: "),
        ({"dtype": "float32", "shape": [50000], "values": [0.0] * 50000, "strides": [800000]}, "x.strides"),
        ({"dtype": "float32", "shape": [10**9], "values": []}, "x.shape: expected at most 67108864 elements"),
        ({"dtype": "float32", "shape": [-1], "values": []}, "x.shape: expected at most"),
        ({"dtype": "float32", "shape": [1], "zlib_base64": "!!"}, "x: "),
        ({"dtype": "float32", "shape": [1], "zlib_base64": "eJxjYGBgAAAABAAB"}, ""),
        ({"dtype": "float32", "shape": [2], "values": [1.0, 2.0], "strides": [10**9]}, "x.strides"),
    ],
)
def test_bad_data_is_refused_by_field(data, message):
    if not message:  # this one is right: four zero bytes
        assert same_bits(from_data(data, "x"), np.zeros(1, np.float32))
        return
    with pytest.raises(InputError) as caught:
        from_data(data, "x")
    assert message in str(caught.value)


def test_packed_bytes_that_inflate_beyond_the_shape_are_refused():
    bomb = to_data(np.zeros(10**6), limit=0)["zlib_base64"]
    with pytest.raises(InputError, match="expected 8 bytes"):
        packed(bomb, (1,), "float64")


def _through_json(data):
    return json.loads(json.dumps(data, allow_nan=False))
