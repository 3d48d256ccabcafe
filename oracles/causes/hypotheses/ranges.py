"""Results that are changed by their size: clipped, small ones dropped, rounded to decimals, NaN replaced; penalties."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

import reference

from ...calculus.model import Floats
from ...data.wide import floats
from ..evidence import Evidence, quietly
from .values import Value, truth


def ranged(wrong: Sequence[Evidence], r: str) -> Iterator[Value]:
    """Values that hold everywhere in a result; their numbers are read off the runs with wrong elements."""
    yield Value("NaN is hidden: 0 in its place", lambda e, r: np.where(np.isnan(truth(e, r)), 0.0, truth(e, r)))
    yield Value("NaN and infinities replaced by numbers", _without_nan)
    yield Value("NaN is hidden: 0 in its place", _zero_with_nan)
    yield from _clipped(wrong, r)
    yield from _dropped(wrong, r)
    yield from _scaled_to_a_norm(wrong, r)
    for decimals in range(2, 13):
        yield Value(f"rounded to {decimals} decimals", partial(_rounded, decimals=decimals))
    if wrong[0].is_gradient(r):
        for power in (12, 10, 8, 7, 6, 5, 4, 3):
            text = f"values of the cotangent below about 1e-{power} count as 0"
            yield Value(text, partial(_without_small, least=10.0**-power), slack=64)
    op = wrong[0].case.signature
    if op.parameters:
        yield from _penalties(wrong, r)
    if op.has_logits_alone and r == "output":
        yield from _tempered(wrong)


def _zero_with_nan(e: Evidence, r: str) -> Floats:
    return np.zeros(truth(e, r).shape) if np.isnan(truth(e, r)).any() else truth(e, r)


def _without_nan(e: Evidence, r: str) -> Floats:
    return np.asarray(np.nan_to_num(truth(e, r).astype(e.case.dtype)).astype(np.float64))


def _without_small(e: Evidence, r: str, least: float) -> Floats | None:
    return e.of_cotangents(r, lambda g: np.where(np.abs(g) < least, 0.0, g))


def multiples(wrong: Sequence[Evidence], r: str) -> Iterator[Value]:
    """What a ReLU that leaks lets through: a share of the input, or of the cotangent."""
    for what in ("input", "cotangent"):
        for e in wrong[:3]:
            a, x = e.computed(r), e.first if what == "input" else e.cotangent
            marked = e.wrong(r) & np.isfinite(a) & np.isfinite(x) & (x != 0)
            if marked.any():
                c = float(np.median(a[marked] / x[marked]))
                yield Value(f"{c:.6g} times the {what}", partial(_multiple, what=what, c=c), relative=8)
                break


def _multiple(e: Evidence, r: str, what: str, c: float) -> Floats:
    return np.asarray(c * (e.first if what == "input" else e.cotangent))


def _clipped(wrong: Sequence[Evidence], r: str) -> Iterator[Value]:
    """Wrong elements hold one number wherever they are too small, and one wherever they are too large."""
    highest, lowest = set[float](), set[float]()
    for e in wrong:
        a, t, marked = e.computed(r), truth(e, r), e.wrong(r)
        highest |= set(a[marked & (a < t)].tolist())
        lowest |= set(a[marked & (a > t)].tolist())
    if not highest | lowest or len(highest) > 1 or len(lowest) > 1:
        return
    low, high = min(lowest, default=-np.inf), max(highest, default=np.inf)
    if low < high:
        text = (
            f"clipped to {low:.8g} .. {high:.8g}"
            if highest and lowest
            else f"clipped at {high if highest else low:.8g}"
        )
        yield Value(text, lambda e, r: np.clip(truth(e, r), low, high))


def _dropped(wrong: Sequence[Evidence], r: str) -> Iterator[Value]:
    """Wrong elements are 0, and smaller than every right one."""
    dropped = [e.computed(r)[e.wrong(r)] for e in wrong]
    if any(a.any() for a in dropped):
        return
    largest = max(float(np.abs(truth(e, r)[e.wrong(r)]).max()) for e in wrong)
    visible = [np.abs(truth(e, r)[~e.wrong(r) & (np.abs(truth(e, r)) > 4 * e.bound(r))]) for e in wrong]
    kept = min((float(a.min()) for a in visible if a.size), default=np.inf)
    if largest < kept < np.inf:
        limit = np.sqrt(largest) * np.sqrt(kept)
        text = f"0 where it is smaller than something between {largest:.2g} and {kept:.2g}"
        yield Value(text, lambda e, r: np.where(np.abs(truth(e, r)) < limit, 0.0, truth(e, r)))


def _scaled_to_a_norm(wrong: Sequence[Evidence], r: str) -> Iterator[Value]:
    norms = [float(np.linalg.norm(e.computed(r))) for e in wrong]
    most = norms[0]
    if (
        len(norms) > 1
        and np.isfinite(most)
        and max(norms) - min(norms) <= 64 * wrong[0].unit_roundoff * most * np.sqrt(wrong[0].case.size)
    ):
        yield Value(f"scaled down to a norm of {most:.4g}", partial(_within_norm, most=most), relative=64)


def _within_norm(e: Evidence, r: str, most: float) -> Floats:
    norm = float(np.linalg.norm(truth(e, r)))
    return truth(e, r) * (most / norm if norm > most else 1.0)


def _rounded(e: Evidence, r: str, decimals: int) -> Floats:
    a, t = e.computed(r), truth(e, r)
    near = np.abs(a - t) <= 0.51 * 10.0**-decimals + e.bound(r)
    return np.where(near, quietly(np.round, a, decimals), t)


def _penalties(wrong: Sequence[Evidence], r: str) -> Iterator[Value]:
    """A parameter's gradient with a multiple of the parameter, or of its signs, added."""
    name, e = r.removeprefix("d"), wrong[0]
    if name not in e.case.signature.parameters:
        return
    changes: tuple[tuple[str, Callable[[Floats], Floats]], ...] = (
        (f"the {name}", np.asarray),
        (f"the signs of the {name}", np.sign),
    )
    for text, change in changes:
        added, missing = change(floats(e.case, name)), e.computed(r) - truth(e, r)
        size = float((added**2).sum())
        if size and np.isfinite(missing).all():
            c = float((added * missing).sum()) / size
            said = f"{c:.3g} times {text} is added, as of a penalty"
            yield Value(said, partial(_with_penalty, name=name, change=change, c=c), slack=64, relative=64)


def _with_penalty(e: Evidence, r: str, name: str, change: Callable[[Floats], Floats], c: float) -> Floats:
    return np.asarray(truth(e, r) + c * change(floats(e.case, name)))


def _tempered(wrong: Sequence[Evidence]) -> Iterator[Value]:
    for e in wrong:
        a, x = e.computed("output"), e.first
        if not x.size or not np.isfinite(x).all() or not (a > 0).all():
            continue
        gaps, logs = x - x.max(axis=-1, keepdims=True), np.log(a)
        at = np.argmin(gaps)
        top = np.broadcast_to(np.take_along_axis(logs, x.argmax(axis=-1)[..., None], axis=-1), x.shape)
        if gaps.flat[at] < -0.5:
            c = float((logs - top).flat[at] / gaps.flat[at])
            text = f"the softmax of the inputs times {c:.6g}"
            yield Value(text, partial(_scaled_softmax, c=c), slack=64, relative=256)
            return


def _scaled_softmax(e: Evidence, r: str, c: float) -> Floats:
    return quietly(reference.softmax, e.first * c)
