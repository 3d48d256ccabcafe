"""Softmax and categorical cross-entropy in one: loss_i = sum_c y_ic (log sum_k exp x_ik - x_ic).

With s the softmax of the logits and g_i the cotangent of sample i's loss (g / N of it under the mean over N samples),
    dlogits_ic = (s_ic sum_k y_ik - y_ic) g_i

Taken together, the division by a vanishing probability and the multiplication with it cancel: no clipping is needed.
A zero label contributes exactly 0, also where its logit is -inf; a row of all -inf, or with +inf or NaN in it, is NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import Array, as_matrix, check_reduction, reduce_losses, rounded, sample_cotangents, widened
from ._targets import as_targets
from .softmax import probabilities_of, softmax


def softmax_cross_entropy(logits: ArrayLike, targets: ArrayLike, reduction: str = "mean") -> Array:
    """The loss in nats: a scalar array for "mean" and "sum", (N,) for "none". The mean over no samples is NaN.

    logits (N, C); targets: class ids (N,), or label weights (N, C), which need not sum to 1. Raises InputError.
    """
    check_reduction(reduction)
    x = as_matrix("logits", logits)
    y = as_targets(targets, *x.shape)
    with np.errstate(all="ignore"):
        wide = widened(x)
        shifted = wide - wide.max(axis=1, keepdims=True, initial=-np.inf)
        log_sum = np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        if y.ndim == 1:
            losses = log_sum[:, 0] - shifted[np.arange(len(y)), y]
        else:
            y = y.astype(wide.dtype, copy=False)
            # 0 * log_sum is 0, but NaN in a row that is NaN: a row of zero labels must not hide it
            losses = np.where(y == 0, 0 * log_sum, y * (log_sum - shifted)).sum(axis=1)
        return rounded(reduce_losses(losses, reduction), x.dtype)


def softmax_cross_entropy_vjp(
    cotangent: ArrayLike, logits: ArrayLike, targets: ArrayLike, reduction: str = "mean"
) -> Array:
    """The gradient of `softmax_cross_entropy` with respect to the logits, (N, C).

    cotangent: a scalar, or (N,) for reduction="none". Raises InputError.
    """
    x = as_matrix("logits", logits)
    y = as_targets(targets, *x.shape)
    with np.errstate(all="ignore"):
        s = probabilities_of(widened(x))
        g = sample_cotangents(cotangent, len(x), reduction, s.dtype)
        return rounded(minus_targets(s, y) * g, x.dtype)


def minus_targets(s: Array, y: Array) -> Array:
    """s sum(y) - y for probabilities s (N, C), which are overwritten where the targets are ids."""
    if y.ndim == 1:
        s[np.arange(len(y)), y] -= 1
        return s
    y = y.astype(s.dtype, copy=False)
    return np.asarray(s * y.sum(axis=1, keepdims=True) - y)


class SoftmaxCrossEntropy:
    """`forward(logits, y_true)` returns the mean loss and sets `.output`, the probabilities.

    `backward(output, y_true)`, as in the book, takes those probabilities and sets and returns `.dinputs`, the
    gradient of the mean loss with respect to the logits: there is no cotangent.
    """

    output: Array
    dinputs: Array

    def forward(self, logits: ArrayLike, y_true: ArrayLike) -> Array:
        """The mean loss, a scalar array, of logits (N, C); labels as in `softmax_cross_entropy`. Raises InputError."""
        self.output = softmax(as_matrix("logits", logits))
        return softmax_cross_entropy(logits, y_true)

    def backward(self, dvalues: ArrayLike, y_true: ArrayLike) -> Array:
        """The gradient (N, C) of the mean loss, for the probabilities dvalues (N, C) that forward left in `.output`.

        Raises InputError.
        """
        p = as_matrix("dvalues", dvalues)
        y = as_targets(y_true, *p.shape)
        with np.errstate(all="ignore"):
            wide = minus_targets(np.array(widened(p)), y)
            self.dinputs = rounded(wide / wide.dtype.type(max(len(p), 1)), p.dtype)
        return self.dinputs
