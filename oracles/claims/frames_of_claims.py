"""Which frames a claim is tried on, of those that a layer takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from ..candidates.layer import Layer
from ..cases.frames import Frame, frame_pool, large_frames, probe_frames, rows_alone
from .judges import drawn_frame

TELLING = 4  # elements: not all of so many are masked, or 0


def not_empty(layer: Layer, seed: int) -> Sequence[Frame]:
    """Small frames, without those of no elements; a telling one first, for what only the first call does wrong."""
    found = [f for f in small(layer, seed) if not f.is_empty or f.make]
    return sorted(found, key=lambda f: f.elements < TELLING)


def small_and_large(layer: Layer, seed: int) -> Sequence[Frame]:
    """Empty frames, and all that are not tiny, up to the largest."""
    frames = small(layer, seed) + large(layer, seed)
    return [f for f in frames if f.is_empty or f.elements > 60]


def with_a_wide_one(layer: Layer, seed: int) -> Sequence[Frame]:
    """Small frames, and one of over 256 columns: masks may hide whole blocks of it."""
    return [*small(layer, seed), *[f for f in large(layer, seed) if f.sizes[-1] > 256][:1]]


def with_a_large_one(layer: Layer, seed: int) -> Sequence[Frame]:
    """Small frames, and one whose inputs are over 4096: what is large may be done in place, or in one workspace."""
    return [*not_empty(layer, seed), *[f for f in large(layer, seed) if prod(f.shapes[f.op.primals[0]]) > 4096][:1]]


def several_samples(layer: Layer, seed: int) -> Sequence[Frame]:
    """Frames with several samples, where a layer's memory and the order of elements can show."""
    return [f for f in not_empty(layer, seed) if f.make or (f.sizes and f.sizes[0] > 1 and f.elements >= 6)]


def wide_and_tall(layer: Layer, seed: int) -> Sequence[Frame]:
    """Frames with several samples, two of them long: a kernel may have another path for whole blocks."""
    tall, wide = ([f for f in large(layer, seed) if f.sizes[at] > 64][:1] for at in (0, -1))
    return [*several_samples(layer, seed), *tall, *wide]


def large(layer: Layer, seed: int) -> tuple[Frame, ...]:
    """The large frames of a run; none for an op whose own strategy says the sizes."""
    if layer.declaration.cases is not None:
        return ()
    pool = large_frames(layer.declaration, seed, targets=tuple(layer.targets), reductions=tuple(layer.reductions))
    return tuple(replace(f, fixed=layer.untaken) for f in pool)


def small(layer: Layer, seed: int) -> tuple[Frame, ...]:
    """The edges and the fresh shapes of a run; of rows alone where the layer does not take any rank."""
    op = layer.declaration
    if op.cases is not None:
        return (drawn_frame(layer),)
    pool = frame_pool(op, seed, targets=tuple(layer.targets), reductions=tuple(layer.reductions))
    return tuple(replace(f, fixed=layer.untaken) for f in pool if layer.any_rank or rows_alone(f))


def probes(layer: Layer) -> tuple[Frame, ...]:
    """Plain small frames that tell causes apart, each form of labels and reduction that the layer takes in turn."""
    if layer.declaration.cases is not None:
        return (drawn_frame(layer),)
    pool = probe_frames(layer.declaration, tuple(layer.targets), tuple(layer.reductions))
    return tuple(replace(f, fixed=layer.untaken) for f in pool)
