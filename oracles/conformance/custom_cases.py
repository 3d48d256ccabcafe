"""Cases of a user's own op: the primals by its strategy, in the dtype under test; the cotangent by this suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st

from reference import InputError

from ..arrays import FLOAT_DTYPES, Array, as_dtype
from ..case import Case
from ..custom import CustomOp
from ..recipe import Recipe, laid_out
from .cases import Variety, cotangents, layout_of
from .frames import Frame

ShapeOf = Callable[[Mapping[str, Array]], tuple[int, ...]]


def own_frame(op: CustomOp, shape_of: ShapeOf) -> Frame:
    """The one frame of such an op; `shape_of`: what says the shape of its output."""
    return Frame(op.name, (), make=partial(_case, op, shape_of))


def _case(op: CustomOp, shape_of: ShapeOf, draw: Callable[[Any], Any], dtype: str, v: Variety) -> Case:
    drawn = draw(op.cases)
    primals, cotangent = drawn if isinstance(drawn, tuple) and len(drawn) == 2 else (drawn, None)
    if not isinstance(primals, Mapping) or set(primals) != set(op.primals):
        wanted = f"mappings with {', '.join(op.primals)}, or pairs of one and a cotangent"
        raise InputError(f"cases: expected a strategy of {wanted}, got {primals!r}")
    arrays = {n: laid_out(_taken(n, primals[n], dtype), draw(_quiet(v))) for n in op.primals}
    for n in op.differentiable:
        if arrays[n].dtype.name != dtype:
            raise InputError(f"cases: {op.name} is differentiable in {n}; expected floats, got {arrays[n].dtype}")
    if cotangent is not None:
        return Case(op.name, arrays, _taken("cotangent", cotangent, dtype))
    return Case(op.name, arrays, cotangents(draw, shape_of(arrays), dtype, v))


@st.composite
def _quiet(draw: Callable[[Any], Any], v: Variety) -> str:
    """A layout that changes no value: a repeated row may leave what the strategy promises."""
    layout = layout_of(draw, v)
    return "stepped" if layout == "repeated" else layout


def _taken(name: str, value: Any, dtype: str) -> Array:
    if isinstance(value, Recipe):
        value = value.build()
    try:
        a = np.array(value, order="C")
    except (ValueError, TypeError) as error:
        raise InputError(f"cases: {name}: expected an array of numbers ({error})") from None
    if a.dtype.name not in FLOAT_DTYPES:
        return a
    with np.errstate(all="ignore"):
        return a.astype(as_dtype(dtype))
