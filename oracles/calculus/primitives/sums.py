"""Rows of what sums elements, or takes the largest: reductions, products of matrices, sums at indices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from flint import arb, arb_mat

from ..graph import Array
from ..model import Arithmetic, Floats
from ..trace import Traced, node
from .arithmetic import plus
from .choices import either
from .movement import kept, total
from .row import Axes, Gradients, Pair, Primitive, Tangent, again, no_jvp, no_vjp


def _sum_error(m: Arithmetic, y: Array, x: Pair, axes: Axes) -> Floats:
    """gamma of the additions, in any order, of what is not 0; nothing where a partial sum may leave the range."""
    size = x.size
    gauge = np.asarray(size.sum(axes))
    carried = np.zeros(()) if x.error is None else x.error.sum(axes)
    return carried + _additions(m, np.count_nonzero(size, axes), gauge)


def _additions(m: Arithmetic, terms: Any, gauge: Floats) -> Floats:
    """The error of adding up so many terms whose magnitudes add up to the gauge; partial sums may be flushed."""
    additions = np.maximum(terms - 1, 0)
    error = m.gamma(additions) * gauge + np.minimum(additions * m.tiny, gauge)
    return np.where(gauge >= m.wide_largest / 2, np.inf, error)


def _ball_sum(x: Array, axes: Axes) -> Array:
    return np.asarray(np.add.reduce(x, axes, initial=arb(0)), object)


def _matmul_error(m: Arithmetic, y: Array, a: Pair, b: Pair, further: int = 0) -> Floats:
    """gamma_K |A||B|, in any order and however blocked; of operands that are rounded first where that is promised.

    further: how many terms are added up with the products.
    """
    of = m.products or m
    left, right = a.size, b.size
    gauge, terms = np.asarray(left @ right), a.value.shape[-1] + further
    error = of.gamma(terms) * gauge + np.minimum(terms * of.tiny, gauge)
    if (gauge == 0).any():  # products of what is not 0 may have vanished in float64
        error = error + np.where(gauge == 0, 2.0**-1074 * np.sign((left != 0).astype(float) @ (right != 0)), 0.0)
    if a.error is not None:
        error = error + a.error @ right
    if b.error is not None:
        error = error + np.abs(a.value) @ b.error
    if of.operand:
        error = error + (2 * of.operand + of.operand**2) * (1 + of.gamma(terms)) * gauge
    return np.where(gauge >= of.wide_largest / 2, np.inf, error)


def _matmul_vjp(g: Traced, y: Traced, a: Traced, b: Traced, further: int = 0) -> Gradients:
    return _product(g, b.mT), _product(a.mT, g)


def _matmul_jvp(t: Gradients, y: Traced, a: Traced, b: Traced, further: int = 0) -> Tangent:
    return plus(None if t[0] is None else _product(t[0], b), None if t[1] is None else _product(a, t[1]))


def _product(a: Traced, b: Traced) -> Traced:
    return node("matmul", (a, b), {}, (*a.shape[:-1], b.shape[-1]))


def _ball_matmul(a: Array, b: Array, further: int = 0) -> Array:
    """By python-flint's own product, a matrix of the stack at a time."""
    shape = (*a.shape[:-1], b.shape[-1])
    if not math.prod(shape) or not a.shape[-1]:
        return np.full(shape, arb(0), object)
    lefts, rights = a.reshape(-1, *a.shape[-2:]), b.reshape(-1, *b.shape[-2:])
    out = np.empty((len(lefts), *shape[-2:]), object)
    for i, (x, y) in enumerate(zip(lefts, rights, strict=True)):
        product = _matrix(x) * _matrix(y)
        out[i] = np.array(product.entries(), object).reshape(shape[-2:])
    return out.reshape(shape)


def _matrix(a: Array) -> Any:
    rows, columns = a.shape
    return arb_mat(rows, columns, a.ravel().tolist())


def _cumsum_error(m: Arithmetic, y: Array, x: Pair, axis: int) -> Floats:
    size = x.size
    gauge = np.cumsum(size, axis)
    carried = np.zeros(()) if x.error is None else np.cumsum(x.error, axis)
    return carried + _additions(m, np.cumsum(size != 0, axis), gauge)


def _reversed_cumsum(g: Traced, axis: int) -> Traced:
    back = (*[slice(None)] * axis, slice(None, None, -1))
    return node("cumsum", (g[back],), {"axis": axis}, g.shape)[back]


# ---- what is taken at indices, and added there


def _put(g: Array, at: Array, axis: int, size: int) -> Array:
    """Elements added up at the indices of an axis of that length; of balls as well."""
    shape = (*g.shape[:axis], size, *g.shape[axis + at.ndim :])
    zero: Any = arb(0) if g.dtype == object else 0
    out = np.full(shape, zero, g.dtype)
    rows = g.reshape(*g.shape[:axis], -1, *g.shape[axis + at.ndim :])
    where: Any = (*[slice(None)] * axis, at.ravel())
    np.add.at(out, where, rows)
    return out


