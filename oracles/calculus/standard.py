"""The standard's functions of whole arrays, made of the primitives: reductions, shapes, indices.

Names of Python's own have an underscore here; `namespace` gives them the standard's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .primitives.choices import where
from .primitives.movement import part, total
from .shapes import TraceError, axes_of, without
from .trace import DTYPES, Traced, graph_of, lifted, matmul, node, reshape, transpose

Axis = int | Sequence[int] | None


def sum_(x: Traced, /, *, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Traced:
    """The sum over some axes, all by default."""
    return _kept(total(_real(x), axes_of("sum", x.ndim, axis)), x, axis, keepdims)


def mean(x: Traced, /, *, axis: Axis = None, keepdims: bool = False) -> Traced:
    """The sum over how many there are; of none NaN."""
    count = math.prod(x.shape[i] for i in axes_of("mean", x.ndim, axis))
    return sum_(x, axis=axis, keepdims=keepdims) / (count or math.nan)


def var(x: Traced, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Traced:
    """The mean of the squared distances from the mean."""
    centred = x - mean(x, axis=axis, keepdims=True)
    count = math.prod(x.shape[i] for i in axes_of("var", x.ndim, axis))
    return sum_(centred * centred, axis=axis, keepdims=keepdims) / (count - correction)


def max_(x: Traced, /, *, axis: Axis = None, keepdims: bool = False) -> Traced:
    """The largest along some axes; of none -inf."""
    axes = axes_of("max", x.ndim, axis)
    return _kept(node("amax", (x,), {"axes": axes}, without(x.shape, axes)) if axes else x, x, axis, keepdims)


def min_(x: Traced, /, *, axis: Axis = None, keepdims: bool = False) -> Traced:
    """The smallest along some axes; of none inf."""
    return -max_(-x, axis=axis, keepdims=keepdims)


def any_(x: Traced, /, *, axis: Axis = None, keepdims: bool = False) -> Traced:
    """Whether one is true along some axes."""
    axes = axes_of("any", x.ndim, axis)
    found = node("any", (x,), {"axes": axes}, without(x.shape, axes), "boolean") if axes else x
    return _kept(found, x, axis, keepdims)


def all_(x: Traced, /, *, axis: Axis = None, keepdims: bool = False) -> Traced:
    """Whether all are true along some axes."""
    return ~any_(~x, axis=axis, keepdims=keepdims)


def cumulative_sum(x: Traced, /, *, axis: int | None = None) -> Traced:
    """The sums of the first elements of an axis, each with one more."""
    (along,) = axes_of("cumulative_sum", x.ndim, x.ndim - 1 if axis is None else axis)
    return node("cumsum", (x,), {"axis": along}, x.shape, x.kind)


def vecdot(a: Any, b: Any, /, *, axis: int = -1) -> Traced:
    """The sum of the products along an axis."""
    return sum_(a * b, axis=axis)


def tensordot(a: Traced, b: Traced, /, *, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Traced:
    """The sum of the products over some axes of either."""
    left, right = (range(a.ndim - axes, a.ndim), range(axes)) if isinstance(axes, int) else axes
    over = [[i % x.ndim for i in those] for x, those in ((a, left), (b, right))]
    free = [[i for i in range(x.ndim) if i not in those] for x, those in ((a, over[0]), (b, over[1]))]
    inner = math.prod(a.shape[i] for i in over[0])
    x = reshape(transpose(a, free[0] + over[0]), (math.prod(a.shape[i] for i in free[0]), inner))
    y = reshape(transpose(b, over[1] + free[1]), (inner, math.prod(b.shape[i] for i in free[1])))
    return reshape(matmul(x, y), [a.shape[i] for i in free[0]] + [b.shape[i] for i in free[1]])


def expand_dims(x: Traced, /, *, axis: int) -> Traced:
    """With an axis of length 1 more."""
    at = axis % (x.ndim + 1)
    return reshape(x, (*x.shape[:at], 1, *x.shape[at:]))


def squeeze(x: Traced, /, axis: int | Sequence[int]) -> Traced:
    """Without some axes of length 1."""
    gone = axes_of("squeeze", x.ndim, axis)
    if not {x.shape[i] for i in gone} <= {1}:
        raise TraceError(f"squeeze: axes {axis} of shape {x.shape} are not of length 1")
    return reshape(x, without(x.shape, gone))


def concat(arrays: Sequence[Traced], /, *, axis: int = 0) -> Traced:
    """One behind the other, along an axis."""
    graph = graph_of(*arrays)
    parts = [lifted(graph, a) for a in arrays]
    (at,) = axes_of("concat", parts[0].ndim, axis)
    lengths = sum(p.shape[at] for p in parts)
    if len({p.shape[:at] + p.shape[at + 1 :] for p in parts}) > 1:
        raise TraceError(f"concat: shapes {', '.join(str(p.shape) for p in parts)} differ elsewhere than in axis {at}")
    shape = (*parts[0].shape[:at], lengths, *parts[0].shape[at + 1 :])
    return node("concat", parts, {"axis": at}, shape, parts[0].kind)


def stack(arrays: Sequence[Traced], /, *, axis: int = 0) -> Traced:
    """One beside the other, along a new axis."""
    return concat([expand_dims(a, axis=axis) for a in arrays], axis=axis)


def flip(x: Traced, /, *, axis: int | Sequence[int] | None = None) -> Traced:
    """Backwards along some axes, all by default."""
    axes = axes_of("flip", x.ndim, axis)
    return x[tuple(slice(None, None, -1 if i in axes else 1) for i in range(x.ndim))] if x.ndim else x


def take(x: Traced, indices: Any, /, *, axis: int) -> Traced:
    """The elements at some indices of an axis."""
    graph = graph_of(x, indices)
    at = lifted(graph, np.asarray(indices) if isinstance(indices, (list, tuple)) else indices)
    if at.kind != "integer":
        raise TraceError(f"take: expected integers as indices, got {at.kind} numbers")
    (along,) = axes_of("take", x.ndim, axis)
    shape = (*x.shape[:along], *at.shape, *x.shape[along + 1 :])
    return node("take", (lifted(graph, x), at), {"axis": along}, shape, x.kind)


def take_along_axis(x: Traced, indices: Traced, /, *, axis: int = -1) -> Traced:
    """The elements at indices of their own in each row: by comparison with all there are."""
    along = axis % x.ndim
    there = np.arange(x.shape[along]).reshape((-1,) + (1,) * (x.ndim - along - 1))
    return concat(
        [
            sum_(where(part(indices, along, i, i + 1) == there, x, 0.0), axis=along, keepdims=True)
            for i in range(indices.shape[along])
        ],
        axis=along,
    )


def astype(x: Traced, dtype: Any, /) -> Traced:
    """Booleans and integers as numbers; a real array is one already."""
    kind = np.dtype(dtype).kind
    if x.kind == "real" or DTYPES[x.kind].kind == kind:
        if kind != DTYPES[x.kind].kind:
            raise TraceError(f"astype: a real array cannot be made {np.dtype(dtype)}: its digits have no derivative")
        return x
    return where(x, 1.0, 0.0) if x.kind == "boolean" else x * 1.0


def _real(x: Traced) -> Traced:
    return astype(x, np.float64) if x.kind == "boolean" else x


def _kept(reduced: Traced, x: Traced, axis: Axis, keepdims: bool) -> Traced:
    axes = axes_of("a reduction", x.ndim, axis)
    return reshape(reduced, [1 if i in axes else n for i, n in enumerate(x.shape)]) if keepdims else reduced
