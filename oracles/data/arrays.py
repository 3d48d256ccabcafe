"""Arrays as exact text and as JSON data: values, dtype and memory layout all survive.

`repr(ndarray)` is neither exact nor complete: it prints eight digits, elides past a thousand elements and says nothing
of strides. Here every float prints as the shortest decimal that gives the same bits back in its dtype. NaNs are one
NaN: a payload or sign is not kept.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Iterator
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from reference import InputError
from reference._arrays import shown

Array = NDArray[Any]

FLOAT_DTYPES: dict[str, np.dtype[Any]] = {name: np.dtype(name) for name in ("float16", "float32", "float64")}
FLOAT_DTYPES["bfloat16"] = np.dtype(ml_dtypes.bfloat16)
LARGEST = 2**26  # elements of an array that is read from data
_DTYPES = FLOAT_DTYPES | {
    name: np.dtype(name) for name in ("bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)))
}
_SPECIAL = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def as_dtype(name: object) -> np.dtype[Any]:
    """The dtype of that name, bfloat16 included; InputError for one that cases cannot hold."""
    key = name if isinstance(name, str) else getattr(name, "name", None) or getattr(name, "__name__", None)
    if key not in _DTYPES:
        raise InputError(f"dtype: expected one of {', '.join(_DTYPES)}, got {shown(name)}")
    return _DTYPES[str(key)]


def array(values: object, dtype: object) -> Array:
    """`numpy.array(values, dtype)` that also knows "bfloat16"."""
    return np.array(values, as_dtype(dtype))


def packed(text: str, shape: tuple[int, ...], dtype: object) -> Array:
    """The array of that shape and dtype whose bytes are `text`, base64 of zlib."""
    kind = as_dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    inflate = zlib.decompressobj()
    data = inflate.decompress(base64.b64decode(text, validate=True), size + 1)
    if len(data) != size:
        raise InputError(f"packed array: expected {size} bytes for shape {shape} of {kind}, got another number")
    return np.frombuffer(data, kind).reshape(shape).copy()


def strided(values: Array, strides: tuple[int, ...], *, writeable: bool = True) -> Array:
    """The same values in memory with those strides, counted in elements: negative, padded, or 0 for a repeated axis."""
    if len(strides) != values.ndim:
        raise InputError(f"strides: expected {values.ndim} of them for shape {values.shape}, got {shown(strides)}")
    reach = [(n - 1) * s for n, s in zip(values.shape, strides, strict=True)] if values.size else []
    start = -sum(r for r in reach if r < 0)
    buffer = np.zeros(1 + start + sum(r for r in reach if r > 0), values.dtype)
    view = np.lib.stride_tricks.as_strided(
        buffer[start:], values.shape, [s * values.itemsize for s in strides], writeable=True
    )
    view[...] = values
    if not same_bits(view, values):
        raise InputError(f"strides: {strides} make elements of shape {values.shape} overlap that differ")
    if not writeable:
        view.flags.writeable = False
    return view


def element_strides(a: Array) -> tuple[int, ...]:
    """The strides of `a` in elements; where they mean nothing (axes of length 1, no elements) those of C order."""
    natural = np.empty(a.shape, a.dtype).strides
    return tuple(
        (n if length <= 1 or not a.size else s) // a.itemsize
        for length, s, n in zip(a.shape, a.strides, natural, strict=True)
    )


def memory_of(a: Array) -> tuple[Array, int, tuple[int, ...]]:
    """The memory that `a` lies in, as one row; where its first element is in it, and its strides, in elements.

    What makes the same layout in other memory. A copy in C order where strides are no whole elements.
    """
    if any(step % a.itemsize for step in a.strides):
        a = np.array(a, order="C")
    strides = element_strides(a)
    ahead: Array = a[tuple(slice(None, None, -1 if s < 0 else 1) for s in strides) + (...,)]  # noqa: RUF005  (mypy)
    reach = sum((n - 1) * abs(s) for n, s in zip(a.shape, strides, strict=True)) if a.size else -1
    start = sum((n - 1) * -s for n, s in zip(a.shape, strides, strict=True) if s < 0) if a.size else 0
    return np.lib.stride_tricks.as_strided(ahead, (1 + reach,), (a.itemsize,)), start, strides


def is_plain(a: Array) -> bool:
    """Whether `a` is writeable and in C order, as `numpy.array` makes it."""
    return bool(a.flags.writeable and (a.flags.c_contiguous or a.size == 0))


def row_blocks(rows: int, width: int) -> Iterator[slice]:
    """The rows in blocks of some 2^17 elements: what is computed on the way takes a block's memory, not the array's."""
    step = max(1, (1 << 17) // max(1, width))
    for first in range(0, rows, step):
        yield slice(first, min(first + step, rows))


def widened(a: Array) -> NDArray[np.float64]:
    """`a` in float64. A signalling NaN becomes a quiet one without a warning."""
    with np.errstate(invalid="ignore"):
        return a.astype(np.float64)


def same_bits(a: Array, b: Array) -> bool:
    """Equal dtype, shape and elements, with 0 and -0 told apart and any NaN equal to any other."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype.kind in "iub":
        return bool((a == b).all())
    x, y = widened(a), widened(b)
    nan = np.isnan(x)
    return bool(np.array_equal(nan, np.isnan(y)) and (((x == y) & (np.signbit(x) == np.signbit(y))) | nan).all())


