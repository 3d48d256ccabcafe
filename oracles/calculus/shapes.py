"""The shapes that come out of steps, and what is said of those that do not fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .graph import Shape

Slices = tuple[tuple[int, int, int], ...]  # start, stop and step of each axis


class TraceError(TypeError):
    """What a definition did that no graph can hold; the message says what, and what to write instead."""


def broadcast_shapes(what: str, *shapes: Shape) -> Shape:
    """The shape that all of them broadcast to."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise TraceError(f"{what}: shapes {' and '.join(map(str, shapes))} do not broadcast") from None


def reshaped(shape: Shape, wanted: Sequence[int]) -> Shape:
    """The shape that a reshape asks for; one length may be -1."""
    size, lengths = math.prod(shape), [int(n) for n in wanted]
    if lengths.count(-1) == 1:
        rest = math.prod(n for n in lengths if n != -1)
        lengths[lengths.index(-1)] = size // rest if rest else 0
    if math.prod(lengths) != size or min(lengths, default=0) < 0:
        raise TraceError(f"reshape: {size} elements of shape {shape} do not fit {tuple(wanted)}")
    return tuple(lengths)


def ordered(ndim: int, axes: Sequence[int]) -> tuple[int, ...]:
    """An order of all axes."""
    order = tuple(a % ndim if -ndim <= a < ndim else a for a in axes)
    if sorted(order) != list(range(ndim)):
        raise TraceError(f"permute_dims: expected an order of {ndim} axes, got {tuple(axes)}")
    return order


def axes_of(what: str, ndim: int, axis: int | Sequence[int] | None) -> tuple[int, ...]:
    """The axes that are meant, counted from 0 and in order; None is all of them."""
    given = range(ndim) if axis is None else [axis] if isinstance(axis, int) else axis
    if not all(-ndim <= a < ndim for a in given):
        raise TraceError(f"{what}: axis {axis} is outside {ndim} axes")
    return tuple(sorted({a % ndim for a in given}))


def without(shape: Shape, axes: Sequence[int]) -> Shape:
    """The shape with some axes gone."""
    return tuple(n for i, n in enumerate(shape) if i not in axes)


def sliced(shape: Shape, key: Any) -> tuple[Slices, Shape]:
    """What integers, slices, None and an ellipsis take of an array, and the shape that it then has."""
    keys = list(key) if isinstance(key, tuple) else [key]
    for k in keys:
        if not (k is None or k is Ellipsis or isinstance(k, (int, np.integer, slice))) or isinstance(k, bool):
            raise TraceError("an array as an index: write xp.take, xp.take_along_axis or xp.where")
    given = sum(k is not None and k is not Ellipsis for k in keys)
    if given > len(shape) or sum(k is Ellipsis for k in keys) > 1:
        raise TraceError(f"index {key}: too many for shape {shape}")
    at = next((i for i, k in enumerate(keys) if k is Ellipsis), len(keys))
    keys[at : at + 1] = [slice(None)] * (len(shape) - given)
    slices: list[tuple[int, int, int]] = []
    out: list[int] = []
    for k in keys:
        if k is None:
            out.append(1)
            continue
        length = shape[len(slices)]
        if isinstance(k, slice):
            slices.append(k.indices(length))
            out.append(len(range(*slices[-1])))
        elif not -length <= k < length:
            raise TraceError(f"index {k} is outside axis {len(slices)} of length {length}")
        else:
            slices.append((int(k) % length, int(k) % length + 1, 1))
    return tuple(slices), tuple(out)


def matrix_shapes(a: Shape, b: Shape) -> Shape:
    """The leading axes of a product of stacks of matrices."""
    if a[-1] != b[-2]:
        raise TraceError(f"matmul: shapes {a} and {b} do not fit")
    return broadcast_shapes("matmul", a[:-2], b[:-2])
