"""Runs a layer on a case, on copies in the case's own memory layout."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arrays import Array, element_strides, strided
from ..case import Case, Result
from .layer import Layer


class LayerError(RuntimeError):
    """A layer that did not return what its op promises; the message says what came instead."""


def run(layer: Layer, case: Case) -> Result:
    """The layer's output and gradients. Raises LayerError for what is no array, and whatever the layer raises."""
    options = {
        k: v for k, v in case.options.items() if v is not None and (k != "reduction" or len(layer.reductions) > 1)
    }
    primals = [copy_of(a) for a in case.primals.values()]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # a layer that warns is not wrong for it
        output = _as_array("output", layer.forward(*primals, **options))
        returned = layer.vjp(copy_of(case.cotangent), *primals, **options)
    return Result(output, _gradients(returned, case))


def copy_of(a: Array) -> Array:
    """A copy of the array in the same memory layout."""
    return strided(a, element_strides(a), writeable=bool(a.flags.writeable))


def _gradients(returned: Any, case: Case) -> dict[str, Array]:
    names = case.signature.differentiable
    if isinstance(returned, Mapping):
        given = {str(name).removeprefix("d"): value for name, value in returned.items()}
    elif isinstance(returned, (tuple, list)) and len(names) > 1:
        given = dict(zip(names, returned, strict=False)) if len(returned) == len(names) else {}
    else:
        given = {names[0]: returned[0] if isinstance(returned, (tuple, list)) and len(returned) == 1 else returned}
    if set(given) != set(names):
        wanted = ", ".join(f"d{name}" for name in names)
        raise LayerError(
            f"vjp: expected {wanted}, got {type(returned).__name__} {' '.join(repr(returned).split())[:80]}"
        )
    return {name: _as_array(f"d{name}", given[name]) for name in names}


def _as_array(name: str, value: Any) -> Array:
    try:
        a = np.asarray(value)
    except Exception as error:
        raise LayerError(f"{name}: expected an array, got {type(value).__name__} ({error})") from error
    if a.dtype.kind not in "iubf" and a.dtype.name != "bfloat16":
        raise LayerError(f"{name}: expected numbers, got dtype {a.dtype} from {type(value).__name__}")
    return a
