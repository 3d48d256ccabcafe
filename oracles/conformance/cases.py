"""Hypothesis strategies for cases: scales, ties, zeros, saturation, special values, layouts, label forms.

Elements are not drawn one by one: a recipe (style, scale, seed) is, and up to three edits that put special values in.
That is fast at any size, and it shrinks towards small integers, no edits, C order and the smallest frame. The
cotangent is never
uniform: rows of ones would be blind to softmax, whose rows sum to 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from ..arrays import as_dtype
from ..calculus.model import ARITHMETIC
from ..case import Case
from ..recipe import LAYOUTS, Recipe
from .frames import Frame, frame_pool

Draw = Callable[[st.SearchStrategy[Any]], Any]
Shape = tuple[int, ...]

DTYPES = ("float32", "float64", "float16", "bfloat16")

# the first of each is what a failure shrinks to
_VALUES = ("integers", "uniform", "ties", "wide")
_COTANGENTS = ("integers", "uniform", "uniform", "one_element", "zero_sum_rows", "wide", "zeros")
_LABEL_IDS = ("int64", "int32", "int16", "uint8", "uint32", "int8", "uint64", "uint16")
_DISTRIBUTIONS = (("smoothed", 0.125), ("mixup", 0.5), ("probabilities", 0.25))  # rows that sum to 1
_LABEL_ROWS = ("float64", "int64", "bool", "uint8", "float32", "float16", "int8")


@dataclass(frozen=True)
class Variety:
    """What may vary besides values: layouts (odd: hardly ever C order), special values and scales, the cotangent."""

    layouts: bool = True
    special: bool = True
    unit_cotangent: bool = False
    odd_layouts: bool = False
    rough: bool = False  # no small integers: sums of them are exact, and hide how they are taken


ANYTHING = Variety()


def cases(
    op: str, dtype: str = "float32", *, frames: Sequence[Frame] | None = None, variety: Variety = ANYTHING
) -> st.SearchStrategy[Case]:
    """Cases of one op and dtype in the frames given; by default those of `frame_pool(op, seed=0)`."""
    as_dtype(dtype)
    pool = tuple(frames) if frames is not None else frame_pool(op, 0)
    return st.sampled_from(pool).flatmap(lambda frame: _case(frame, dtype, variety))


@st.composite
def _case(draw: Draw, frame: Frame, dtype: str, variety: Variety) -> Case:
    return frame.make(draw, dtype, variety) if frame.make else _MAKERS[frame.op](draw, frame, dtype, variety)


def _dense(draw: Draw, frame: Frame, dtype: str, v: Variety) -> Case:
    n, k, m = frame.sizes
    special = finite_specials(dtype) if draw(st.integers(0, 3)) else (np.nan, np.inf, -np.inf)
    primals = {
        name: _values(draw, shape, dtype, v, special=special)
        for name, shape in (("inputs", (n, k)), ("weights", (k, m)), ("biases", (1, m)))
    }
    return Case("dense", primals, cotangents(draw, (n, m), dtype, v, special=special))


def _relu(draw: Draw, frame: Frame, dtype: str, v: Variety) -> Case:
    special = (*finite_specials(dtype), np.nan, np.inf, -np.inf)
    inputs = _values(draw, frame.sizes, dtype, v, special=special)
    return Case("relu", {"inputs": inputs}, cotangents(draw, frame.sizes, dtype, v, special=special))


def _softmax(draw: Draw, frame: Frame, dtype: str, v: Variety) -> Case:
    return Case("softmax", {"inputs": _logits(draw, frame.sizes, dtype, v)}, cotangents(draw, frame.sizes, dtype, v))


def _cross_entropy(draw: Draw, frame: Frame, dtype: str, v: Variety) -> Case:
    special = (0.0, 1.0, ARITHMETIC[dtype].normal, 1 - ARITHMETIC[dtype].v, 1e-7)
    scale = draw(st.sampled_from((1.0, 0.25, 4.0)))
    probabilities = recipe_of(draw, v, ("probabilities",), frame.sizes, dtype, (scale,), special)
    return _loss(draw, frame, dtype, v, "probabilities", probabilities)


def _softmax_cross_entropy(draw: Draw, frame: Frame, dtype: str, v: Variety) -> Case:
    return _loss(draw, frame, dtype, v, "logits", _logits(draw, frame.sizes, dtype, v))


def _loss(draw: Draw, frame: Frame, dtype: str, v: Variety, name: str, predictions: Recipe) -> Case:
    n, classes = frame.sizes
    if frame.targets == "ids":
        kinds = [d for d in _LABEL_IDS if classes - 1 <= np.iinfo(d).max]
        tightest = min(kinds, key=lambda d: np.iinfo(d).max)  # its largest ids are where indices overflow
        kinds = [tightest] if classes - 1 == np.iinfo(tightest).max else [kinds[0], *[tightest] * 3, *kinds]
        kind = draw(st.sampled_from(kinds))
        targets = Recipe("ids", (n,), kind, draw(_SEEDS), classes, _last_class(draw, n, classes), layout_of(draw, v))
    elif frame.targets == "one_hot":
        kind = draw(st.sampled_from((dtype, *_LABEL_ROWS)))
        targets = Recipe("one_hot", (n, classes), kind, draw(_SEEDS), layout=layout_of(draw, v))
    else:
        style, scale = draw(st.sampled_from((("soft", 1.0), ("soft", 1 / classes), ("soft", 3.0), *_DISTRIBUTIONS)))
        targets = Recipe(style, (n, classes), dtype, draw(_SEEDS), scale, layout=layout_of(draw, v))
    shape = (n,) if frame.reduction == "none" else ()
    options = {"reduction": frame.reduction}
    return Case(frame.op, {name: predictions, "targets": targets}, cotangents(draw, shape, dtype, v), options)


def _values(draw: Draw, shape: Shape, dtype: str, v: Variety, *, special: Sequence[float]) -> Recipe:
    scales = (
        (1.0, 2.0**-7, 8.0)
        if not v.special
        else (1.0, 1.0, 2.0**-7, 8.0, *((2.0**40, 2.0**-40) if dtype != "float16" else ()))
    )
    return recipe_of(draw, v, ("uniform",) if v.rough else _VALUES, shape, dtype, scales, special)


def _logits(draw: Draw, shape: Shape, dtype: str, v: Variety) -> Recipe:
    arithmetic = ARITHMETIC[dtype]
    # saturation from 30 on; the largest make x - max overflow
    scales: tuple[float, ...] = (1.0, 1.0, 0.125, 4.0, 30.0)
    if v.special:
        scales += (100.0, 1000.0, arithmetic.largest / 4)
    odd = (-np.inf, -np.inf, 0.0, -arithmetic.largest, arithmetic.largest)
    special = odd if draw(st.integers(0, 7)) else (np.nan, np.inf, -np.inf)
    # flat rows first, so that the first case of a wide frame is one; masks as in attention
    masks = 2 if not shape or shape[-1] <= 64 else 4  # whole blocks of a wide row may be hidden
    styles = ("zeros", "integers", "uniform", "ties", *(("masked",) * masks if v.special else ()))
    return recipe_of(draw, v, styles, shape, dtype, scales, special)


def cotangents(draw: Draw, shape: Shape, dtype: str, v: Variety, *, special: Sequence[float] = ()) -> Recipe:
    """A cotangent of that shape."""
    if v.unit_cotangent and not shape:
        return Recipe("ones", shape, dtype)
    scales = (
        (1.0, 2.0**-7)
        if not v.special
        else (1.0, 1.0, 2.0**-7, *((2.0**60, 2.0**-60) if dtype != "float16" else (16.0,)))
    )
    styles = ("uniform",) if v.rough else _COTANGENTS
    return recipe_of(draw, v, styles, shape, dtype, scales, special, salt=_COTANGENT_SALT)


def recipe_of(
    draw: Draw,
    v: Variety,
    styles: Sequence[str],
    shape: Shape,
    dtype: str,
    scales: Sequence[float],
    special: Sequence[float],
    salt: int = 0,
) -> Recipe:
    """Numbers of one of the styles and scales, some of them replaced by special ones."""
    size = int(np.prod(shape))
    edits: list[tuple[int, float]] = []
    if special and size and v.special:
        count = max(0, draw(st.integers(0, 5)) - 2)
        edits = [(draw(st.integers(0, size - 1)), draw(st.sampled_from(special))) for _ in range(count)]
    style, scale = draw(st.sampled_from(styles)), draw(st.sampled_from(scales))
    return Recipe(style, shape, dtype, draw(_SEEDS) ^ salt, scale, tuple(edits), layout_of(draw, v))


def finite_specials(dtype: str) -> tuple[float, ...]:
    """Zeros, the smallest normal number and a subnormal one, and 1."""
    a = ARITHMETIC[dtype]
    return (0.0, -0.0, a.normal, -a.normal, a.normal / 4, -a.normal / 4, 1.0)


def _last_class(draw: Draw, n: int, classes: int) -> tuple[tuple[int, float], ...]:
    there = n and (classes > 64 or draw(st.booleans()))
    return ((draw(st.integers(0, n - 1)), classes - 1),) if there else ()


def layout_of(draw: Draw, v: Variety) -> str:
    """The layout of an array."""
    if v.odd_layouts:
        return str(draw(_ODD_LAYOUTS))
    return str(draw(_LAYOUTS)) if v.layouts else "C"


_SEEDS = st.integers(0, 2**32 - 1)
_COTANGENT_SALT = 0x5EED  # the simplest cotangent is not the simplest inputs once more
# C order about half of the time
_ODD_LAYOUTS = st.sampled_from(("C", "F", "F", "stepped", "stepped", "reversed", "repeated", "readonly"))
_LAYOUTS = st.sampled_from(("C",) * (len(LAYOUTS) - 1) + LAYOUTS)

_MAKERS: dict[str, Callable[[Draw, Frame, str, Variety], Case]] = {
    "dense": _dense,
    "relu": _relu,
    "softmax": _softmax,
    "cross_entropy": _cross_entropy,
    "softmax_cross_entropy": _softmax_cross_entropy,
}
