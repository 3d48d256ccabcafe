"""Frames: the shape of a case before its values. The edges always, some drawn afresh each run, and a few large ones.

A pool is small on purpose: jax compiles each new shape, so a run uses few of them, and the next run others.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from reference import InputError

from ..case import Case
from ..ops import get_op
from .layer import REDUCTIONS, TARGETS

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Frame:
    """The sizes of a case: (N, K, M) for dense, the shape of the inputs otherwise; and how a loss is asked for.

    make: what draws the cases of a user's own op, whose strategy says the sizes: make(draw, dtype, variety).
    """

    op: str
    sizes: Shape
    reduction: str = "mean"
    targets: str = "ids"
    make: Callable[..., Case] | None = field(default=None, repr=False)

    @property
    def elements(self) -> int:
        """Roughly how many elements the largest arrays of the case have."""
        n = 1
        for size in self.sizes:
            n *= size
        if self.op == "dense":
            samples, inputs, neurons = self.sizes
            return samples * inputs + inputs * neurons + samples * neurons
        return n

    @property
    def is_large(self) -> bool:
        """Whether a run affords few cases of it."""
        return self.elements > 2000


# 0 and 1 samples, 1 feature or class, square and not, 4k + 1
_EDGES: dict[str, tuple[Shape, ...]] = {
    "dense": ((1, 1, 1), (0, 3, 2), (1, 4, 3), (3, 1, 2), (2, 3, 1), (3, 3, 3), (5, 4, 9), (4, 9, 5)),
    "relu": ((1,), (), (0, 3), (3,), (1, 4), (2, 3), (3, 3), (2, 3, 5), (9, 5)),
    "softmax": ((3,), (1, 1), (0, 3), (1, 4), (3, 1), (3, 3), (2, 3, 5), (9, 5), (5, 9)),
    "cross_entropy": ((1, 2), (1, 1), (0, 3), (3, 1), (3, 3), (2, 5), (9, 4), (4, 9)),
    "softmax_cross_entropy": ((1, 2), (1, 1), (0, 3), (3, 1), (3, 3), (2, 5), (9, 4), (4, 9)),
}


def frame_pool(
    op: str,
    seed: int,
    *,
    fresh: int = 4,
    targets: tuple[str, ...] = TARGETS,
    reductions: tuple[str, ...] = REDUCTIONS,
) -> tuple[Frame, ...]:
    """The edges and `fresh` new shapes, smallest first, scalars and the empty last.

    Every label form and reduction asked for appears.
    """
    get_op(op)
    rng = random.Random(f"{op} {seed}")
    rank = {"dense": 3, "cross_entropy": 2, "softmax_cross_entropy": 2}.get(op)
    drawn = [
        tuple(rng.choice((1, 2, 3, 4, 5, 6, 7, 8, 10, 13, 17, 33)) for _ in range(rank or rng.randint(1, 4)))
        for _ in range(fresh)
    ]
    sizes = [*_EDGES[op], *(s for s in drawn if _product(s) <= 2000)]
    return _framed(op, sizes, rng, targets, reductions)


def large_frames(
    op: str, seed: int, *, targets: tuple[str, ...] = TARGETS, reductions: tuple[str, ...] = REDUCTIONS
) -> tuple[Frame, ...]:
    """64, 256 and above, and above 1024 in each direction, and above 65,536 elements in each array; smallest first.

    Kernels have blocks of 32 to 1024, and labels dtypes that end at 127 and 255. Rows are no longer: a Jacobian is of
    the square of that.
    """
    get_op(op)
    rng = random.Random(f"large {op} {seed}")
    over64, over256 = 65 + rng.randrange(8), 257 + rng.randrange(8)
    few = 2 + rng.randrange(3)
    over1024, over32 = 1100 + rng.randrange(200), 33 + rng.randrange(8)
    makers: dict[str, Callable[[], list[Shape]]] = {
        "dense": lambda: [
            *((over64, few, few + 1), (few, over64, few + 1), (few, few + 1, over64)),
            *((over256, few, few + 1), (few, over256, few + 1), (few, few + 1, over256)),
            # whole blocks, to the last element
            *((64, few, few + 1), (few, 64, few + 1), (few, few + 1, 64)),
            *((256, few, few + 1), (few, 256, few + 1), (few, few + 1, 256)),
            *((over256, 2, over256), (over256, over256, 2), (2, over256, over256)),
            *((over1024, 3, 1), (1, over1024, 2), (2, 1, over1024)),
            (over64, over64, few),
            (over32, over32, over32),  # blocks in all directions at once
        ],
    }
    both = [(over64, few), (few, over64), (over256, few), (few, over256), (over256, over256)]
    both += [(64, few), (few, 64), (256, few), (few, 256), (over1024, 3), (2, over1024), (over64, over64)]
    sizes: list[Shape] = makers[op]() if op in makers else list(both)
    frames = _framed(op, sizes, rng, targets, reductions)
    if "reduction" not in get_op(op).options or "ids" not in targets:
        return frames
    limits = [Frame(op, (few, classes), rng.choice(reductions), "ids") for classes in (128, 256)]
    return tuple(sorted(dict.fromkeys((*limits, *frames)), key=lambda f: f.elements))


def _framed(
    op: str, sizes: list[Shape], rng: random.Random, targets: tuple[str, ...], reductions: tuple[str, ...]
) -> tuple[Frame, ...]:
    sizes = sorted(set(sizes), key=lambda s: (_product(s) == 0 or not s, _product(s), len(s)))
    if "reduction" not in get_op(op).options:
        return tuple(Frame(op, s) for s in sizes)
    if not targets or not reductions:
        raise InputError("targets, reductions: expected at least one of each")
    combinations = [(reduction, form) for form in targets for reduction in reductions]
    rng.shuffle(combinations)
    return tuple(Frame(op, s, *combinations[i % len(combinations)]) for i, s in enumerate(sizes))


def _product(sizes: Shape) -> int:
    n = 1
    for size in sizes:
        n *= size
    return n
