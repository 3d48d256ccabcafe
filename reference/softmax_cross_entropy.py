"""Softmax and categorical cross-entropy in one: loss_i = sum_c y_ic (log sum_k exp x_ik - x_ic).

With s the softmax of the logits and g_i the cotangent of sample i's loss (g / N of it under the mean over N samples),
    dlogits_ic = (s_ic sum_k y_ik - y_ic) g_i

Taken together, the division by a vanishing probability and the multiplication with it cancel: no clipping is needed.
A zero label contributes exactly 0, also where its logit is -inf; a row of all -inf, or with +inf or NaN in it, is NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import Array, as_matrix, check_reduction, reduce_losses, sample_cotangents, sums_in, widened
from ._blocks import by_rows, store, working
from ._targets import as_targets
from .softmax import exponentials, highest, probabilities_of


def softmax_cross_entropy(logits: ArrayLike, targets: ArrayLike, reduction: str = "mean") -> Array:
    """The loss in nats: a scalar array for "mean" and "sum", (N,) for "none". The mean over no samples is NaN.

    logits (N, C); targets: class ids (N,), or label weights (N, C), which need not sum to 1. Raises InputError.
    """
    check_reduction(reduction)
    x = as_matrix("logits", logits)
    y = as_targets(targets, *x.shape)
    losses = np.empty(len(x), sums_in(x.dtype))
    by_rows(_losses, losses, x, y)
    return reduce_losses(losses, reduction, x.dtype)


def softmax_cross_entropy_vjp(
    cotangent: ArrayLike, logits: ArrayLike, targets: ArrayLike, reduction: str = "mean"
) -> Array:
    """The gradient of `softmax_cross_entropy` with respect to the logits, (N, C).

    cotangent: a scalar, or (N,) for reduction="none". Raises InputError.
    """
    x = as_matrix("logits", logits)
    y = as_targets(targets, *x.shape)
    g = sample_cotangents(cotangent, len(x), reduction, sums_in(x.dtype))
    dlogits = np.empty_like(x)
    by_rows(_vjp, dlogits, g, x, y)
    return dlogits


def _losses(losses: Array, x: Array, y: Array) -> None:
    x = widened(x)
    top = highest(x)
    _, total = exponentials(x, top)
    _losses_of(losses, x, top, total, y)


def _losses_and_softmax(losses: Array, output: Array, x: Array, y: Array) -> None:
    """Both from one exponential: what `_losses` and `softmax` give, bit for bit."""
    x = widened(x)
    top = highest(x)
    e, total = exponentials(x, top, working(output))
    _losses_of(losses, x, top, total, y)
    store(output, np.divide(e, total, out=e))


def _losses_of(losses: Array, x: Array, top: Array, total: Array, y: Array) -> None:
    log_sum = np.log(total)
    if y.ndim == 1:
        losses[...] = log_sum[:, 0] - (x[np.arange(len(y)), y] - top[:, 0])
    else:
        y = y.astype(x.dtype, copy=False)
        # 0 * log_sum is 0, but NaN in a row that is NaN: a row of zero labels must not hide it
        losses[...] = np.where(y == 0, 0 * log_sum, y * (log_sum - (x - top))).sum(axis=1)


def _vjp(dlogits: Array, g: Array, x: Array, y: Array) -> None:
    _vjp_of_output(dlogits, g, probabilities_of(widened(x)), y)


def _vjp_of_output(dlogits: Array, g: Array, s: Array, y: Array) -> None:
    s, result = widened(s), working(dlogits)
    if y.ndim == 1:
        rows = np.arange(len(y))
        at_labels = (s[rows, y] - 1) * g[:, 0]
        np.multiply(s, g, out=result)
        result[rows, y] = at_labels
    else:
        y = y.astype(s.dtype, copy=False)
        np.multiply(s, y.sum(axis=1, keepdims=True), out=result)
        np.multiply(np.subtract(result, y, out=result), g, out=result)
    store(dlogits, result)


class SoftmaxCrossEntropy:
    """`forward(logits, y_true)` returns the mean loss and sets `.output`, the probabilities.

    `backward(output, y_true)`, as in the book, takes those probabilities and sets and returns `.dinputs`, the
    gradient of the mean loss with respect to the logits: there is no cotangent.
    """

    output: Array
    dinputs: Array

    def forward(self, logits: ArrayLike, y_true: ArrayLike) -> Array:
        """The mean loss, a scalar array, of logits (N, C); labels as in `softmax_cross_entropy`. Raises InputError."""
        x = as_matrix("logits", logits)
        y = as_targets(y_true, *x.shape)
        losses, self.output = np.empty(len(x), sums_in(x.dtype)), np.empty_like(x)
        by_rows(_losses_and_softmax, losses, self.output, x, y)
        return reduce_losses(losses, "mean", x.dtype)

    def backward(self, dvalues: ArrayLike, y_true: ArrayLike) -> Array:
        """The gradient (N, C) of the mean loss, for the probabilities dvalues (N, C) that forward left in `.output`.

        Raises InputError.
        """
        p = as_matrix("dvalues", dvalues)
        y = as_targets(y_true, *p.shape)
        g = sample_cotangents(1.0, len(p), "mean", sums_in(p.dtype))
        self.dinputs = np.empty_like(p)
        by_rows(_vjp_of_output, self.dinputs, g, p, y, cheap=True)
        return self.dinputs
