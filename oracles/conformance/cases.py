"""Hypothesis strategies for cases: scales, ties, zeros, saturation, special values, layouts, label forms.

Elements are not drawn one by one: a recipe (style, scale, seed) is, and up to three edits that put special values in.
That is fast at any size, and it shrinks towards small integers, no edits, C order and the smallest frame. The
cotangent is never
uniform: rows of ones would be blind to softmax, whose rows sum to 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from ..arrays import as_dtype
from ..case import Case
from ..recipe import LAYOUTS, Recipe
from .bounds import ARITHMETIC
from .frames import Frame, frame_pool

Draw = Callable[[st.SearchStrategy[Any]], Any]
Shape = tuple[int, ...]

DTYPES = ("float32", "float64", "float16", "bfloat16")

# the first of each is what a failure shrinks to
_VALUES = ("integers", "uniform", "ties", "wide")
_COTANGENTS = ("integers", "uniform", "uniform", "one_element", "zero_sum_rows", "wide", "zeros")
_LABEL_IDS = ("int64", "int32", "int16", "uint8", "uint32", "int8", "uint64", "uint16")
_LABEL_ROWS = ("float64", "int64", "bool", "uint8", "float32", "float16", "int8")


def cases(op: str, dtype: str = "float32", *, frames: Sequence[Frame] | None = None) -> st.SearchStrategy[Case]:
    """Cases of one op and dtype in the frames given; by default those of `frame_pool(op, seed=0)`."""
    as_dtype(dtype)
    pool = tuple(frames) if frames is not None else frame_pool(op, 0)
    return st.sampled_from(pool).flatmap(lambda frame: _case(frame, dtype))


@st.composite
def _case(draw: Draw, frame: Frame, dtype: str) -> Case:
    return _MAKERS[frame.op](draw, frame, dtype)


def _dense(draw: Draw, frame: Frame, dtype: str) -> Case:
    n, k, m = frame.sizes
    special = _finite(dtype) if draw(st.integers(0, 9)) else (np.nan, np.inf, -np.inf)
    primals = {
        name: _values(draw, shape, dtype, special=special)
        for name, shape in (("inputs", (n, k)), ("weights", (k, m)), ("biases", (1, m)))
    }
    return Case("dense", primals, _cotangent(draw, (n, m), dtype))


def _relu(draw: Draw, frame: Frame, dtype: str) -> Case:
    special = (*_finite(dtype), np.nan, np.inf, -np.inf)
    inputs = _values(draw, frame.sizes, dtype, special=special)
    return Case("relu", {"inputs": inputs}, _cotangent(draw, frame.sizes, dtype, special=special))


def _softmax(draw: Draw, frame: Frame, dtype: str) -> Case:
    return Case("softmax", {"inputs": _logits(draw, frame.sizes, dtype)}, _cotangent(draw, frame.sizes, dtype))


def _cross_entropy(draw: Draw, frame: Frame, dtype: str) -> Case:
    special = (0.0, 1.0, ARITHMETIC[dtype].normal, 1 - ARITHMETIC[dtype].v, 1e-7)
    scale = draw(st.sampled_from((1.0, 0.25, 4.0)))
    probabilities = _recipe(draw, ("probabilities",), frame.sizes, dtype, (scale,), special)
    return _loss(draw, frame, dtype, "probabilities", probabilities)


def _softmax_cross_entropy(draw: Draw, frame: Frame, dtype: str) -> Case:
    return _loss(draw, frame, dtype, "logits", _logits(draw, frame.sizes, dtype))


def _loss(draw: Draw, frame: Frame, dtype: str, name: str, predictions: Recipe) -> Case:
    n, classes = frame.sizes
    if frame.targets == "ids":
        kinds = [d for d in _LABEL_IDS if classes <= np.iinfo(d).max]
        kind = draw(st.sampled_from(kinds))
        targets = Recipe("ids", (n,), kind, draw(_SEEDS), classes, _last_class(draw, n, classes), draw(_LAYOUTS))
    elif frame.targets == "one_hot":
        kind = draw(st.sampled_from((dtype, *_LABEL_ROWS)))
        targets = Recipe("one_hot", (n, classes), kind, draw(_SEEDS), layout=draw(_LAYOUTS))
    else:
        scale = draw(st.sampled_from((1.0, 1 / classes, 3.0)))
        targets = Recipe("soft", (n, classes), dtype, draw(_SEEDS), scale, layout=draw(_LAYOUTS))
    shape = (n,) if frame.reduction == "none" else ()
    options = {"reduction": frame.reduction}
    return Case(frame.op, {name: predictions, "targets": targets}, _cotangent(draw, shape, dtype), options)


def _values(draw: Draw, shape: Shape, dtype: str, *, special: Sequence[float]) -> Recipe:
    scales = (1.0, 1.0, 2.0**-7, 8.0, *((2.0**40, 2.0**-40) if dtype != "float16" else ()))
    return _recipe(draw, _VALUES, shape, dtype, scales, special)


def _logits(draw: Draw, shape: Shape, dtype: str) -> Recipe:
    arithmetic = ARITHMETIC[dtype]
    # saturation from 30 on; the largest make x - max overflow
    scales = (1.0, 1.0, 0.125, 4.0, 30.0, 100.0, 1000.0, arithmetic.largest / 4)
    odd = (-np.inf, -np.inf, 0.0, -arithmetic.largest, arithmetic.largest)
    special = odd if draw(st.integers(0, 7)) else (np.nan, np.inf, -np.inf)
    return _recipe(draw, ("integers", "uniform", "ties"), shape, dtype, scales, special)


def _cotangent(draw: Draw, shape: Shape, dtype: str, *, special: Sequence[float] = ()) -> Recipe:
    scales = (1.0, 1.0, 2.0**-7, *((2.0**60, 2.0**-60) if dtype != "float16" else (16.0,)))
    return _recipe(draw, _COTANGENTS, shape, dtype, scales, special)


def _recipe(
    draw: Draw, styles: Sequence[str], shape: Shape, dtype: str, scales: Sequence[float], special: Sequence[float]
) -> Recipe:
    size = int(np.prod(shape))
    edits: list[tuple[int, float]] = []
    if special and size:
        count = max(0, draw(st.integers(0, 5)) - 2)
        edits = [(draw(st.integers(0, size - 1)), draw(st.sampled_from(special))) for _ in range(count)]
    style, scale = draw(st.sampled_from(styles)), draw(st.sampled_from(scales))
    return Recipe(style, shape, dtype, draw(_SEEDS), scale, tuple(edits), draw(_LAYOUTS))


def _finite(dtype: str) -> tuple[float, ...]:
    a = ARITHMETIC[dtype]
    return (0.0, -0.0, a.normal, -a.normal, a.normal / 4, -a.normal / 4, 1.0)


def _last_class(draw: Draw, n: int, classes: int) -> tuple[tuple[int, float], ...]:
    return ((draw(st.integers(0, n - 1)), classes - 1),) if n and draw(st.booleans()) else ()


_SEEDS = st.integers(0, 2**32 - 1)
# C order about half of the time
_LAYOUTS = st.sampled_from(("C",) * (len(LAYOUTS) - 1) + LAYOUTS)

_MAKERS: dict[str, Callable[[Draw, Frame, str], Case]] = {
    "dense": _dense,
    "relu": _relu,
    "softmax": _softmax,
    "cross_entropy": _cross_entropy,
    "softmax_cross_entropy": _softmax_cross_entropy,
}
