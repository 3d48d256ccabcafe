"""What every op asks of its arguments, and the one exception they all raise.

- Accepts float16, bfloat16, float32, float64 and, as float64, integers and booleans. Anything else is refused.
- Never copies what need not be copied, never writes to an argument.
- Every refusal is an `InputError` whose message shows the offending value.

bfloat16 is recognised by name: NumPy is this package's only import, and an array of that dtype exists only
where ml_dtypes has already registered it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

Array = NDArray[Any]

FLOATS = ("float16", "bfloat16", "float32", "float64")
_PLAIN_FLOATS = "efd"  # the type characters of NumPy's own three: a dtype's name is slow to make
REDUCTIONS = ("mean", "sum", "none")


class InputError(ValueError):
    """An argument that an op of this package cannot take; the message names it and shows the value."""


def shown(value: object, limit: int = 60) -> str:
    """`repr(value)` on one line, cut to `limit` characters."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # an integer of more digits than Python prints, say
        text = f"a {type(value).__name__}"
    return text if len(text) <= limit else text[: limit - 3] + "..."


def as_array(name: str, value: ArrayLike) -> Array:
    """`value` as an array; a ragged list is refused here rather than deep inside an op."""
    if isinstance(value, np.ma.MaskedArray):
        raise InputError(
            f"{name}: expected a plain array, got a masked one, whose mask would be ignored: {shown(value)}"
        )
    try:
        array = np.asarray(value)
        return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:
        raise InputError(f"{name}: expected an array of numbers, got {shown(value)} ({error})") from None


def as_floats(name: str, value: ArrayLike) -> Array:
    """`value` as an array of one of `FLOATS`; integers and booleans become float64."""
    array = as_array(name, value)
    if array.dtype.char in _PLAIN_FLOATS:
        return array
    if array.dtype.kind in "iub":
        return array.astype(np.float64)
    if array.dtype.name not in FLOATS:
        raise InputError(f"{name}: expected {', '.join(FLOATS)} or integers, got dtype {array.dtype} in {shown(value)}")
    return array


def as_matrix(name: str, value: ArrayLike) -> Array:
    """`value` as a two-dimensional array of floats."""
    array = as_floats(name, value)
    if array.ndim != 2:
        raise InputError(f"{name}: expected 2 dimensions, got shape {array.shape} in {shown(value)}")
    return array


def check_shape(name: str, array: Array, shape: tuple[int, ...], because: str) -> None:
    """Refuse `array` unless it has `shape`; `because` says where that shape comes from."""
    if array.shape != shape:
        raise InputError(f"{name}: expected shape {shape} ({because}), got {array.shape} in {shown(array)}")


def common_dtype(**arrays: Array) -> np.dtype[Any]:
    """The dtype in which arrays of several float dtypes meet."""
    try:
        return np.result_type(*arrays.values())
    except TypeError:  # float16 and bfloat16 have no common dtype
        names = ", ".join(f"{name} {array.dtype}" for name, array in arrays.items())
        raise InputError(f"no common dtype for {names}: convert one of them") from None


def sums_in(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype that sums are taken in: float32 for the two-byte floats, itself otherwise."""
    return np.dtype(np.float32) if dtype.itemsize == 2 else dtype


def widened(array: Array) -> Array:
    """`array` in the dtype that sums are taken in."""
    return array.astype(sums_in(array.dtype), copy=False)


def rounded(array: Array, dtype: DTypeLike) -> Array:
    """`array` rounded once to `dtype`; the array itself where it has that dtype already."""
    return np.asarray(array).astype(dtype, copy=False)


def check_reduction(reduction: object) -> None:
    """Refuse a reduction that is not one of `REDUCTIONS`."""
    if not isinstance(reduction, str) or reduction not in REDUCTIONS:
        raise InputError(f"reduction: expected one of {', '.join(REDUCTIONS)}, got {shown(reduction)}")


def reduce_losses(losses: Array, reduction: str, dtype: DTypeLike) -> Array:
    """Per-sample losses (N,) to their mean or sum (a scalar array), or as they are, in `dtype`; no mean is NaN."""
    check_reduction(reduction)
    with np.errstate(all="ignore"):
        if reduction != "none":
            losses = np.asarray(np.add.reduce(losses) / losses.dtype.type(len(losses) if reduction == "mean" else 1))
        return rounded(losses, dtype)


def sample_cotangents(cotangent: ArrayLike, n_samples: int, reduction: str, dtype: DTypeLike) -> Array:
    """The cotangent of a reduced loss as that of each sample's loss, in `dtype`: (N, 1), or (1, 1) for all."""
    check_reduction(reduction)
    array = as_floats("cotangent", cotangent)
    shape, because = ((n_samples,), 'one a sample for "none"') if reduction == "none" else ((), "a scalar loss")
    check_shape("cotangent", array, shape, because)
    array = array.astype(dtype, copy=False).reshape(-1, 1)
    if reduction == "mean":
        with np.errstate(all="ignore"):
            array = array / array.dtype.type(n_samples)
    return array