def _put_error(m: Arithmetic, y: Array, g: Pair, at: Pair, axis: int, size: int) -> Floats:
    """gamma of as many additions as meet at an index."""
    meeting = _put((g.size != 0).astype(np.float64), at.value, axis, size)
    gauge = _put(np.broadcast_to(g.size, g.value.shape), at.value, axis, size)
    carried = np.zeros(()) if g.error is None else _put(g.error, at.value, axis, size)
    return carried + _additions(m, meeting, gauge)


def _put_vjp(g: Traced, y: Traced, x: Traced, at: Traced, axis: int, size: int) -> Gradients:
    return node("take", (g, at), {"axis": axis}, x.shape), None


# ---- maxima


def _amax_error(m: Arithmetic, y: Array, x: Pair, axes: Axes) -> Array | None:
    return None if x.error is None else np.broadcast_to(x.error, x.value.shape).max(axes, initial=0.0)


def _at_max(x: Array, axes: Axes) -> Floats:
    """1 over how many share it, where the maximum is; 0 elsewhere."""
    there = x == x.max(axes, keepdims=True, initial=-np.inf)
    return np.asarray(there / np.maximum(np.count_nonzero(there, axes, keepdims=True), 1))


def _at_max_error(m: Arithmetic, y: Array, x: Pair, axes: Axes) -> Array | None:
    """1 for all that may be the maximum, where that is not one alone."""
    if x.error is None:
        return None
    least = (x.value - x.error).max(axes, keepdims=True, initial=-np.inf)
    candidates = x.value + x.error >= least
    unsure = candidates & (np.count_nonzero(candidates, axes, keepdims=True) > 1)
    tied_exactly = (np.where(candidates, x.error, 0.0) == 0).all(axes, keepdims=True)
    return np.where(unsure & ~tied_exactly, 1.0, 0.0)


def _amax_jvp(t: Gradients, y: Traced, x: Traced, axes: Axes) -> Tangent:
    return None if t[0] is None else total(t[0] * node("at_max", (x,), {"axes": axes}, x.shape), axes)


def _ball_amax(x: Array, axes: Axes) -> Array:
    return np.asarray(np.frompyfunc(lambda a, b: a.max(b), 2, 1).reduce(x, axes, initial=arb.neg_inf()), object)


def _ball_at_max(x: Array, axes: Axes) -> Array:
    top = np.expand_dims(_ball_amax(x, axes), axes)
    there = np.frompyfunc(lambda a, b: bool(a.overlaps(b)), 2, 1)(x, top).astype(bool)
    many = np.count_nonzero(there, axes, keepdims=True)
    sure = np.frompyfunc(lambda a, b: bool(a == b), 2, 1)(x, top).astype(bool)
    certain = (sure | ~there).all(axes, keepdims=True) | (many == 1)
    unknown = arb(0.5, 0.5)
    shares = np.frompyfunc(lambda t, n, c: (arb(1) / int(n) if c else unknown) if t else arb(0), 3, 1)
    return np.asarray(shares(there, many, certain), object)


SUMS: dict[str, Primitive] = {
    "put_add": Primitive(_put, _put_error, _put_vjp, again("put_add"), _put),
    "sum": Primitive(
        lambda x, axes: np.asarray(x.sum(axes)),
        _sum_error,
        lambda g, y, x, axes: (kept(g, x.shape, axes),),
        again("sum"),
        _ball_sum,
    ),
    # one of so many terms of a product's sum, to which the others are added one by one
    "among": Primitive(
        lambda x, terms: x,
        lambda m, y, x, terms: np.asarray(x.off + (m.products or m).gamma(terms - 1) * x.size),
        lambda g, y, x, terms: (g,),
        lambda t, y, x, terms: t[0],
        lambda x, terms: x,
    ),
    # a sum of products of which the first factors may have been flushed
    "flushed": Primitive(
        lambda x, weight, most: x,
        lambda m, y, x, weight, most: np.asarray(x.off + np.minimum(m.tiny * weight.size, most.size)),
        lambda g, y, x, weight, most: (g, None, None),
        lambda t, y, x, weight, most: t[0],
        lambda x, weight, most: x,
    ),
    "cumsum": Primitive(
        np.cumsum,
        _cumsum_error,
        lambda g, y, x, axis: (_reversed_cumsum(g, axis),),
        again("cumsum"),
        np.cumsum,
    ),
    "matmul": Primitive(lambda a, b, further=0: a @ b, _matmul_error, _matmul_vjp, _matmul_jvp, _ball_matmul),
    "amax": Primitive(
        lambda x, axes: np.asarray(x.max(axes, initial=-np.inf)),
        _amax_error,
        lambda g, y, x, axes: (kept(g, x.shape, axes) * node("at_max", (x,), {"axes": axes}, x.shape),),
        _amax_jvp,
        _ball_amax,
        "where several are largest: an equal share to each",
        rounds=False,
    ),
    "at_max": Primitive(
        _at_max, _at_max_error, no_vjp, no_jvp, _ball_at_max, "where several are largest", rounds=False
    ),
    "any": Primitive(
        lambda x, axes: np.asarray(x.any(axes)),
        lambda m, y, x, axes: None if x.error is None else np.asarray(x.error.any(axes)),
        no_vjp,
        no_jvp,
        lambda x, axes: np.asarray(np.frompyfunc(either, 2, 1).reduce(x, axes, initial=False), object),
        rounds=False,
    ),
}
