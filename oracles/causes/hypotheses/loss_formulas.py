"""Wrong formulas of the gradients of the two losses: a term missing, labels misread, an index that wraps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

import reference

from ...calculus.model import Floats
from ...data.arrays import Array
from ..evidence import Evidence
from .precision import LOWER, ROUNDOFF
from .values import Of


def softmax_cross_entropy() -> Iterator[tuple[str, str, Of]]:
    """Instead of (sum(y) s - y) g, which is scaled by 1/N under the mean."""

    def s(e: Evidence) -> Floats:
        return e.probabilities

    def y(e: Evidence) -> Floats:
        return e.label_weights

    def c(e: Evidence) -> Floats:
        return e.sample_scales

    yield "dlogits", "the one-hot term is missing: s / N", lambda e, r: s(e) * y(e).sum(axis=1, keepdims=True) * c(e)
    yield "dlogits", "the softmax term is missing: -y / N", lambda e, r: -y(e) * c(e)
    yield "dlogits", "the gradient with respect to probabilities: -y / p", lambda e, r: -y(e) / s(e) * c(e)
    yield "dlogits", "softmax's backward is applied on top", lambda e, r: reference.softmax_vjp(e.expected(r), e.first)
    yield "dlogits", "the probabilities, unchanged", lambda e, r: s(e)
    yield "dlogits", "the one-hot is subtracted twice", lambda e, r: (s(e) - 2 * y(e)) * c(e)
    yield "dlogits", "the one-hot of every sample is subtracted from every row", _every_column
    yield "dlogits", "1 is subtracted from whole rows, those that the labels number", _whole_rows
    yield "dlogits", "soft labels are taken to sum to 1", lambda e, r: (s(e) - y(e)) * c(e)
    for dtype in ("int8", "uint8", "int16", "uint16", "int32", "uint32"):
        yield "dlogits", f"the flat index of the label wraps in {dtype}", _with_wrapped_index(dtype)
    for name in LOWER:
        at_label, everywhere = _with_rounded_probabilities(name)
        yield "dlogits", f"the probability at the label is rounded to {name} before the 1 is subtracted", at_label
        yield "dlogits", f"the probabilities are rounded to {name} before the one-hot is subtracted", everywhere
    yield from _labels("dlogits")


def _every_column(e: Evidence, r: str) -> Floats | None:
    columns = (e.label_weights != 0).any(axis=0)
    return (e.probabilities - columns) * e.sample_scales if _is_one_hot(e) else None


def _whole_rows(e: Evidence, r: str) -> Floats | None:
    n = len(e.label_weights)
    if not n or not _is_one_hot(e):
        return None
    rows = np.isin(np.arange(n), e.label_weights.argmax(axis=1) % n)
    return np.asarray((e.probabilities - rows[:, None]) * e.sample_scales)


def _with_wrapped_index(dtype: str) -> Of:
    def of(e: Evidence, r: str) -> Floats | None:
        return (e.probabilities - _wrapped(e, dtype)) * e.sample_scales if _is_one_hot(e) else None

    return of


def _with_rounded_probabilities(name: str) -> tuple[Of, Of]:
    def of(e: Evidence, at: Array) -> Floats | None:
        if ROUNDOFF[name] <= e.unit_roundoff or not _is_one_hot(e):
            return None
        s = np.where(at, LOWER[name](e.probabilities), e.probabilities)
        return np.asarray((s - e.label_weights) * e.sample_scales)

    return lambda e, r: of(e, e.label_weights != 0), lambda e, r: of(e, np.ones(e.first.shape, bool))


def cross_entropy() -> Iterator[tuple[str, str, Of]]:
    """Instead of -y g / p, which is scaled by 1/N under the mean."""

    def p(e: Evidence) -> Floats:
        return e.first

    def y(e: Evidence) -> Floats:
        return e.label_weights

    def c(e: Evidence) -> Floats:
        return e.sample_scales

    d = "dprobabilities"
    yield d, "1/p is missing: -y / N", lambda e, r: -y(e) * c(e)
    yield d, "the gradient of the fused loss: (p - y) / N", lambda e, r: (p(e) - y(e)) * c(e)
    yield d, "divided by p twice", lambda e, r: np.where(y(e) != 0, -y(e) / p(e) ** 2, 0.0) * c(e)
    yield d, "the labels are ignored: -1 / p everywhere", lambda e, r: -1 / p(e) * c(e)
    yield d, "0/0 where a class without label has probability 0", lambda e, r: -y(e) / p(e) * c(e)
    yield (
        d,
        "the gradient of a binary cross-entropy over the classes",
        lambda e, r: (np.where(y(e) != 0, -y(e) / p(e), 0.0) + (1 - y(e)) / (1 - p(e))) * c(e),
    )
    yield (
        d,
        "weighted by (1 - p)^2, the focal loss",
        lambda e, r: np.where(y(e) != 0, -y(e) / p(e), 0.0) * (1 - p(e)) ** 2 * c(e),
    )
    yield (
        "output",
        "the logarithms of every class are added up",
        lambda e, r: np.asarray((-np.log(p(e)).sum(axis=1, keepdims=True) * c(e)).sum()),
    )
    yield (
        "output",
        "a binary cross-entropy over the classes",
        lambda e, r: np.asarray((-np.log(np.where(y(e) != 0, p(e), 1 - p(e))).sum(axis=1, keepdims=True) * c(e)).sum()),
    )
    yield d, "the loss, not its gradient", lambda e, r: np.where(y(e) != 0, -y(e) * np.log(p(e)), 0.0) * c(e)
    yield from _labels(d)


def _labels(result: str) -> Iterator[tuple[str, str, Of]]:
    """Labels that are read wrongly."""
    changes: tuple[tuple[str, Callable[[Floats], Floats]], ...] = (
        ("one-hot labels are decoded along the wrong axis", _decoded_down),
        ("the labels are in reverse order", lambda y: y[::-1]),
        ("the labels are off by one class", lambda y: np.roll(y, 1, axis=1)),
        ("the labels are off by one class, downwards", lambda y: np.roll(y, -1, axis=1)),
        ("the first sample's label is used for every sample", lambda y: np.broadcast_to(y[:1], y.shape)),
    )
    for text, change in changes:
        yield result, text, partial(_with_labels, change=change)


def _with_labels(e: Evidence, r: str, change: Callable[[Floats], Floats]) -> Floats | None:
    if not e.sizes["N"] or not _is_one_hot(e):
        return None
    if change is _decoded_down and e.case.primals["targets"].ndim == 1:
        return e.expected(r)
    return e.instead(targets=np.array(change(e.label_weights)))[r]


def _decoded_down(y: Floats) -> Floats:
    n, c = y.shape
    return np.asarray(np.eye(c)[np.resize(y.argmax(axis=0), n) % c])


def _is_one_hot(e: Evidence) -> bool:
    y = e.label_weights
    return bool((np.count_nonzero(y, axis=1) == 1).all() and (y.sum(axis=1) == 1).all())


def _wrapped(e: Evidence, dtype: str) -> Array:
    n, c = e.label_weights.shape
    flat = np.arange(n) * c + e.label_weights.argmax(axis=1)
    found = np.zeros(n * c)
    found[flat.astype(dtype).astype(np.int64) % max(n * c, 1)] = 1
    return found.reshape(n, c)
