"""Softmax and categorical cross-entropy in one: loss_i = sum_c y_ic (log sum_k exp x_ik - x_ic).

With s the softmax of the logits and g_i the cotangent of sample i's loss (g / N of it under the mean over N samples),
    dlogits_ic = (s_ic sum_k y_ik - y_ic) g_i

Taken together, the division by a vanishing probability and the multiplication with it cancel: no clipping is needed.
A zero label contributes exactly 0, also where its logit is -inf; a row of all -inf, or with +inf or NaN in it, is NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ._arrays import Array, as_matrix, check_reduction, reduce_losses, rounded, sample_cotangents, sums_in, widened
from ._blocks import by_rows
from ._targets import as_targets
from .softmax import probabilities_of


def softmax_cross_entropy(logits: ArrayLike, targets: ArrayLike, reduction: str = "mean") -> Array:
    """The loss in nats: a scalar array for "mean" and "sum", (N,) for "none". The mean over no samples is NaN.

    logits (N, C); targets: class ids (N,), or label weights (N, C), which need not sum to 1. Raises InputError.
    """
    check_reduction(reduction)
    x = as_matrix("logits", logits)
    y = as_targets(targets, *x.shape)
    losses = np.empty(len(x), sums_in(x.dtype))
    by_rows(_losses, losses, x, y)
    return _reduced(losses, reduction, x.dtype)


def softmax_cross_entropy_vjp(
    cotangent: ArrayLike, logits: ArrayLike, targets: ArrayLike, reduction: str = "mean"
) -> Array:
    """The gradient of `softmax_cross_entropy` with respect to the logits, (N, C).

    cotangent: a scalar, or (N,) for reduction="none". Raises InputError.
    """
    x = as_matrix("logits", logits)
    y = as_targets(targets, *x.shape)
    with np.errstate(all="ignore"):
        g = sample_cotangents(cotangent, len(x), reduction, sums_in(x.dtype))
    dlogits = np.empty_like(x)
    by_rows(_vjp, dlogits, g, x, y)
    return dlogits


def _losses(losses: Array, x: Array, y: Array) -> None:
    wide = widened(x)
    shifted = wide - wide.max(axis=1, keepdims=True, initial=-np.inf)
    _losses_of(losses, shifted, np.exp(shifted).sum(axis=1, keepdims=True), y)


def _losses_of(losses: Array, shifted: Array, total: Array, y: Array) -> None:
    log_sum = np.log(total)
    if y.ndim == 1:
        losses[...] = log_sum[:, 0] - shifted[np.arange(len(y)), y]
    else:
        y = y.astype(shifted.dtype, copy=False)
        # 0 * log_sum is 0, but NaN in a row that is NaN: a row of zero labels must not hide it
        losses[...] = np.where(y == 0, 0 * log_sum, y * (log_sum - shifted)).sum(axis=1)


def _losses_and_softmax(losses: Array, output: Array, x: Array, y: Array) -> None:
    """Both from one exponential: what `_losses` and `softmax` give, bit for bit."""
    wide = widened(x)
    shifted = wide - wide.max(axis=1, keepdims=True, initial=-np.inf)
    e = np.exp(shifted)
    total = e.sum(axis=1, keepdims=True)
    _losses_of(losses, shifted, total, y)
    output[...] = np.divide(e, total, out=e)


def _vjp(dlogits: Array, g: Array, x: Array, y: Array) -> None:
    _vjp_of_output(dlogits, g, probabilities_of(widened(x)), y)


def _vjp_of_output(dlogits: Array, g: Array, s: Array, y: Array) -> None:
    s = widened(s)
    if y.ndim == 1:
        rows = np.arange(len(y))
        at_labels = (s[rows, y] - 1) * g[:, 0]
        dlogits[...] = s * g
        dlogits[rows, y] = at_labels
    else:
        y = y.astype(s.dtype, copy=False)
        dlogits[...] = (s * y.sum(axis=1, keepdims=True) - y) * g


def _reduced(losses: Array, reduction: str, dtype: DTypeLike) -> Array:
    with np.errstate(all="ignore"):
        return rounded(reduce_losses(losses, reduction), dtype)


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
        return _reduced(losses, "mean", x.dtype)

    def backward(self, dvalues: ArrayLike, y_true: ArrayLike) -> Array:
        """The gradient (N, C) of the mean loss, for the probabilities dvalues (N, C) that forward left in `.output`.

        Raises InputError.
        """
        p = as_matrix("dvalues", dvalues)
        y = as_targets(y_true, *p.shape)
        with np.errstate(all="ignore"):
            g = sample_cotangents(1.0, len(p), "mean", sums_in(p.dtype))
        self.dinputs = np.empty_like(p)
        by_rows(_vjp_of_output, self.dinputs, g, p, y)
        return self.dinputs
