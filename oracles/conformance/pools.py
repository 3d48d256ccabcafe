"""Which frames a claim is tried on, of those that a layer takes."""

from __future__ import annotations

from collections.abc import Sequence

from ..ops import Op
from . import declared_cases
from .custom_judge import own_frame
from .frames import Frame, frame_pool, large_frames
from .layer import Layer


def not_empty(layer: Layer, seed: int) -> Sequence[Frame]:
    """Small frames, without those of no elements."""
    return [f for f in small(layer, seed) if 0 not in f.sizes]


def small_and_large(layer: Layer, seed: int) -> Sequence[Frame]:
    """Empty frames, and all that are not tiny, up to the largest."""
    frames = small(layer, seed) + large(layer, seed)
    return [f for f in frames if 0 in f.sizes or f.elements > 60]


def with_a_wide_one(layer: Layer, seed: int) -> Sequence[Frame]:
    """Small frames, and one of over 256 columns: masks may hide whole blocks of it."""
    return [*small(layer, seed), *[f for f in large(layer, seed) if f.sizes[-1] > 256][:1]]


def with_a_large_one(layer: Layer, seed: int) -> Sequence[Frame]:
    """Small frames, and one of over 4096 elements: what is large may be done in place, or in one workspace."""
    return [*not_empty(layer, seed), *[f for f in large(layer, seed) if f.sizes[0] * f.sizes[1] > 4096][:1]]


def several_samples(layer: Layer, seed: int) -> Sequence[Frame]:
    """Frames with several samples, where a layer's memory and the order of elements can show."""
    if layer.custom is not None and not _sized(layer):
        return small(layer, seed)
    return [f for f in not_empty(layer, seed) if f.sizes and f.sizes[0] > 1 and f.elements >= 6]


def wide_and_tall(layer: Layer, seed: int) -> Sequence[Frame]:
    """Frames with several samples, two of them long: a kernel may have another path for whole blocks."""
    tall, wide = ([f for f in large(layer, seed) if f.sizes[at] > 64][:1] for at in (0, -1))
    return [*several_samples(layer, seed), *tall, *wide]


def large(layer: Layer, seed: int) -> tuple[Frame, ...]:
    """The large frames of a run; none for an op whose own strategy says the sizes."""
    if layer.custom is not None:
        op = _sized(layer)
        return declared_cases.large_frames(op, tuple(layer.reductions), seed) if op else ()
    return large_frames(layer.op, seed, targets=tuple(layer.targets), reductions=tuple(layer.reductions))


def small(layer: Layer, seed: int) -> tuple[Frame, ...]:
    """The edges and the fresh shapes of a run; ReLU and softmax of rows alone, unless the layer takes any rank."""
    if layer.custom is not None:
        op = _sized(layer)
        if op:
            return declared_cases.small_frames(op, tuple(layer.reductions), seed)
        return (own_frame(layer, layer.custom),)  # its cases say the sizes
    pool = frame_pool(layer.op, seed, targets=tuple(layer.targets), reductions=tuple(layer.reductions))
    return tuple(f for f in pool if layer.any_rank or layer.op not in ("relu", "softmax") or len(f.sizes) == 2)


def own_frames(layer: Layer) -> Sequence[Frame]:
    """Plain frames of an op that has no reference: three of unequal sizes, or the one that its strategy fills."""
    return [f for f in small(layer, 0) if 0 not in f.sizes and (f.elements > 4 or not f.sizes)][:3]


def _sized(layer: Layer) -> Op | None:
    """The declaration of an op that is no more than declared, where its sizes follow from that."""
    op = layer.custom
    return op.declared if op is not None and op.cases is None else None
