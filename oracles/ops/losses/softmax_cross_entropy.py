"""Softmax with cross-entropy: sum_c y_c (log sum_k exp(x_k) - x_c) a sample, reduced over the samples."""

from __future__ import annotations

import math
from typing import Any

from ..domains import labels, logits
from ..op import Op
from ..rows.log_softmax import by_log_sum_exp as log_softmax_by_log_sum_exp
from ..rows.log_softmax import log_softmax
from ..rows.softmax import softmax
from .reductions import REDUCTIONS, of_each, reduced, reduced_at_once, rows


def softmax_cross_entropy(xp: Any, logits: Any, targets: Any, *, reduction: str) -> Any:
    """By the logarithm of the softmax. 0 times log 0 is 0: a class without a label adds nothing."""
    return _of_log_softmax(xp, log_softmax(xp, logits), rows(xp, targets, logits), reduction)


def in_one_sum(xp: Any, logits: Any, targets: Any, *, reduction: str) -> Any:
    """Over samples and classes at once."""
    return reduced_at_once(xp, _terms(xp, log_softmax(xp, logits), rows(xp, targets, logits)), reduction)


def by_log_sum_exp(xp: Any, logits: Any, targets: Any, *, reduction: str) -> Any:
    """x - (m + log sum): it rounds at the size of the logits."""
    return _of_log_softmax(xp, log_softmax_by_log_sum_exp(xp, logits), rows(xp, targets, logits), reduction)


def by_two_sums(xp: Any, logits: Any, targets: Any, *, reduction: str) -> Any:
    """(sum y) log sum exp x - y.x, of rows of weights."""
    y = rows(xp, targets, logits)
    total = xp.sum(y, axis=-1) * xp.special.logsumexp(logits, axis=-1)
    return reduced(xp, xp.stored(total - xp.sum(xp.where(y == 0, 0.0, y * logits), axis=-1)), reduction)


def by_probabilities(xp: Any, cotangent: Any, logits: Any, targets: Any, *, reduction: str) -> Any:
    """(s sum(y) - y) g / N, of the stored probabilities."""
    y, s = rows(xp, targets, logits), xp.stored(softmax(xp, logits))
    g = xp.stored(_of_rows(cotangent, logits, reduction))
    return s * xp.stored(xp.sum(y, axis=-1, keepdims=True) * g) - xp.stored(y * g)


def by_log_probabilities(xp: Any, cotangent: Any, logits: Any, targets: Any, *, reduction: str) -> Any:
    """exp(log s) sum(y) g / N - y g / N, of the stored logarithms, as torch does it."""
    y, s = rows(xp, targets, logits), xp.exp(xp.within(xp.stored(log_softmax(xp, logits)), -math.inf, 0))
    g = xp.stored(_of_rows(cotangent, logits, reduction))
    return s * xp.stored(xp.sum(y, axis=-1, keepdims=True) * g) - xp.stored(y * g)


def by_difference(xp: Any, cotangent: Any, logits: Any, targets: Any, *, reduction: str) -> Any:
    """s sum(y) - y first, then g / N."""
    y, s = rows(xp, targets, logits), xp.stored(softmax(xp, logits))
    return xp.stored(s * xp.sum(y, axis=-1, keepdims=True) - y) * _of_rows(cotangent, logits, reduction)


def _of_rows(cotangent: Any, logits: Any, reduction: str) -> Any:
    return of_each(cotangent[:, None] if reduction == "none" else cotangent, logits.shape[0], reduction)


def _of_log_softmax(xp: Any, log_s: Any, y: Any, reduction: str) -> Any:
    return reduced(xp, xp.stored(xp.sum(_terms(xp, log_s, y), axis=-1)), reduction)


def _terms(xp: Any, log_s: Any, y: Any) -> Any:
    known = ~xp.isnan(xp.as_given(log_s))  # a row that is NaN is so for every class
    return xp.stored(-xp.where((y == 0) & known, 0.0, y * xp.stored(log_s)))


OP = Op(
    "softmax_cross_entropy(logits[N, C], targets) -> output",
    definition=softmax_cross_entropy,
    options={"reduction": REDUCTIONS},
    forms=(in_one_sum, by_log_sum_exp, by_two_sums),
    vjp_forms=(by_probabilities, by_log_probabilities, by_difference),
    domains={"logits": logits, "targets": labels("C")},
    where="C >= 1",
    special_values="all",
)
