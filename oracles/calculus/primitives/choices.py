"""Rows of comparisons, and of choices by them: what the errors leave undecided may be either."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph import Array
from ..model import Arithmetic
from ..trace import Traced, broadcast, lifted, node
from .arithmetic import each_ball, plus
from .row import Gradients, Pair, Primitive, Tangent, largest, no_jvp, no_vjp, some


def where(condition: Traced, a: Any, b: Any) -> Traced:
    """The elements of a where the condition holds, of b elsewhere."""
    x, y = (broadcast(lifted(condition.graph, value), condition.shape) for value in (a, b))
    return node("where", (condition, x, y), {}, condition.shape, x.kind if x.kind == y.kind else "real")


def _undecided(m: Arithmetic, y: Array, a: Pair, b: Pair) -> Array | None:
    """Where the errors of what is compared reach across."""
    if not some(a, b):
        return None
    reach = a.off + b.off
    return np.asarray((np.abs(a.value - b.value) <= reach) & (reach > 0))


def _either_undecided(m: Arithmetic, y: Array, a: Pair, b: Pair) -> Array | None:
    return largest(a.error, b.error)  # more than need be: one of them may decide alone


def _where_error(m: Arithmetic, y: Array, c: Pair, a: Pair, b: Pair) -> Array | None:
    """That of the branch; the hull of both where nobody knows which it is."""
    chosen = None if not some(a, b) else np.where(c.value, a.off, b.off)
    if c.error is None or not c.error.any():
        return chosen
    both = np.maximum(np.abs(y - a.value) + a.off, np.abs(y - b.value) + b.off)
    both = np.where(np.isnan(both), np.inf, both)
    return np.where(c.error, both, 0.0 if chosen is None else chosen)


def _where_jvp(t: Gradients, y: Traced, c: Traced, a: Traced, b: Traced) -> Tangent:
    _, of_a, of_b = (0.0 if tangent is None else tangent for tangent in t)
    return None if t[1] is None and t[2] is None else where(c, of_a, of_b)


def _greater_share(a: Traced, b: Traced) -> Traced:
    """What of the cotangent the larger of two gets: half of it where they are equal, as in both frameworks."""
    return where(a < b, 0.0, where(a == b, 0.5, 1.0))


def _max_vjp(g: Traced, y: Traced, a: Traced, b: Traced) -> Gradients:
    return g * _greater_share(a, b), g * _greater_share(b, a)


def _max_jvp(t: Gradients, y: Traced, a: Traced, b: Traced) -> Tangent:
    parts = [None if x is None else x * share for x, share in zip(t, _max_vjp(y * 0 + 1, y, a, b), strict=True)]
    return plus(*parts)


# balls: what is undecided is None, and a choice by it the union


def _compared(decide: Callable[[Any, Any], Any]) -> Callable[..., Array]:
    return lambda a, b: np.asarray(np.frompyfunc(decide, 2, 1)(a, b), object)


def _is_nan(a: Any) -> bool:
    return bool(a.is_nan()) if hasattr(a, "is_nan") else a != a


def _decided(yes: bool, no: bool, a: Any, b: Any) -> Any:
    """What a comparison says; of NaN nothing holds, and what is not certain either way is None."""
    return True if yes else False if no or _is_nan(a) or _is_nan(b) else None


def _less(a: Any, b: Any) -> Any:
    return _decided(bool(a < b), bool(a >= b), a, b)


def _less_equal(a: Any, b: Any) -> Any:
    return _decided(bool(a <= b), bool(a > b), a, b)


def _equal(a: Any, b: Any) -> Any:
    return _decided(bool(a == b), bool(a != b), a, b)


def _and(a: Any, b: Any) -> Any:
    return False if a is False or b is False else None if a is None or b is None else True


def either(a: Any, b: Any) -> Any:
    """Or, of what may be undecided."""
    return True if a or b else None if a is None or b is None else False


def _choose(c: Any, a: Any, b: Any) -> Any:
    return a.union(b) if c is None else a if c else b


CHOICES: dict[str, Primitive] = {
    "maximum": Primitive(
        np.maximum,
        lambda m, y, a, b: largest(a.error, b.error),
        _max_vjp,
        _max_jvp,
        each_ball(lambda a, b: a.max(b), 2),
        "where both are equal: half to each",
        rounds=False,
    ),
    "less": Primitive(np.less, _undecided, no_vjp, no_jvp, _compared(_less), rounds=False),
    "less_equal": Primitive(np.less_equal, _undecided, no_vjp, no_jvp, _compared(_less_equal), rounds=False),
    "equal": Primitive(np.equal, _undecided, no_vjp, no_jvp, _compared(_equal), rounds=False),
    "and": Primitive(np.logical_and, _either_undecided, no_vjp, no_jvp, _compared(_and), rounds=False),
    "or": Primitive(
        np.logical_or,
        _either_undecided,
        no_vjp,
        no_jvp,
        _compared(either),
        rounds=False,
    ),
    "not": Primitive(
        np.logical_not,
        lambda m, y, x: x.error,
        no_vjp,
        no_jvp,
        each_ball(lambda x: None if x is None else not x, 1),
        rounds=False,
    ),
    "where": Primitive(
        np.where,
        _where_error,
        lambda g, y, c, a, b: (None, where(c, g, 0.0), where(c, 0.0, g)),
        _where_jvp,
        each_ball(_choose, 3),
        rounds=False,
    ),
}
