"""Hypothesis strategies for cases: scales, ties, zeros, saturation, special values, layouts, label forms.

Elements are not drawn one by one: a recipe (style, scale, seed) is, and up to three edits that put special values in.
That is fast at any size, and it shrinks towards small integers, no edits, C order and the smallest frame. The
cotangent is never
uniform: rows of ones would be blind to softmax, whose rows sum to 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from hypothesis import strategies as st

from ..arrays import Array, as_dtype
from ..calculus.model import ARITHMETIC
from ..case import Case
from ..ops import Op
from ..ops.domains import REAL, Domain
from ..recipe import LAYOUTS, Recipe, laid_out
from .frames import Frame, frame_pool

Draw = Callable[[st.SearchStrategy[Any]], Any]
Shape = tuple[int, ...]

DTYPES = ("float32", "float64", "float16", "bfloat16")

# the first of each is what a failure shrinks to
_VALUES = ("integers", "uniform", "ties", "wide", "offset")
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
    op: Op | str, dtype: str = "float32", *, frames: Sequence[Frame] | None = None, variety: Variety = ANYTHING
) -> st.SearchStrategy[Case]:
    """Cases of one op and dtype in the frames given; by default those of `frame_pool(op, seed=0)`."""
    as_dtype(dtype)
    pool = tuple(frames) if frames is not None else frame_pool(op, 0)
    return st.sampled_from(pool).flatmap(lambda frame: _case(frame, dtype, variety))


@st.composite
def _case(draw: Draw, frame: Frame, dtype: str, v: Variety) -> Case:
    if frame.make is not None:
        made: Case = frame.make(draw, dtype, v)
        return made
    op = frame.op
    plain = _plain_specials(draw, op, dtype)
    primals = {
        name: _primal(draw, frame, op.domains.get(name, REAL), shape, dtype, v, plain)
        for name, shape in frame.shapes.items()
    }
    options = {
        name: draw(st.sampled_from(option.choices or (option.default, *option.drawn)))
        for name, option in op.settings.items()
        # what is None by default a layer need not take
        if name != "reduction" and option.default is not None and name not in frame.fixed
    }
    if "reduction" in op.options:
        options["reduction"] = frame.reduction
    shapes = {n: a.shape for n, a in primals.items()}
    output = op.output_shape(shapes, {**op.options, **options})
    assert output is not None
    everywhere = plain if op.domains.get(op.primals[0], REAL) is REAL else ()
    return Case(op, primals, cotangents(draw, output, dtype, v, special=everywhere), options)


def _plain_specials(draw: Draw, op: Op, dtype: str) -> tuple[float, ...]:
    """What stands among real numbers now and then: only finite ones in most cases, not finite ones in the others."""
    if op.special_values != "all":
        return finite_specials(dtype) if op.special_values == "finite" else (0.0, -0.0, 1.0)
    return finite_specials(dtype) if draw(st.integers(0, 3)) else (np.nan, np.inf, -np.inf)


def _primal(
    draw: Draw, frame: Frame, domain: Domain, shape: Shape, dtype: str, v: Variety, plain: Sequence[float]
) -> Recipe | Array:
    """An array of what the domain holds."""
    if domain.forms:
        return _labels(draw, frame, domain, shape, dtype, v)
    # rows that are alike may not be of the domain, unless it is any number
    layout = layout_of(draw, v)
    layout = layout if domain is REAL or domain.rows == "logits" or layout != "repeated" else "stepped"
    if domain.kind == "integer":
        high = frame.axes[domain.high] - 1 if isinstance(domain.high, str) else int(domain.high)
        return _ids(draw, shape, int(domain.low), high, layout)
    if domain.kind == "boolean":
        return laid_out(Recipe("ids", shape, "int64", draw(_SEEDS), 2).build().astype(bool), layout)
    if domain.rows == "one_hot":
        rows = Recipe("one_hot", (max(1, prod(shape[:-1])), shape[-1]), dtype, draw(_SEEDS)).build()
        return laid_out(rows[: prod(shape[:-1])].reshape(shape), layout)
    if domain.rows == "probabilities" and shape:
        ends = (0.0, 1.0, ARITHMETIC[dtype].normal, 1 - ARITHMETIC[dtype].v, 1e-7)
        special = ends if frame.op.special_values == "all" else ()
        scale = draw(st.sampled_from((1.0, 0.25, 4.0)))
        return recipe_of(draw, v, ("probabilities",), shape, dtype, (scale,), special)
    if domain.rows == "logits":
        return _logits(draw, shape, dtype, v)
    if domain.low > -np.inf or domain.high != np.inf:
        unit = Recipe("soft", shape, "float64", draw(_SEEDS)).build()
        return laid_out(_between(domain, unit).astype(as_dtype(dtype)), layout)
    return _values(draw, shape, dtype, v, special=plain)


def _labels(draw: Draw, frame: Frame, domain: Domain, shape: Shape, dtype: str, v: Variety) -> Recipe:
    """Labels in the form of the frame."""
    classes = frame.axes[str(domain.high)]
    if frame.targets == "ids":
        found = _ids(draw, shape, 0, classes - 1, layout_of(draw, v))
        assert isinstance(found, Recipe)
        return found
    if frame.targets == "one_hot":
        kind = draw(st.sampled_from((dtype, *_LABEL_ROWS)))
        return Recipe("one_hot", shape, kind, draw(_SEEDS), layout=layout_of(draw, v))
    style, scale = draw(st.sampled_from((("soft", 1.0), ("soft", 1 / classes), ("soft", 3.0), *_DISTRIBUTIONS)))
    return Recipe(style, shape, dtype, draw(_SEEDS), scale, layout=layout_of(draw, v))


def _ids(draw: Draw, shape: Shape, low: int, high: int, layout: str) -> Recipe | Array:
    """Whole numbers from low to high, in dtypes that hold them; often the tightest, where indices overflow."""
    kinds = [d for d in _LABEL_IDS if np.iinfo(d).min <= low and high <= np.iinfo(d).max]
    tightest = min(kinds, key=lambda d: np.iinfo(d).max)  # its largest ids are where indices overflow
    kinds = [tightest] if high == np.iinfo(tightest).max else [kinds[0], *[tightest] * 3, *kinds]
    kind = draw(st.sampled_from(kinds))
    count = high - low + 1
    ids = Recipe("ids", shape, kind if low == 0 else "int64", draw(_SEEDS), count, _last(draw, shape, count), layout)
    return ids if low == 0 else laid_out((ids.build() + low).astype(kind), layout)


def _between(domain: Domain, unit: Array) -> Array:
    """Numbers from 0 to 1 as numbers of the domain: a third of them at its lower end, where that is taken."""
    low, high = float(domain.low), float(domain.high)
    if np.isfinite(low) and np.isfinite(high):
        return np.asarray(low + unit * (high - low))
    return np.asarray(low + 2.0**-10 + 8 * unit if np.isfinite(low) else high - 8 * unit)


def _values(draw: Draw, shape: Shape, dtype: str, v: Variety, *, special: Sequence[float]) -> Recipe:
    scales: tuple[float, ...] = (1.0, 1.0, 2.0**-7, 8.0)
    if dtype != "float16":
        scales += (-100.0,)
        scales += (1000.0, 2.0**40, 2.0**-40) if v.special else ()
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


def _last(draw: Draw, shape: Shape, count: int) -> tuple[tuple[int, float], ...]:
    """Often an edit that puts the last of the ids somewhere."""
    there = prod(shape) and (count > 64 or draw(st.booleans()))
    return ((draw(st.integers(0, prod(shape) - 1)), count - 1),) if there else ()


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
