"""Makes cases: scales, ties, zeros, saturation, special values, layouts, label forms.

Elements are not drawn one by one: a recipe (style, scale, seed) is, and up to three edits that put special values in.
That is fast at any size, and it shrinks towards small integers, no edits, C order and the smallest frame. The
cotangent is never
uniform: rows of ones would be blind to softmax, whose rows sum to 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from random import Random
from typing import Any

import numpy as np
from hypothesis import strategies as st

from ..calculus.model import ARITHMETIC
from ..data.arrays import Array, as_dtype
from ..data.case import Case
from ..data.recipe import LAYOUTS, Recipe, laid_out
from ..ops import Op
from ..ops.domains import REAL, Domain
from .draws import AtRandom, ByHypothesis, Draws, Simplest, number_of, seed
from .frames import Frame, frame_pool

Shape = tuple[int, ...]

DTYPES = ("float32", "float64", "float16", "bfloat16")

_NOT_FINITE = (np.nan, np.inf, -np.inf)
# the first of each is what a failure shrinks to
_VALUES = ("integers", "uniform", "ties", "wide", "offset")
_COTANGENTS = ("integers", "uniform", "uniform", "one_element", "zero_sum_rows", "wide", "zeros")
_LABEL_IDS = ("int64", "int32", "int16", "uint8", "uint32", "int8", "uint64", "uint16")
_DISTRIBUTIONS = (("smoothed", 0.125), ("mixup", 0.5), ("probabilities", 0.25))  # rows that sum to 1
_LABEL_ROWS = ("float64", "int64", "bool", "uint8", "float32", "float16", "int8")


@dataclass(frozen=True)
class Variety:
    """What may vary besides values: layouts, special values and scales (odd: hardly ever without), the cotangent."""

    layouts: bool = True
    special: bool = True
    unit_cotangent: bool = False
    odd_layouts: bool = False
    odd_values: bool = False
    middle: bool = False  # of the range: a form that nobody has declared may leave it
    rough: bool = False  # no small integers: sums of them are exact, and hide how they are taken


ANYTHING = Variety()


def cases(
    op: Op | str, dtype: str = "float32", *, frames: Sequence[Frame] | None = None, variety: Variety = ANYTHING
) -> st.SearchStrategy[Case]:
    """Cases of one op and dtype in the frames given; by default those of `frame_pool(op, seed=0)`."""
    as_dtype(dtype)
    pool = tuple(frames) if frames is not None else frame_pool(op, 0)
    return st.sampled_from(pool).flatmap(lambda frame: _by_hypothesis(frame, dtype, variety))


@st.composite
def _by_hypothesis(draw: Callable[[st.SearchStrategy[Any]], Any], frame: Frame, dtype: str, v: Variety) -> Case:
    made: Case = case_of(ByHypothesis(draw), frame, dtype, v) if frame.make is None else frame.make(draw, dtype, v)
    return made


def random_cases(frame: Frame, dtype: str, count: int, of: object, variety: Variety = ANYTHING) -> Iterator[Case]:
    """So many cases of a frame: the simplest there is, then random ones. `of` seeds them: the same ones everywhere."""
    at_random = AtRandom(Random(number_of(of, frame, dtype)))
    for i in range(count):
        yield case_of(at_random if i else Simplest(), frame, dtype, variety)


def case_of(draws: Draws, frame: Frame, dtype: str, v: Variety) -> Case:
    """One case of a frame."""
    op, v = frame.op, replace(v, middle=frame.op.special_values == "none")
    plain = _plain_specials(draws, op, dtype, v)
    primals = {
        name: _primal(draws, frame, op.domains.get(name, REAL), shape, dtype, v, plain)
        for name, shape in frame.shapes.items()
    }
    options = {
        name: draws.among(option.choices or (option.default, *option.drawn))
        for name, option in op.settings.items()
        # what is None by default a layer need not take
        if name != "reduction" and option.default is not None and name not in frame.fixed
    }
    if "reduction" in op.options:
        options["reduction"] = frame.reduction
    shapes = {n: a.shape for n, a in primals.items()}
    outputs = op.output_shapes(shapes, {**op.options, **options})
    everywhere = plain if op.domains.get(op.primals[0], REAL) is REAL else ()
    drawn = (cotangents(draws, shape or (), dtype, v, special=everywhere) for shape in outputs)
    return Case(op, primals, dict(zip(op.outputs, drawn, strict=True)), options)


def _plain_specials(draws: Draws, op: Op, dtype: str, v: Variety) -> tuple[float, ...]:
    """What stands among real numbers now and then: only finite ones in most cases, not finite ones in the others."""
    if op.special_values != "all":
        return finite_specials(dtype) if op.special_values == "finite" else (0.0, -0.0, 1.0)
    return finite_specials(dtype) if draws.integer(0, 1 if v.odd_values else 3) else _NOT_FINITE


def _primal(
    draws: Draws, frame: Frame, domain: Domain, shape: Shape, dtype: str, v: Variety, plain: Sequence[float]
) -> Recipe | Array:
    """An array of what the domain holds."""
    if domain.forms:
        return _labels(draws, frame, domain, shape, dtype, v)
    # rows that are alike may not be of the domain, unless it is any number
    layout = layout_of(draws, v)
    layout = layout if domain is REAL or domain.rows == "logits" or layout != "repeated" else "stepped"
    if domain.kind == "integer":
        high = frame.axes[domain.high] - 1 if isinstance(domain.high, str) else int(domain.high)
        return _ids(draws, shape, int(domain.low), high, layout)
    if domain.kind == "boolean":
        return laid_out(Recipe("ids", shape, "int64", seed(draws), 2).build().astype(bool), layout)
    if domain.rows == "one_hot":
        rows = Recipe("one_hot", (max(1, prod(shape[:-1])), shape[-1]), dtype, seed(draws)).build()
        return laid_out(rows[: prod(shape[:-1])].reshape(shape), layout)
    if domain.rows == "probabilities" and shape:
        ends = (0.0, 1.0, ARITHMETIC[dtype].normal, 1 - ARITHMETIC[dtype].v, 1e-7)
        special = ends if frame.op.special_values == "all" else ()
        scale = draws.among((1.0, 0.25, 4.0))
        return recipe_of(draws, v, ("probabilities",), shape, dtype, (scale,), special)
    if domain.rows == "logits":
        return _logits(draws, shape, dtype, v)
    if domain.low > -np.inf or domain.high != np.inf:
        unit = Recipe("soft", shape, "float64", seed(draws)).build()
        return laid_out(_between(domain, unit).astype(as_dtype(dtype)), layout)
    return _values(draws, shape, dtype, v, special=plain)


def _labels(draws: Draws, frame: Frame, domain: Domain, shape: Shape, dtype: str, v: Variety) -> Recipe:
    """Labels in the form of the frame."""
    classes = frame.axes[str(domain.high)]
    if frame.targets == "ids":
        found = _ids(draws, shape, 0, classes - 1, layout_of(draws, v))
        assert isinstance(found, Recipe)
        return found
    if frame.targets == "one_hot":
        kind = draws.among((dtype, *_LABEL_ROWS))
        return Recipe("one_hot", shape, kind, seed(draws), layout=layout_of(draws, v))
    style, scale = draws.among((("soft", 1.0), ("soft", 1 / classes), ("soft", 3.0), *_DISTRIBUTIONS))
    return Recipe(style, shape, dtype, seed(draws), scale, layout=layout_of(draws, v))


def _ids(draws: Draws, shape: Shape, low: int, high: int, layout: str) -> Recipe | Array:
    """Whole numbers from low to high, in dtypes that hold them; often the tightest, where indices overflow."""
    kinds = [d for d in _LABEL_IDS if np.iinfo(d).min <= low and high <= np.iinfo(d).max]
    tightest = min(kinds, key=lambda d: np.iinfo(d).max)  # its largest ids are where indices overflow
    kinds = [tightest] if high == np.iinfo(tightest).max else [kinds[0], *[tightest] * 3, *kinds]
    kind = draws.among(kinds)
    count = high - low + 1
    ids = Recipe("ids", shape, kind if low == 0 else "int64", seed(draws), count, _last(draws, shape, count), layout)
    return ids if low == 0 else laid_out((ids.build() + low).astype(kind), layout)


def _between(domain: Domain, unit: Array) -> Array:
    """Numbers from 0 to 1 as numbers of the domain: a third of them at its lower end, where that is taken."""
    low, high = float(domain.low), float(domain.high)
    if np.isfinite(low) and np.isfinite(high):
        return np.asarray(low + unit * (high - low))
    return np.asarray(low + 2.0**-10 + 8 * unit if np.isfinite(low) else high - 8 * unit)


def _values(draws: Draws, shape: Shape, dtype: str, v: Variety, *, special: Sequence[float]) -> Recipe:
    scales: tuple[float, ...] = (1.0, 1.0, 2.0**-7, 8.0)
    if dtype != "float16":
        scales += (-100.0,)
        scales += (1000.0, *(() if v.middle else (2.0**40, 2.0**-40))) if v.special else ()
    return recipe_of(draws, v, ("uniform",) if v.rough else _VALUES, shape, dtype, scales, special)


def _logits(draws: Draws, shape: Shape, dtype: str, v: Variety) -> Recipe:
    arithmetic = ARITHMETIC[dtype]
    # saturation from 30 on; the largest make x - max overflow
    scales: tuple[float, ...] = (1.0, 1.0, 0.125, 4.0, 30.0)
    if v.special:
        scales += (100.0, 1000.0, arithmetic.largest / 4)
    odd = (-np.inf, -np.inf, 0.0, -arithmetic.largest, arithmetic.largest)
    special = odd if draws.integer(0, 1 if v.odd_values else 7) else _NOT_FINITE
    # flat rows first, so that the first case of a wide frame is one; masks as in attention
    masks = 2 if not shape or shape[-1] <= 64 else 4  # whole blocks of a wide row may be hidden
    styles = ("zeros", "integers", "uniform", "ties", *(("masked",) * masks if v.special else ()))
    return recipe_of(draws, v, styles, shape, dtype, scales, special)


def cotangents(draws: Draws, shape: Shape, dtype: str, v: Variety, *, special: Sequence[float] = ()) -> Recipe:
    """A cotangent of that shape."""
    if v.unit_cotangent and not shape:
        return Recipe("ones", shape, dtype)
    far = 2.0 ** (4 if dtype == "float16" else 20 if v.middle else 60)
    scales = (1.0, 1.0, 2.0**-7, far, *((1 / far,) if far > 16 else ())) if v.special else (1.0, 2.0**-7)
    styles = ("uniform",) if v.rough else _COTANGENTS
    return recipe_of(draws, v, styles, shape, dtype, scales, special, salt=_COTANGENT_SALT)


def recipe_of(
    draws: Draws,
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
        count = draws.integer(0, 3) if v.odd_values else max(0, draws.integer(0, 5) - 2)
        edits = [(draws.integer(0, size - 1), draws.among(special)) for _ in range(count)]
    style, scale = draws.among(styles), draws.among(scales)
    return Recipe(style, shape, dtype, seed(draws) ^ salt, scale, tuple(edits), layout_of(draws, v))


def finite_specials(dtype: str) -> tuple[float, ...]:
    """Zeros, the smallest normal number and a subnormal one, and 1."""
    a = ARITHMETIC[dtype]
    return (0.0, -0.0, a.normal, -a.normal, a.normal / 4, -a.normal / 4, 1.0)


def _last(draws: Draws, shape: Shape, count: int) -> tuple[tuple[int, float], ...]:
    """Often an edit that puts the last of the ids somewhere."""
    there = prod(shape) and (count > 64 or draws.integer(0, 1))
    return ((draws.integer(0, prod(shape) - 1), count - 1),) if there else ()


def layout_of(draws: Draws, v: Variety) -> str:
    """The layout of an array."""
    if v.odd_layouts:
        return str(draws.among(_ODD_LAYOUTS))
    return str(draws.among(_LAYOUTS)) if v.layouts else "C"


_COTANGENT_SALT = 0x5EED  # the simplest cotangent is not the simplest inputs once more
# C order about half of the time
_ODD_LAYOUTS = ("C", "F", "F", "stepped", "stepped", "reversed", "repeated", "readonly")
_LAYOUTS = ("C",) * (len(LAYOUTS) - 1) + LAYOUTS
