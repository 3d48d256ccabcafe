"""Cases of an op whose own strategy draws the primals: in the dtype under test, the cotangent by this suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from hypothesis.strategies import SearchStrategy

from reference import InputError

from ..data.arrays import FLOAT_DTYPES, Array, as_dtype
from ..data.case import Case
from ..data.recipe import Recipe, laid_out
from ..ops import Op
from .draws import ByHypothesis
from .frames import Frame
from .generation import Variety, cotangents, layout_of

ShapesOf = Callable[[Mapping[str, Array]], tuple[tuple[int, ...], ...]]


def own_frame(op: Op, shapes_of: ShapesOf) -> Frame:
    """The frame of an op whose own strategy draws the cases; `shapes_of`: what says the shapes of its outputs."""
    return Frame(op, (0,) * len(op.signature.axes), make=partial(_drawn, op, shapes_of))


def _drawn(op: Op, shapes_of: ShapesOf, draw: Callable[[SearchStrategy[Any]], Any], dtype: str, v: Variety) -> Case:
    draws, drawn = ByHypothesis(draw), draw(op.cases)
    primals, cotangent = drawn if isinstance(drawn, tuple) and len(drawn) == 2 else (drawn, None)
    if not isinstance(primals, Mapping) or set(primals) != set(op.primals):
        wanted = f"mappings with {', '.join(op.primals)}, or pairs of one and a cotangent"
        raise InputError(f"cases: expected a strategy of {wanted}, got {primals!r}")
    # a repeated row may leave what the strategy promises
    layouts = {n: "stepped" if (layout := layout_of(draws, v)) == "repeated" else layout for n in op.primals}
    arrays = {n: laid_out(_taken(n, primals[n], dtype), layouts[n]) for n in op.primals}
    for n in op.differentiable:
        if arrays[n].dtype.name != dtype:
            raise InputError(f"cases: {op.name} is differentiable in {n}; expected floats, got {arrays[n].dtype}")
    given: tuple[Array | Recipe, ...]
    if cotangent is not None:
        several = isinstance(cotangent, tuple) and len(op.outputs) > 1
        given = tuple(_taken("cotangent", g, dtype) for g in (cotangent if several else (cotangent,)))
    else:
        given = tuple(cotangents(draws, shape, dtype, v) for shape in shapes_of(arrays))
    return Case(op, arrays, dict(zip(op.outputs, given, strict=True)))


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
