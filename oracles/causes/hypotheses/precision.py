"""Results of too low a precision: rounded to another type, of operands that were, or computed in one somewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from typing import Any

import ml_dtypes
import numpy as np

from ...calculus.model import ARITHMETIC, Floats
from ...data.arrays import as_dtype
from ...data.wide import floats
from ...ops import Op
from ...ops.tracing import only_chooses
from ...sources.derived import bounds, evaluate
from ..evidence import Evidence, quietly
from .values import Value, truth


def rounded_results() -> Iterator[Value]:
    """Numbers that another type holds, nearest or next to the truth."""
    for name in LOWER:
        yield Value(f"rounded to {name}", partial(_rounded, name=name))
    yield Value("truncated to integers", _truncated)
    yield Value("of the labels' dtype, which rounds it", _as_labels)


def _rounded(e: Evidence, r: str, name: str) -> Floats | None:
    if e.unit_roundoff >= ROUNDOFF[name]:
        return None
    a, t, to = e.computed(r), truth(e, r), LOWER[name]
    near = (np.abs(a - t) <= 2 * ROUNDOFF[name] * np.abs(t) + TINY[name]) | np.isinf(to(t))
    return np.where(near, to(a), t)


def _truncated(e: Evidence, r: str) -> Floats:
    a, t = e.computed(r), truth(e, r)
    return np.where(np.abs(a - t) < 1, np.trunc(a), t)


def _as_labels(e: Evidence, r: str) -> Floats | None:
    targets = e.case.primals.get("targets")
    if targets is None or r == "output":
        return None
    a, t, dtype = e.computed(r), truth(e, r), targets.dtype
    if targets.ndim == 1:
        return t
    if dtype.kind == "b":
        lost = (np.abs(t) <= e.bound(r)) & (a == 0)
        return np.where(lost, a, t != 0)
    if dtype.kind in "iu":
        # what becomes of a number outside an integer's range is up to the processor
        inside = (np.abs(t) < np.iinfo(dtype).max) & ((dtype.kind == "i") | (t > -1))
        return np.where((a == np.trunc(a)) & ((np.abs(a - t) < 1) | ~inside), a, np.trunc(t))
    if e.unit_roundoff >= ROUNDOFF.get(dtype.name, 0.0):
        return t
    to = LOWER[dtype.name]
    near = (np.abs(a - t) <= 4 * ROUNDOFF[dtype.name] * np.abs(t) + TINY[dtype.name]) | (np.isinf(to(t)) & np.isinf(a))
    return np.where(near, to(a), t)


def rounded_operands() -> Iterator[Value]:
    """The right result of primals and a cotangent that were rounded first."""
    for name in LOWER:
        for what in ("operands", "primals", "cotangent"):
            yield Value(f"its {what} are rounded to {name}", partial(_of_rounded, name=name, what=what), slack=8)


def _of_rounded(e: Evidence, r: str, name: str, what: str) -> Floats | None:
    if e.unit_roundoff >= ROUNDOFF[name] or only_chooses(e.case.signature):
        return None
    primals = () if what == "cotangent" else e.case.signature.differentiable
    names = (*primals, *(() if what == "primals" else e.case.cotangents))
    return e.instead(**{n: LOWER[name](floats(e.case, n)) for n in names}).get(r)


def computed_lower(wrong: Sequence[Evidence], r: str) -> Iterator[Value]:
    """No more accurate than another dtype: errors within its bounds, at most elements, and large enough for it."""
    for name in ("float32", "float16", "bfloat16"):
        shares = [(e, _lower_bound(e, r, name)) for e in wrong if r in e.actual]
        ratios = [_ratio(e, r, allowed) for e, allowed in shares if allowed is not None]
        if ratios and np.median([e.wrong(r).mean() for e in wrong]) >= 0.5 and np.median(ratios) >= 1 / 64:
            yield Value(f"no more accurate than {name}, as if it were computed in it", partial(_computed, name=name))


def evaluated_outside(wrong: Sequence[Evidence], r: str) -> Iterator[Value]:
    """By a form that is not sensible: within its bounds, not within the op's."""
    for name, form in wrong[0].case.signature.outside.items():
        yield Value(f"{name}: within its bounds, and not within the op's", partial(_outside, form=form))


def _outside(e: Evidence, r: str, form: Callable[..., Any]) -> Floats | None:
    """What was computed where the form may give that; what the form gives elsewhere, or the truth where it may not."""
    case = e.case.of(_defined_by(e.case.signature, form))
    value, allowed, a = quietly(evaluate, case, {})[r], quietly(bounds, case)[r], e.computed(r)
    fits = quietly(lambda: np.abs(a - value) <= allowed) | np.isinf(allowed)
    return np.where(fits & (allowed > e.bound(r)), a, truth(e, r))


@lru_cache(maxsize=64)
def _defined_by(op: Op, form: Callable[..., Any]) -> Op:
    return op.by(form)


def _computed(e: Evidence, r: str, name: str) -> Floats | None:
    allowed, t = _lower_bound(e, r, name), truth(e, r)
    return None if allowed is None else np.where(np.abs(e.computed(r) - t) <= allowed, e.computed(r), t)


def _ratio(e: Evidence, r: str, allowed: Floats) -> float:
    share = quietly(lambda: np.abs(e.computed(r) - truth(e, r)) / allowed)
    return float(np.max(share[np.isfinite(share)], initial=0.0))


def _lower_bound(e: Evidence, r: str, name: str) -> Floats | None:
    """How far from the truth the right result in that dtype may be, of operands that are rounded to it."""
    case, dtype = e.case, as_dtype(name)
    if e.unit_roundoff >= ARITHMETIC[name].v or only_chooses(case.signature) or case.signature.definition is None:
        return None
    rounded = {n: quietly(LOWER[name], floats(case, n)) for n in (*case.signature.differentiable, *case.cotangents)}
    allowed = bounds(case.with_arrays({n: a.astype(dtype) for n, a in rounded.items()}))[r]
    return quietly(lambda: allowed + np.abs(e.instead(**rounded)[r] - truth(e, r)))


def _tf32(a: Floats) -> Floats:
    """Ten bits of fraction, the range of float32."""
    bits = a.astype(np.float32).view(np.uint32)
    even = (bits >> np.uint32(13)) & np.uint32(1)
    return ((bits + np.uint32(0x0FFF) + even) & np.uint32(0xFFFFE000)).view(np.float32).astype(np.float64)


def _through(dtype: Any) -> Callable[[Floats], Floats]:
    return lambda a: quietly(lambda: np.asarray(a).astype(dtype).astype(np.float64))


LOWER: dict[str, Callable[[Floats], Floats]] = {
    "float32": _through(np.float32),
    "float16": _through(np.float16),
    "TF32 (10 bits)": lambda a: quietly(_tf32, np.asarray(a)),
    "bfloat16": _through(ml_dtypes.bfloat16),
}
ROUNDOFF = {"float32": 2.0**-24, "float16": 2.0**-11, "TF32 (10 bits)": 2.0**-11, "bfloat16": 2.0**-8}
TINY = {"float32": 2.0**-149, "float16": 2.0**-24, "TF32 (10 bits)": 2.0**-149, "bfloat16": 2.0**-133}
