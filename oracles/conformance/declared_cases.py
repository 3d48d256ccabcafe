"""Cases of an op that is declared and no more: sizes of its axes, values by its domains, its options.

Of an infinity, NaN or a number at the lower end of the range nothing is asked as yet. Forms of an op may differ there:
a product that vanishes in one order of factors does not in another.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import partial

import numpy as np
from hypothesis import strategies as st

from ..arrays import Array, as_dtype
from ..case import Case
from ..ops import Op
from ..ops.domains import REAL, Domain
from ..ops.signature import holds
from ..recipe import Recipe, laid_out
from .cases import Draw, Variety, cotangents, layout_of, recipe_of
from .frames import Frame

Shape = tuple[int, ...]

FEW = (1, 2, 3, 4, 5, 7, 9, 13, 17)
LEADING: tuple[Shape, ...] = ((3,), (1,), (2,), (2, 3), (5,), ())
SIZES_TRIED = 100  # draws of sizes for a condition on them
SCALES = (1.0, 1.0, 2.0**-7, 8.0, -100.0)
SPECIAL = (0.0, -0.0, 1.0)
WIDER = (64.0, 1000.0, 2.0**40, 2.0**-40)


def small_frames(op: Op, reductions: tuple[str, ...], seed: int) -> tuple[Frame, ...]:
    """Single elements, unequal sizes, others that are drawn anew each run, and no samples at all; smallest first."""
    rng = random.Random(f"{op.name} {seed}")
    sizes: list[tuple[dict[str, int], Shape]]
    sizes = [(dict.fromkeys(op.signature.axes, n), (n,)) for n in (1, 2, 3)]
    sizes += [(dict(zip(op.signature.axes, many, strict=False)), (5,)) for many in ((4, 3, 5, 2), (3, 5, 2, 4))]
    sizes += [({axis: rng.choice(FEW) for axis in op.signature.axes}, rng.choice(LEADING)) for _ in range(4)]
    if _leads(op):
        sizes.append((dict.fromkeys(op.signature.axes, 3), (0,)))
    return _framed(op, sizes, reductions, rng)


def large_frames(op: Op, reductions: tuple[str, ...], seed: int) -> tuple[Frame, ...]:
    """Over 64 and over 256 along each axis, the leading ones included, where the others are small."""
    rng = random.Random(f"large {op.name} {seed}")
    sizes: list[tuple[dict[str, int], Shape]] = []
    for many in (65 + rng.randrange(8), 257 + rng.randrange(8)):
        few = {axis: 2 + i % 3 for i, axis in enumerate(op.signature.axes)}
        sizes += [({**few, axis: many}, (2,)) for axis in op.signature.axes]
        sizes += [(few, (many,))] if _leads(op) else []
    return _framed(op, sizes, reductions, rng)


def _leads(op: Op) -> bool:
    return any("..." in (a.axes or ()) for a in op.signature.inputs)


def _framed(
    op: Op, sizes: list[tuple[dict[str, int], Shape]], reductions: tuple[str, ...], rng: random.Random
) -> tuple[Frame, ...]:
    """A frame for each of the sizes that the op has, smallest first, the empty last."""
    frames = {}
    for named, leading in sizes:
        missing = {axis: rng.choice(FEW) for axis in op.signature.axes if axis not in named}
        whole = {**named, **missing}
        most = max(whole.values(), default=1)
        others = [{**whole, axis: most} for axis in whole] + [
            {axis: rng.choice(FEW) for axis in whole} for _ in range(SIZES_TRIED)
        ]
        fitting = (one for one in (whole, *others) if not op.signature.where or holds(op.signature.where, one))
        chosen = next(fitting, None)
        if chosen is None:
            continue
        whole = chosen
        shape = _shapes(op, whole, leading)[op.primals[0]]
        seen = shape if len(shape) > 1 else (1, *shape, 1)[:2]
        make = partial(_case, op, whole, leading, reductions)
        frames[tuple(whole.items()), leading] = Frame(op.name, seen, make=make)
    return tuple(sorted(frames.values(), key=lambda f: (0 in f.sizes, f.elements)))


def _shapes(op: Op, sizes: Mapping[str, int], leading: Shape) -> dict[str, Shape]:
    return {a.name: op.signature.shape_of(a, sizes, leading) for a in op.signature.inputs}


def _case(
    op: Op,
    sizes: Mapping[str, int],
    leading: Shape,
    reductions: tuple[str, ...],
    draw: Draw,
    dtype: str,
    v: Variety,
) -> Case:
    shapes = _shapes(op, sizes, leading)
    for name, domain in op.domains.items():
        if domain.forms:
            shapes[name] = draw(st.sampled_from(sorted(domain.shapes(sizes).values(), key=len)))
    primals = {n: _primal(draw, op.domains.get(n, REAL), shape, sizes, dtype, v) for n, shape in shapes.items()}
    options = {
        name: draw(st.sampled_from(option.choices or (option.default, *option.drawn)))
        for name, option in op.settings.items()
        if name != "reduction"
    }
    if "reduction" in op.settings:
        options["reduction"] = draw(st.sampled_from(reductions))
    output = op.output_shape(shapes, {**op.options, **options})
    assert output is not None
    return Case(op, primals, cotangents(draw, output, dtype, v, special=SPECIAL), options)


def _primal(
    draw: Draw, domain: Domain, shape: Shape, sizes: Mapping[str, int], dtype: str, v: Variety
) -> Recipe | Array:
    seed, layout = draw(st.integers(0, 2**32 - 1)), layout_of(draw, v)
    layout = "stepped" if layout == "repeated" else layout  # rows that are alike may not be of the domain
    whole = domain.forms and len(shape) == 1
    if domain.kind == "integer" or whole:
        high = sizes[domain.high] - 1 if isinstance(domain.high, str) else int(domain.high)
        low = 0 if whole else int(domain.low)
        ids = Recipe("ids", shape, draw(st.sampled_from(("int64", "int32"))), seed, high - low + 1, layout=layout)
        return ids if low == 0 else laid_out(ids.build() + np.asarray(low, ids.dtype), layout)
    if domain.kind == "boolean":
        return laid_out(Recipe("ids", shape, "int64", seed, 2).build().astype(bool), layout)
    if domain.rows == "one_hot" or domain.forms:
        rows = Recipe("one_hot", (max(1, int(np.prod(shape[:-1]))), shape[-1]), dtype, seed).build()
        return laid_out(rows[: int(np.prod(shape[:-1]))].reshape(shape), layout)
    if domain.rows == "probabilities" and shape:
        return Recipe("probabilities", shape, dtype, seed, draw(st.sampled_from((1.0, 0.25))), layout=layout)
    if domain.low > -np.inf or domain.high != np.inf:
        return laid_out(
            _between(domain, Recipe("soft", shape, "float64", seed).build()).astype(as_dtype(dtype)), layout
        )
    styles = ("uniform",) if v.rough else ("integers", "uniform", "ties", "wide", "offset")
    wide = () if not v.special else WIDER if dtype != "float16" else WIDER[:1]
    return recipe_of(draw, v, styles, shape, dtype, (*SCALES, *wide), SPECIAL)


def _between(domain: Domain, unit: Array) -> Array:
    """Numbers from 0 to 1 as numbers of the domain: a third of them at its lower end, where that is taken."""
    low, high = float(domain.low), float(domain.high)
    if np.isfinite(low) and np.isfinite(high):
        return np.asarray(low + unit * (high - low))
    return np.asarray(low + 2.0**-10 + 8 * unit if np.isfinite(low) else high - 8 * unit)
