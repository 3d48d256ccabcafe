"""Hypotheses with a number in them, which is read off the runs and then held against all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from ...calculus.model import Floats
from ...data.arrays import Array
from ..evidence import Evidence
from .divisors import divisors
from .places import Place, above, from_index, rows_where
from .ranges import multiples
from .values import Value, constant, truth

Limits = Sequence[tuple[str, int]]  # sizes above which alone a result is wrong


def estimated_values(runs: Sequence[Evidence], r: str, limits: Limits) -> Iterator[Value]:
    """Values whose number is read off the runs with wrong elements."""
    wrong = [e for e in runs if e.wrong(r).any() and e.computed(r).shape == truth(e, r).shape]
    if not wrong:
        return
    yield from _ratio(wrong, r)
    op = wrong[0].case.signature
    if op.has_one_primal:
        yield from multiples(wrong, r)
    if op.has_logits_alone and r == "output":
        yield from _softmax(wrong, r)
    if op.rows == "probabilities" and op.labels and r != "output":
        yield from _epsilon_in_p(wrong, r)
    if op.labels:
        yield from divisors(wrong, r)
    for letter, limit in limits:
        yield from _of_chunks(letter, limit)


def estimated_places(runs: Sequence[Evidence], r: str, limits: Limits) -> Iterator[Place]:
    """Places whose number is read off the runs."""
    for letter, limit in limits:
        yield above(letter, limit)
    wrong = [e for e in runs if e.wrong(r).any()]
    for axis in range(2):
        firsts: dict[str, list[int]] = {}
        for e in wrong:
            letters = e.axes(r)
            if axis < len(letters) and letters[axis] in e.sizes:
                at = np.flatnonzero(e.wrong(r).any(axis=tuple(i for i in range(e.wrong(r).ndim) if i != axis)))
                firsts.setdefault(letters[axis], []).append(int(at[0]))
        for letter, found in firsts.items():
            if min(found) > 0:
                yield from_index(letter, min(found))
    if wrong and wrong[0].case.signature.labels and r != "output":
        yield from _confident(runs, r)
        yield from _of_class(wrong, r)


def _ratio(wrong: Sequence[Evidence], r: str) -> Iterator[Value]:
    for e in wrong[:3]:
        actual, expected = e.computed(r), truth(e, r)
        marked = e.wrong(r) & np.isfinite(actual) & np.isfinite(expected) & (expected != 0) & (e.bound(r) < np.inf)
        if marked.any():
            weights = expected[marked] / np.abs(expected[marked]).max()
            ratio = float((actual[marked] / np.abs(expected[marked]).max() * weights).sum() / (weights**2).sum())
            yield constant(ratio)
            return


def _of_chunks(letter: str, limit: int) -> Iterator[Value]:
    """Work split in chunks of `limit`."""
    if letter == "N":
        yield Value(
            f"only the last chunk of {limit} samples is summed",
            lambda e, r: _samples(e, r, slice((e.sizes["N"] - 1) // limit * limit, None)),
        )
        yield Value(f"only the first {limit} samples are summed", lambda e, r: _samples(e, r, slice(0, limit)))
        yield Value(
            f"the tail after whole chunks of {limit} samples is dropped",
            lambda e, r: _samples(e, r, slice(0, e.sizes["N"] // limit * limit)),
        )
        yield Value(
            f"each chunk of {limit} samples is divided by its own length, not by N",
            lambda e, r: _by_chunk(e, r, limit),
            slack=256,
        )
        yield Value(
            f"divided by a count of samples that wraps at {limit}",
            lambda e, r: truth(e, r) * (e.sizes["N"] / ((e.sizes["N"] - 1) % limit + 1)),
            slack=256,
        )
        yield Value(
            f"the labels of the first {limit} samples are used again for those that follow",
            lambda e, r: (
                None
                if not e.case.signature.labels
                else e.instead(**{e.case.signature.labels: e.label_weights[np.arange(e.sizes["N"]) % limit]})[r]
            ),
            slack=64,
        )
    if letter == "N*M":
        yield Value(
            f"the cotangent is read with a flat index that wraps at {limit}",
            lambda e, r: e.of_cotangents(r, lambda g: g.ravel()[np.arange(g.size) % limit].reshape(g.shape)),
        )


def _samples(e: Evidence, r: str, chosen: slice) -> Floats | None:
    if r.removeprefix("d") not in e.case.signature.parameters or not e.cotangent.ndim or len(e.case.cotangents) > 1:
        return None
    others = np.zeros(e.cotangent.shape)
    others[chosen] = e.cotangent[chosen]
    return e.instead(cotangent=others).get(r)


def _by_chunk(e: Evidence, r: str, limit: int) -> Floats | None:
    n = e.sizes["N"]
    if "N" not in e.axes(r) or e.axes(r)[0] != "N":
        return None
    starts = np.arange(n) // limit * limit
    lengths = np.minimum(limit, n - starts)
    return np.asarray(truth(e, r) * (n / lengths).reshape((-1,) + (1,) * (truth(e, r).ndim - 1)))


def _softmax(wrong: Sequence[Evidence], r: str) -> Iterator[Value]:
    """Clamped exponents, an epsilon beside the sum, a sum that saturates: of the output."""
    for e in wrong:
        x, actual = e.first, e.computed(r)
        if not np.isfinite(x).all() or not np.isfinite(actual).all() or not (actual > 0).any():
            continue
        sums = np.exp(x - x.max(axis=-1, keepdims=True)).sum(axis=-1)
        with np.errstate(all="ignore"):
            used = sums / actual.sum(axis=-1)  # the sum that was divided by
            lowest = float(np.log(actual / actual.max(axis=-1, keepdims=True)).min())
        if np.isfinite(used).all() and used.size:
            at = int(np.argmax(np.abs(used - sums).ravel() / sums.ravel()))
            yield _with_epsilon(float((used - sums).ravel()[at]))
            yield _saturating(float(used.ravel()[at]))
        if np.isfinite(lowest):
            yield _with_clamp(float(np.round(lowest, 3)))
        return


def _with_epsilon(eps: float) -> Value:
    return Value(
        f"an epsilon of {eps:.2g} is added to the row's sum",
        lambda e, r: _over_sum(e, lambda s: s + eps),
        slack=64,
    )


def _saturating(most: float) -> Value:
    text = f"the row's sum saturates at {most:.6g}"
    return Value(text, lambda e, r: _over_sum(e, lambda s: np.minimum(s, most)), slack=64)


def _with_clamp(low: float) -> Value:
    return Value(f"x - max is clamped at {low:g}", lambda e, r: _clamped(e, low), relative=64)


def _over_sum(e: Evidence, change: Callable[[Floats], Floats]) -> Floats:
    raised = np.exp(e.first - e.first.max(axis=-1, keepdims=True))
    return np.asarray(raised / change(raised.sum(axis=-1, keepdims=True)))


def _clamped(e: Evidence, low: float) -> Floats:
    raised = np.exp(np.clip(e.first - e.first.max(axis=-1, keepdims=True), low, 0))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def _epsilon_in_p(wrong: Sequence[Evidence], r: str) -> Iterator[Value]:
    """-y / (p + eps), and -y / max(p, eps)."""
    for e in wrong:
        marked = e.wrong(r) & (e.label_weights != 0) & np.isfinite(e.computed(r)) & (e.computed(r) != 0)
        if marked.any():
            top = np.broadcast_to(-e.label_weights * e.sample_scales, marked.shape)
            worst = np.argmax(np.where(marked, 1 / np.maximum(e.first, 1e-300), 0))
            used, p = (top / np.where(marked, e.computed(r), 1)).flat[worst], e.first.flat[worst]
            yield _added_to_p(float(used - p))
            yield _clipped_p(float(used))
            return


def _added_to_p(eps: float) -> Value:
    text = f"an epsilon of {eps:.2g} is added to p"
    return Value(text, lambda e, r: -e.label_weights / (e.first + eps) * e.sample_scales, relative=64)


def _clipped_p(low: float) -> Value:
    text = f"p is clipped at {low:.2g}"
    return Value(text, lambda e, r: -e.label_weights / np.maximum(e.first, low) * e.sample_scales, relative=64)


def _confident(runs: Sequence[Evidence], r: str) -> Iterator[Place]:
    """Samples whose label is more probable than a threshold: between the largest right and the smallest wrong one."""
    bad, good = [], []
    for e in runs:
        if not e.sizes["N"] or r not in e.actual or e.wrong(r).ndim != 2:
            continue
        p = _label_probabilities(e)
        rows = e.wrong(r).any(axis=1)
        visible = (np.abs(truth(e, r)) > 4 * e.bound(r)).any(axis=1)
        if (rows & ~e.label_weights.any(axis=1)).any():  # without a label it has no probability
            return
        bad += list(p[rows])
        good += list(p[~rows & visible])
    for sign, text in ((1, "above"), (-1, "below")):
        inside, outside = sorted(sign * b for b in bad), sorted(sign * g for g in good)
        if inside and outside and outside[-1] < inside[0]:
            span = sorted((sign * outside[-1], sign * inside[0]))
            text = f"{text} a limit between {span[0]:.5g} and {span[1]:.5g}" if any(inside) else "of 0"
            text = f"in samples whose label has a probability {text}"
            yield rows_where(text, partial(_beyond, limit=(outside[-1] + inside[0]) / 2, sign=sign))


def _of_class(wrong: Sequence[Evidence], r: str) -> Iterator[Place]:
    """Samples of one class, where all wrong ones are of that."""
    rows = [e.label_weights[e.wrong(r).any(axis=1)] for e in wrong if e.wrong(r).ndim == 2 and e.sizes["N"]]
    classes = {int(k) for y in rows for k in y.argmax(axis=1)}
    if len(classes) == 1:
        (k,) = classes
        yield rows_where(f"in samples of class {k}", lambda e: np.asarray(e.label_weights[:, k : k + 1].any(axis=1)))


def _label_probabilities(e: Evidence) -> Floats:
    return np.asarray((e.probabilities * e.label_weights).sum(axis=1))


def _beyond(e: Evidence, limit: float, sign: int) -> Array:
    return np.asarray(sign * _label_probabilities(e) > limit)
