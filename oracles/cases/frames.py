"""Frames: the shape of a case before its values. The edges always, some drawn afresh each run, and a few large ones.

All of it follows from the axes of the op's signature. A pool is small on purpose: jax compiles each new shape, so a run
uses few of them, and the next run others.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import prod

from reference import InputError

from ..candidates.layer import REDUCTIONS, TARGETS
from ..data.case import Case
from ..ops import Op, get_op
from ..ops.signature import holds

Shape = tuple[int, ...]

LARGE = 2000  # elements: a run affords few cases of more
FRESH = (1, 2, 3, 4, 5, 6, 7, 8, 10, 13, 17, 33)
CYCLES = ((2, 3, 5, 4, 7), (5, 4, 9, 3, 2), (4, 9, 5, 2, 3))  # unequal, 4k + 1 among them
LEADING: tuple[Shape, ...] = ((), (2, 3), (3,), (2, 1, 2))
TRIED = 100  # draws of sizes for a condition on them


@dataclass(frozen=True)
class Frame:
    """The sizes of a case: those of leading axes, where the op has them, and of each named axis; how a loss is asked.

    op: an Op, or the name of one of the suite. targets: the form of labels. fixed: options that stay at their defaults.
    make: what draws the cases where the op's own strategy does, which then says the sizes: make(draw, dtype, variety).
    """

    op: Op
    sizes: Shape
    reduction: str = "mean"
    targets: str = "ids"
    fixed: tuple[str, ...] = ()
    make: Callable[..., Case] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "op", op_of(self.op))

    @property
    def leading(self) -> Shape:
        """The sizes of the leading axes."""
        return self.sizes[: len(self.sizes) - len(self.op.signature.axes)]

    @property
    def axes(self) -> dict[str, int]:
        """The size of each named axis."""
        names = self.op.signature.axes
        return dict(zip(names, self.sizes[len(self.sizes) - len(names) :], strict=True))

    @property
    def shapes(self) -> dict[str, Shape]:
        """The shape of each primal: of labels that of their form."""
        signature, sizes = self.op.signature, self.axes
        found = {a.name: signature.shape_of(a, sizes, self.leading) for a in signature.inputs}
        for name, domain in self.op.domains.items():
            if domain.forms:
                ids, rows = domain.shapes(sizes).values()
                found[name] = ids if self.targets == "ids" else rows
        return found

    @property
    def elements(self) -> int:
        """Roughly how many elements the arrays of the case have that the op works on."""
        if self.make is not None:
            return 1
        shapes = self.shapes
        given = sum(prod(shapes[name]) for name in self.op.differentiable)
        output = self.op.signature.outputs[0]
        made = prod(self.op.signature.shape_of(output, self.axes, self.leading)) if output.axes else 0
        return max(given, made)

    @property
    def is_large(self) -> bool:
        """Whether a run affords few cases of it."""
        return self.elements > LARGE

    @property
    def is_empty(self) -> bool:
        """Whether an axis has no elements."""
        return 0 in self.sizes


def frame_pool(
    op: Op | str,
    seed: int,
    *,
    fresh: int = 2,
    targets: tuple[str, ...] = TARGETS,
    reductions: tuple[str, ...] = REDUCTIONS,
) -> tuple[Frame, ...]:
    """The edges and `fresh` new shapes, smallest first, the empty last.

    Every axis is 1, and the first also 0; all are equal, and unequal; leading axes are none and several too. Every
    label form and reduction asked for appears.
    """
    op = op_of(op)
    rng, n = random.Random(f"{op.name} {seed}"), directions(op)
    sizes = [(1,) * n, (3,) * n, *(cycle(which, n) for which in range(len(CYCLES)))]
    sizes += [replaced(cycle(2, n), i, 1) for i in range(n)]
    sizes += [replaced(cycle(0, n), 0, 0)]
    drawn = [tuple(rng.choice(FRESH) for _ in range(n)) for _ in range(fresh)]
    sizes += [s for s in drawn if Frame(op, s).elements <= LARGE]
    if has_leading(op):
        named = len(op.signature.axes)
        sizes += [(*leading, *cycle(1, named)) for leading in LEADING]
    return _framed(op, sizes, rng, targets, reductions)


def large_frames(
    op: Op | str, seed: int, *, targets: tuple[str, ...] = TARGETS, reductions: tuple[str, ...] = REDUCTIONS
) -> tuple[Frame, ...]:
    """64, 256 and above, and above 1024 in each direction, and above 65,536 elements in each array; smallest first.

    Kernels have blocks of 32 to 1024, and labels dtypes that end at 127 and 255. Rows are no longer: a Jacobian is of
    the square of that.
    """
    op = op_of(op)
    rng, n = random.Random(f"large {op.name} {seed}"), directions(op)
    over64, over256 = 65 + rng.randrange(8), 257 + rng.randrange(8)
    over32, over1024, few = 33 + rng.randrange(8), 1100 + rng.randrange(200), 2 + rng.randrange(3)
    small = tuple(few + i % 3 for i in range(n))
    few_ways = n <= 3  # of attention's five, neighbours alone
    sizes = [
        replaced(small, i, m) for m in ((over64, 64, over256, 256) if few_ways else (over64, over256)) for i in range(n)
    ]
    sizes += [replaced(cycle(0, n), i, over1024) for i in range(n if few_ways else 1)]
    sizes += [
        replaced(replaced((2,) * n, i, over256), j, over256)
        for i, j in combinations(range(n), 2)
        if few_ways or j == i + 1
    ]
    sizes += [replaced(replaced(small, i, over64), i + 1, over64) for i in range(n - 1)]
    sizes += [(over32,) * n] if n == 3 else []  # blocks in all directions at once
    frames = _framed(op, sizes, rng, targets, reductions)
    labels = [d.high for d in op.domains.values() if isinstance(d.high, str)] if "ids" in targets else []
    limits = [
        Frame(op, replaced(small, at, many), rng.choice(reductions), "ids")
        for many in (128, 256)
        for at in (n - len(op.signature.axes) + op.signature.axes.index(axis) for axis in labels)
    ]
    return tuple(sorted(dict.fromkeys((*limits, *frames)), key=lambda f: f.elements))


def probe_frames(op: Op, targets: Sequence[str], reductions: Sequence[str]) -> tuple[Frame, ...]:
    """Plain small frames that tell causes apart: unequal sizes, none a power of two twice; 77 has every tail."""
    n = directions(op)
    base = ((5, 3, 4, 7, 2), (7, 4, 6, 2, 3), (3, 13, 5, 2, 4), (1, 6, 3, 5, 4))
    sizes = [(*row, *row)[:n] for row in base] + [(4,) * n]
    sizes += [replaced(cycle(0, n), i, 77) for i in range(n)]
    forms = [(r, t) for t in targets for r in reductions]
    if not (labelled(op) or "reduction" in op.options):
        forms = forms[:1]
    found = []
    for i, one in enumerate(s for s in (_fitting(op, s, random.Random(0)) for s in sizes) if s is not None):
        found += [Frame(op, one, r, t) for r, t in (forms if i < 2 else (forms[i % len(forms)],))]
    return tuple(dict.fromkeys(found))


def op_of(op: Op | str) -> Op:
    """The op itself, or that of the name."""
    return op if isinstance(op, Op) else get_op(op)


def has_leading(op: Op) -> bool:
    """Whether a primal has leading axes, of any number."""
    return any("..." in (a.axes or ()) for a in op.signature.inputs)


def directions(op: Op) -> int:
    """In how many directions sizes vary: the named axes, and the leading one, or two where there is nothing else."""
    named = len(op.signature.axes)
    return named + (has_leading(op) and (2 if named == 0 else 1))


def rows_alone(frame: Frame) -> bool:
    """Whether the leading axes are as many as `directions` counts."""
    return len(frame.sizes) == directions(frame.op)


def labelled(op: Op) -> bool:
    """Whether a primal comes in forms of labels."""
    return any(domain.forms for domain in op.domains.values())


def cycle(which: int, n: int) -> Shape:
    """n unequal sizes, as long as there are."""
    row = CYCLES[which]
    return tuple(row[i % len(row)] for i in range(n))


def replaced(sizes: Shape, at: int, size: int) -> Shape:
    """The sizes with another one in a direction."""
    return (*sizes[:at], size, *sizes[at + 1 :])


def _framed(
    op: Op, sizes: Sequence[Shape], rng: random.Random, targets: tuple[str, ...], reductions: tuple[str, ...]
) -> tuple[Frame, ...]:
    """A frame for each of the sizes that the op can have, smallest first, the empty last."""
    if not targets or not reductions:
        raise InputError("targets, reductions: expected at least one of each")
    there = {fitted for s in sizes if (fitted := _fitting(op, s, rng)) is not None}
    forms = [(r, t) for t in (targets if labelled(op) else ("ids",)) for r in reductions]
    forms = (
        forms
        if "reduction" in op.options
        else [("mean", form) for form in targets]
        if labelled(op)
        else [("mean", "ids")]
    )
    rng.shuffle(forms)
    ordered = sorted(there, key=lambda s: (0 in s or not s, prod(s), len(s), s))
    return tuple(Frame(op, s, *forms[i % len(forms)]) for i, s in enumerate(ordered))


def _fitting(op: Op, sizes: Shape, rng: random.Random) -> Shape | None:
    """The sizes where the op's condition holds, or near ones where it does; None for empty ones that it excludes."""
    names, where = op.signature.axes, op.signature.where
    lead = sizes[: len(sizes) - len(names)]
    named: Mapping[str, int] = dict(zip(names, sizes[len(lead) :], strict=True))
    if not where or holds(where, named):
        return sizes
    if 0 in sizes:
        return None
    most = max(named.values())
    others = [{**named, axis: most} for axis in names]
    others += [{axis: rng.choice(FRESH) for axis in names} for _ in range(TRIED)]
    fitting = next((one for one in others if holds(where, one)), None)
    return None if fitting is None else (*lead, *fitting.values())
