"""Arrays on their way to a candidate and back: handed over as it takes them, read as NumPy from whatever it returns.

No framework is imported here: an object that comes from one has had it imported, and is read by that one's adapter.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import numpy as np

from reference import InputError

from ..data.arrays import Array, is_plain, memory_of
from ..sources.registry import LayerError, adapter_of
from ..words import did_you_mean
from .contain import contained, said

Convert = Callable[[Array], Any]

# how libraries on a GPU copy to the host, where they do not do it unasked: CuPy, Numba, those that follow torch
_HOST_COPIES = ("get", "copy_to_host", "cpu")
_DLPACK_CPU = (1, 3)  # kDLCPU, kDLCUDAHost


@dataclass(frozen=True)
class Handed:
    """An object that a candidate was handed, what it holds now, and what it held then."""

    given: Any
    now: Array
    before: Array


class Handover:
    """What a candidate was handed: each array converted once, and what it held then."""

    def __init__(self) -> None:
        self._given: dict[str, tuple[Array, Any, Array]] = {}

    def give(self, name: str, a: Array, convert: Convert | None) -> Any:
        """The array as the candidate takes it; the same object again for the same array. None: as it is."""
        if convert is None:
            return a
        if name not in self._given or self._given[name][0] is not a:
            given = _converted(a, convert)
            self._given[name] = a, given, as_array(name, given).copy()
        return self._given[name][1]

    def handed(self) -> dict[str, Handed]:
        """Each object that was converted, by name."""
        return {name: Handed(given, as_array(name, given), before) for name, (_, given, before) in self._given.items()}


def as_array(name: str, value: Any) -> Array:
    """A candidate's value as an array of numbers, on the same memory where it can be; LayerError says what it is.

    A subclass of ndarray is none: a matrix multiplies, and a masked array skips, where an array does neither.
    """
    if issubclass(type(value), np.ndarray) and type(value) not in (np.ndarray, np.memmap):
        raise LayerError(f"{name}: expected a plain array, got {type(value).__name__}")
    try:
        a = _read(value)
    except Exception as error:
        raise LayerError(f"{name}: expected an array, got {type(value).__name__} ({said(error)})") from error
    if a.dtype.kind not in "iubf" and a.dtype.name != "bfloat16":
        raise LayerError(f"{name}: expected numbers, got dtype {a.dtype} from {type(value).__name__}")
    return a


def to_cupy(a: Array) -> Any:
    """A CuPy array in the memory layout of the array: `cupy.asarray` makes one in C order."""
    cupy: Any = import_module("cupy")  # the user's: it is installed where there is a GPU
    row, start, strides = memory_of(a)
    moved = cupy.asarray(row)[start:]
    return cupy.lib.stride_tricks.as_strided(moved, a.shape, [step * a.itemsize for step in strides])


def keeps_layout(convert: Convert) -> bool:
    """Whether a conversion hands over arrays with their gaps; True also where its arrays do not say how they lie."""
    if convert is to_cupy:
        return True
    a = np.zeros((2, 6), np.float32)[:, ::2]
    try:
        with contained():
            given = convert(a)
    except Exception:  # then a plain copy is handed over
        return False
    try:
        with contained():
            steps = getattr(given, "stride", None)
            return tuple(steps() if callable(steps) else given.strides) in (a.strides, (6, 2))
    except Exception:  # no array whose strides are known
        return True


def memory(value: Any, a: Array) -> Array:
    """What NumPy is asked of whether it shares memory: `a`, which was read of the value, where that is on the host.

    Of a value on a device, an array with its address there, which is never to be read.
    """
    if getattr(adapter_of(value), "IMMUTABLE", False):
        return a
    try:
        known = value.detach() if hasattr(value, "detach") else value  # torch asks for that where it records
        return np.asarray(SimpleNamespace(__array_interface__=known.__cuda_array_interface__))
    except Exception:  # not on a device, or it does not say where
        return a


def _converted(a: Array, convert: Convert) -> Any:
    try:
        return convert(a)
    except Exception:
        if is_plain(a) or convert is to_cupy:
            raise
        # the layout is refused by the conversion, not by the candidate: torch.from_numpy takes no negative strides
        return convert(np.array(a, order="C"))


def _read(value: Any) -> Array:
    """By the adapter of its framework, by NumPy's own protocols, from a copy on the host, by DLPack."""
    to_array = getattr(adapter_of(value), "to_array", None)
    if to_array is not None:
        a: Array = to_array(value)
        return a
    refused: Exception | None = None
    try:
        a = np.asarray(value)
        if a.dtype != object or isinstance(value, np.ndarray) or not hasattr(value, "__dlpack__"):
            return a
    except Exception as error:
        refused = error
    if _on_device(value):
        for copy in _HOST_COPIES:
            if callable(getattr(value, copy, None)):
                return np.asarray(getattr(value, copy)())
    if hasattr(value, "__dlpack__"):
        return np.from_dlpack(value)
    raise refused or TypeError("no array")


def _on_device(value: Any) -> bool:
    if hasattr(value, "__dlpack_device__"):
        return value.__dlpack_device__()[0] not in _DLPACK_CPU
    return hasattr(value, "__cuda_array_interface__")


def conversion_of(arrays: str | Convert) -> Convert | None:
    """What makes a layer's arrays, as its `arrays=` says; None for NumPy's own. Raises InputError."""
    if callable(arrays):
        return arrays
    if arrays == "numpy":
        return None
    if arrays == "cupy":
        if "cupy" not in sys.modules and find_spec("cupy") is None:
            raise InputError("arrays: 'cupy' is not installed; install it with: pip install cupy-cuda13x, or -cuda12x")
        return to_cupy
    near = did_you_mean(arrays, ("numpy", "cupy"))
    raise InputError(f"arrays: expected 'numpy', 'cupy' or a function that takes a NumPy array, got {arrays!r}{near}")