def code(a: Array, *, limit: int = 400) -> str:
    """Python code that makes `a` again, with `array`, `packed`, `strided`, `nan` and `inf` of this module."""
    if a.size <= limit and (a.size or a.ndim == 1):  # nested lists cannot tell (0, 3) from (0,)
        text = f"array({_nested(a)}, {a.dtype.name!r})"
    elif not a.size:
        text = f"array([], {a.dtype.name!r}).reshape{a.shape}"
    else:
        text = f"packed({_pack(a)!r}, {a.shape}, {a.dtype.name!r})"
    if is_plain(a):
        return text
    return f"strided({text}, {element_strides(a)}{'' if a.flags.writeable else ', writeable=False'})"


def to_data(a: Array, *, limit: int = 4096) -> dict[str, Any]:
    """`a` as JSON data: values as one list where they are few, packed bytes otherwise."""
    data: dict[str, Any] = {"dtype": a.dtype.name, "shape": list(a.shape)}
    if a.size <= limit:
        data["values"] = [_json_number(v) for v in a.ravel().tolist()]
    else:
        data["zlib_base64"] = _pack(a)
    if not is_plain(a):
        data |= {"strides": list(element_strides(a)), "writeable": bool(a.flags.writeable)}
    return data


def from_data(data: object, field: str) -> Array:
    """The array that `to_data` described; InputError names the `field` that is not as it should be."""
    if not isinstance(data, dict):
        raise InputError(f"{field}: expected an object with dtype, shape and values, got {type(data).__name__}")
    shape = tuple(_integers(data.get("shape"), f"{field}.shape"))
    if any(n < 0 for n in shape) or math.prod(shape) > LARGEST or len(shape) > 32:
        raise InputError(f"{field}.shape: expected at most {LARGEST} elements in at most 32 axes, got {shown(shape)}")
    try:
        dtype = as_dtype(data.get("dtype"))
    except InputError as error:
        raise InputError(f"{field}.{error}") from None
    try:
        if "values" in data:
            values = data["values"]
            if not isinstance(values, list) or len(values) != math.prod(shape):
                raise InputError(f"{field}.values: expected a list of {math.prod(shape)} numbers")
            numbers = [_number(v, dtype, f"{field}.values") for v in values]
            with np.errstate(over="raise"):  # beyond the dtype's range it is not the number that was written
                result = np.array(numbers, dtype).reshape(shape)
        else:
            result = packed(str(data.get("zlib_base64")), shape, dtype)
    except (ValueError, OverflowError, FloatingPointError, zlib.error) as error:
        raise error if str(error).startswith(field) else InputError(f"{field}: {error}") from None
    if "strides" not in data:
        return result
    strides = tuple(_integers(data["strides"], f"{field}.strides"))
    steps = [abs(s) for s in strides]
    reach = sum(s * max(0, n - 1) for s, n in zip(steps, shape, strict=False))
    if max([reach, *steps]) > 16 * max(64, result.size):
        raise InputError(f"{field}.strides: {shown(strides)} reach too far for shape {shape}")
    try:
        writeable = data.get("writeable", True)
        if not isinstance(writeable, bool):
            raise InputError(f"writeable: expected true or false, got {shown(writeable)}")
        return strided(result, strides, writeable=writeable)
    except InputError as error:
        raise InputError(f"{field}.{error}") from None


def number(value: Any, dtype: np.dtype[Any]) -> str:
    """The shortest text that `dtype` reads back as `value`."""
    if dtype.kind in "iub":
        return repr(value)
    as_float = float(value)
    if not math.isfinite(as_float):
        return "nan" if math.isnan(as_float) else "inf" if as_float > 0 else "-inf"
    short = repr(as_float)
    if dtype.itemsize < 8:
        candidate = repr(float(str(dtype.type(as_float))))
        if len(candidate) < len(short) and float(dtype.type(float(candidate))) == as_float:
            return candidate
    return short


def _nested(a: Array) -> str:
    if a.ndim == 0:
        return number(a.item(), a.dtype)
    return "[" + ", ".join(_nested(part) for part in a) + "]" if a.ndim > 1 else _flat(a)


def _flat(a: Array) -> str:
    return "[" + ", ".join(number(v, a.dtype) for v in a.tolist()) + "]"


def _pack(a: Array) -> str:
    return base64.b64encode(zlib.compress(np.ascontiguousarray(a).tobytes(), 9)).decode()


def _json_number(value: Any) -> Any:
    if isinstance(value, (bool, int)) or math.isfinite(float(value)):
        return value if isinstance(value, (bool, int)) else float(value)
    return json.dumps(float(value)).replace("NaN", "nan").replace("Infinity", "inf")


def _number(value: object, dtype: np.dtype[Any], field: str) -> Any:
    if isinstance(value, str) and value in _SPECIAL and dtype.name in FLOAT_DTYPES:
        return _SPECIAL[value]
    if isinstance(value, bool) != (dtype.kind == "b") or not isinstance(value, (bool, int, float)):
        raise InputError(f'{field}: expected numbers, or "nan", "inf", "-inf", got {shown(value)}')
    if dtype.kind in "iu" and not isinstance(value, int):
        raise InputError(f"{field}: expected integers, got {shown(value)}")
    if dtype.kind in "iu" and not np.iinfo(dtype).min <= value <= np.iinfo(dtype).max:
        raise InputError(f"{field}: {shown(value)} is outside the range of {dtype}")
    return value


def _integers(value: object, field: str) -> list[int]:
    if not isinstance(value, list) or not all(isinstance(v, int) and not isinstance(v, bool) for v in value):
        raise InputError(f"{field}: expected a list of integers, got {shown(value)}")
    return value
