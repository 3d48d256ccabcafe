"""Bounds of the fused loss: those of log-softmax summed over the labels, and of (s sum(y) - y) g / N.

To multiply with a label that is 0, and to add that, is exact: the sums over the labels are of those that are not.
"""

from __future__ import annotations

import numpy as np

from oracles.data.case import Case

from .arithmetic import DIVISION, Arithmetic, Floats, unclaimed_from
from .losses import by_samples, stored_below
from .softmax import probabilities


def bound(case: Case, a: Arithmetic) -> dict[str, Floats]:
    """The bounds of the reduced loss and of the gradient; rows that are NaN have none."""
    return by_samples(case, a, _of_rows)


def _of_rows(
    case: Case, a: Arithmetic, x: Floats, y: Floats, lost: Floats, scale: Floats
) -> tuple[Floats, Floats, Floats]:
    """The sizes of the losses, their bounds, and those of the gradient."""
    classes = x.shape[1]
    p = probabilities(a, x, stored_log=True)

    taken = (y != 0) & np.isfinite(p.log_s)
    logs = np.where(taken, -p.log_s, 0.0)
    sizes = np.sum(y * logs, axis=1)
    each = np.where(taken, p.log_bound, 0.0)
    labels = np.count_nonzero(y, axis=1)
    losses = np.sum((y + lost) * each + lost * logs, axis=1) + classes * a.tiny
    losses = losses + a.gamma(labels + 2) * np.sum(y * (logs + each), axis=1)
    if case.primals["targets"].ndim == 2:  # rows of weights may be summed as sum(y) log-sum-exp - y.x
        used = np.where(taken, np.abs(x), 0.0)
        highest, log_sum = np.max(x, axis=1), -np.max(p.log_s, axis=1)
        top = np.where(np.isfinite(highest), np.abs(highest) + log_sum, 0.0)
        losses = losses + a.u * (labels + 2) * (np.sum(y * used, axis=1) + np.sum(y, axis=1) * top)
    if a.half:  # documented steps: log s, y log s
        losses = losses + 2 * a.v * (sizes + losses) + stored_below(a, np.where(taken, y, 0.0), logs)
    losses = a.stored(sizes, losses)
    # with rows of weights every class enters, be its weight zero: 0 times a log s beyond the range is NaN
    entering = (y != 0) | (case.primals["targets"].ndim == 2)
    # a difference of logits beyond float64 too is infinite here, and its claim with it
    differences = np.where(np.isfinite(x), -p.log_s, 0.0)
    steps = np.where(entering & p.valid, differences, 0.0)
    losses = unclaimed_from(losses, np.max(steps, axis=1) + sizes, a.largest)
    losses = np.where(p.valid[:, 0], losses, 0.0)

    weight, labels = np.sum(y, axis=1, keepdims=True), labels[:, np.newaxis]
    s_bound = np.minimum(a.stored(p.s, p.bound), 1.0 + 2 * a.v) if a.half else p.bound
    of_s = (p.s + s_bound) * weight
    gauge = of_s + y
    # each term: g / N, the product with it, s - y; that of s a product with the sum of the labels, and that sum
    gradient = scale * (s_bound * weight + of_s * a.gamma(labels + DIVISION + 2) + y * a.gamma(DIVISION + 2))
    gradient = gradient + scale * ((p.s + s_bound) * np.sum(lost, axis=1, keepdims=True) + lost)
    if a.half:  # documented steps: g / N, and y g / N or s minus y
        gradient = gradient + 2 * a.v * scale * gauge
    gradient = gradient + a.tiny * (3 * weight * scale + classes + 2 + 2 * gauge)
    if a.half:
        gradient = gradient + a.stored_tiny * (2 + gauge) * (scale * np.minimum(gauge, 1.0) < 2 * a.normal)
        # each y g / N that is stored below the normal range, of those that s multiplies the sum of
        small = np.count_nonzero((y != 0) & (y * scale < 2 * a.normal), axis=1, keepdims=True)
        gradient = gradient + a.stored_tiny * small * (p.s + s_bound)
    gradient = a.stored(scale * gauge, gradient)
    if a.half:  # the stored y g / N
        gradient = unclaimed_from(gradient, 2 * scale * np.max(y, axis=1, keepdims=True), a.largest)
    whole = scale * (len(case.primals["targets"]) if case.options["reduction"] == "mean" else 1)
    gradient = unclaimed_from(gradient, np.maximum(whole, 1.0) * np.maximum(weight, 1.0) * 2, a.wide_largest)
    return sizes, losses, np.where(p.valid, gradient, 0.0)
