"""Bounds of dense: sums of products, whatever their order. The gauge is |A||B|, as in BLAS's own tests."""

from __future__ import annotations

import numpy as np

from oracles.data.case import Case

from .arithmetic import Arithmetic, Floats, floats, unclaimed_from


def bound(case: Case, a: Arithmetic) -> dict[str, Floats]:
    """gamma_{K+1} (|X||W| + |b|), gamma_M |G||W|^T, gamma_N |X|^T|G|, gamma_N sum|G|, and the roundings of storing."""
    x, w, b, g = (floats(case, name) for name in (*case.primals, "cotangent"))
    ones, products = np.ones((1, len(x))), a.products or a
    return {
        "output": _sums(products, x, w, b),
        "dinputs": _sums(products, g, w.T),
        "dweights": _sums(products, x.T, g),
        "dbiases": _sums(a, ones, g),  # a sum, and no product
    }


def _sums(a: Arithmetic, left: Floats, right: Floats, added: Floats | None = None) -> Floats:
    """The bound of left @ right (+ added)."""
    terms = left.shape[1] + (added is not None)
    finite = [_finite(m) for m in (left, right, np.zeros(1) if added is None else added)]
    products = np.abs(finite[0]) @ np.abs(finite[1])
    gauge = products + np.abs(finite[2])
    product = finite[0] @ finite[1]
    flushed = _flushed(a, *finite) + terms * a.tiny
    bound = a.gamma(terms) * gauge + flushed
    if a.operand:  # both operands of each product: (1 + d_1)(1 + d_2)
        bound = bound + (2 * a.operand + a.operand**2) * (1 + a.gamma(terms)) * products
    if a.half and added is not None:  # documented steps: the product, then the sum with the biases
        bound = a.stored(np.abs(product), bound)
    # float64 sums the product no better than the bound of float64 itself
    size = np.minimum(np.abs(product + finite[2]) + 2.0**-53 * (terms + 1) * gauge, gauge)
    claimed = unclaimed_from(a.stored(size, bound), gauge, a.wide_largest)
    return np.where(_infinity_times_nothing(a, left, right), np.inf, claimed)


def _flushed(a: Arithmetic, left: Floats, right: Floats, added: Floats) -> Floats:
    """What is lost when subnormal operands are read as zero."""
    if not any((np.abs(m) < a.tiny).any() and ((np.abs(m) < a.tiny) & (m != 0)).any() for m in (left, right, added)):
        return np.zeros(1)
    small = [np.where(np.abs(m) < a.tiny, np.abs(m), 0.0) for m in (left, right, added)]
    return np.asarray(small[0] @ np.abs(right) + np.abs(left) @ small[1] + small[2])


def _infinity_times_nothing(a: Arithmetic, left: Floats, right: Floats) -> Floats:
    """Where an infinity meets a subnormal: their product is infinite, or NaN where that is read as zero."""
    infinite = [np.isinf(m) for m in (left, right)]
    if not any(m.any() for m in infinite):
        return np.zeros(1, bool)
    small = [(np.abs(m) < a.tiny) & (m != 0) for m in (left, right)]
    return np.asarray((infinite[0] @ small[1]) | (small[0] @ infinite[1]))


def _finite(m: Floats) -> Floats:
    there = np.isfinite(m)
    return m if there.all() else np.where(there, m, 0.0)
