"""Rows of what moves elements about, or leaves them as they are: errors and balls are moved likewise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from flint import arb

from ..graph import Array, Shape
from ..model import Arithmetic
from ..shapes import without
from ..trace import Traced, broadcast, node, reshape, transpose
from .row import Axes, Gradients, Pair, Primitive, Tangent, again, no_jvp, no_vjp


def total(x: Traced, axes: Axes) -> Traced:
    """The sum over some axes, which go."""
    return node("sum", (x,), {"axes": axes}, without(x.shape, axes), x.kind) if axes else x


def kept(x: Traced, shape: Shape, axes: Axes) -> Traced:
    """What was reduced over some axes of a shape, repeated along them again."""
    return broadcast(reshape(x, tuple(1 if i in axes else n for i, n in enumerate(shape))), shape)


def part(x: Traced, axis: int, start: int, stop: int) -> Traced:
    """A range of an axis."""
    return x[(*[slice(None)] * axis, slice(start, stop))]


def _moved(
    value: Callable[..., Array], vjp: Callable[..., Gradients], jvp: Callable[..., Tangent], ball: Any = None
) -> Primitive:
    def error(m: Arithmetic, y: Array, x: Pair, *others: Pair, **params: Any) -> Array | None:
        return None if x.error is None else value(x.error, *(o.value for o in others), **params)

    return Primitive(value, error, vjp, jvp, ball or value, rounds=False)


def _broadcast_vjp(g: Traced, y: Traced, x: Traced, shape: Shape) -> Gradients:
    lead = len(shape) - x.ndim
    axes = tuple(range(lead)) + tuple(i + lead for i, n in enumerate(x.shape) if n == 1 and shape[i + lead] != 1)
    return (reshape(total(g, axes), x.shape),)


def _index(slices: Any) -> tuple[slice, ...]:
    # a step of -1 to the first element stops at -1, which Python would count from the end
    return tuple(slice(a, None if b < 0 else b, step) for a, b, step in slices)


def _unslice(x: Array, slices: Any, shape: Shape) -> Array:
    """Zeros, with the elements where a slice took them from."""
    zero: Any = arb(0) if x.dtype == object else 0
    out = np.full(shape, zero, x.dtype)
    out[_index(slices)] = x
    return out


def _stored_error(m: Arithmetic, y: Array, x: Pair) -> Array | None:
    return m.stored_error(y, x.off) if m.half else x.error


def _within_error(m: Arithmetic, y: Array, x: Pair, low: float, high: float) -> Pair:
    """No more than to the farther end, and some roundings of it."""
    if x.error is None or np.isinf(low):
        return Pair(y, x.error, high)
    farther = np.maximum(high - y, y - low) + m.gamma(64) * max(abs(low), abs(high))
    return Pair(y, np.fmin(x.error, farther), high)


def _concat_error(m: Arithmetic, y: Array, *parts: Pair, axis: int) -> Array | None:
    if all(p.exact for p in parts):
        return None
    return np.concatenate([np.broadcast_to(p.off, p.value.shape) for p in parts], axis)


def _concat_vjp(g: Traced, y: Traced, *parts: Traced, axis: int) -> Gradients:
    ends = np.cumsum([p.shape[axis] for p in parts]).tolist()
    return tuple(part(g, axis, end - p.shape[axis], end) for p, end in zip(parts, ends, strict=True))


def _concat_jvp(t: Gradients, y: Traced, *parts: Traced, axis: int) -> Tangent:
    filled = [p * 0 if tangent is None else tangent for p, tangent in zip(parts, t, strict=True)]
    return node("concat", filled, {"axis": axis}, y.shape)


def _take_vjp(g: Traced, y: Traced, x: Traced, at: Traced, axis: int) -> Gradients:
    return node("put_add", (g, at), {"axis": axis, "size": x.shape[axis]}, x.shape), None


MOVEMENT: dict[str, Primitive] = {
    "broadcast": _moved(lambda x, shape: np.broadcast_to(x, shape), _broadcast_vjp, again("broadcast")),
    "reshape": _moved(
        lambda x, shape: x.reshape(shape), lambda g, y, x, shape: (reshape(g, x.shape),), again("reshape")
    ),
    "transpose": _moved(
        lambda x, axes: x.transpose(axes),
        lambda g, y, x, axes: (transpose(g, [axes.index(i) for i in range(len(axes))]),),
        again("transpose"),
    ),
    "slice": _moved(
        lambda x, slices: x[_index(slices)],
        lambda g, y, x, slices: (node("unslice", (g,), {"slices": slices, "shape": x.shape}, x.shape),),
        again("slice"),
    ),
    "unslice": _moved(
        _unslice,
        lambda g, y, x, slices, shape: (node("slice", (g,), {"slices": slices}, x.shape),),
        again("unslice"),
    ),
    "concat": Primitive(
        lambda *parts, axis: np.concatenate(parts, axis),
        _concat_error,
        _concat_vjp,
        _concat_jvp,
        lambda *parts, axis: np.concatenate(parts, axis),
        rounds=False,
    ),
    "take": _moved(lambda x, at, axis: np.take(x, at, axis), _take_vjp, again("take")),
    # what is taken for a constant: the maximum that a softmax subtracts
    "stop": Primitive(lambda x: x, lambda m, y, x: x.error, no_vjp, no_jvp, lambda x: x, rounds=False),
    # an input as it is given, in what is compared: who reads a subnormal number as zero decides otherwise
    "as_given": Primitive(lambda x: x, lambda m, y, x: None, no_vjp, no_jvp, lambda x: x, rounds=False),
    # what every sensible evaluation has between two numbers, to some roundings
    "within": Primitive(
        lambda x, low, high: x,
        _within_error,
        lambda g, y, x, low, high: (g,),
        lambda t, y, x, low, high: t[0],
        lambda x, low, high: x,
        rounds=False,
    ),
    # a step that half precision rounds to the dtype
    "stored": Primitive(
        lambda x: x,
        _stored_error,
        lambda g, y, x: (node("stored", (g,), {}, g.shape),),
        again("stored"),
        lambda x: x,
        rounds=False,
    ),
}
