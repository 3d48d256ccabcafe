"""Categorical cross-entropy on probabilities: loss_i = -sum_c y_ic log p_ic.

With g_i the cotangent of sample i's loss (g / N of it under the mean over N samples),
    dprobabilities_ic = -y_ic g_i / p_ic

A zero label contributes exactly 0 to loss and gradient, also where its probability is 0. Nothing is clipped unless
clip=1e-7 is passed: then p is clipped to [clip, 1 - clip] first, and the gradient of that is 0 outside the interval and
that of the clipped value on it, bounds included (the choice of torch.clamp before 2.15).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ._arrays import (
    Array,
    InputError,
    as_floats,
    as_matrix,
    check_reduction,
    reduce_losses,
    rounded,
    sample_cotangents,
    shown,
    widened,
)
from ._targets import as_targets


def cross_entropy(
    probabilities: ArrayLike, targets: ArrayLike, reduction: str = "mean", *, clip: float | None = None
) -> Array:
    """The loss in nats: a scalar array for "mean" and "sum", (N,) for "none". The mean over no samples is NaN.

    probabilities (N, C); targets: class ids (N,), or label weights (N, C), which need not sum to 1. Raises InputError.
    """
    check_reduction(reduction)
    p = as_matrix("probabilities", probabilities)
    y = as_targets(targets, *p.shape)
    with np.errstate(all="ignore"):
        wide = _clipped(widened(p), clip, p.dtype)
        if y.ndim == 1:
            losses = -np.log(wide[np.arange(len(y)), y])
        else:
            y = y.astype(wide.dtype, copy=False)
            logs = np.log(wide, out=np.zeros_like(wide), where=y != 0)
            losses = -(y * logs).sum(axis=1)
    return reduce_losses(losses, reduction, p.dtype)


def cross_entropy_vjp(
    cotangent: ArrayLike,
    probabilities: ArrayLike,
    targets: ArrayLike,
    reduction: str = "mean",
    *,
    clip: float | None = None,
) -> Array:
    """The gradient of `cross_entropy` with respect to the probabilities, (N, C).

    cotangent: a scalar, or (N,) for reduction="none". Raises InputError.
    """
    p = as_matrix("probabilities", probabilities)
    y = as_targets(targets, *p.shape)
    wide = widened(p)
    g = sample_cotangents(cotangent, len(p), reduction, wide.dtype)
    clipped = _clipped(wide, clip, p.dtype)
    gradient = np.zeros(wide.shape, wide.dtype)
    with np.errstate(all="ignore"):
        if y.ndim == 1:
            rows = np.arange(len(y))
            gradient[rows, y] = -(g[:, 0] / clipped[rows, y])
        else:
            y = y.astype(wide.dtype, copy=False)
            np.divide(-(y * g), clipped, out=gradient, where=y != 0)
        if clip is not None:
            gradient[(wide < clipped) | (wide > clipped)] = 0
        return rounded(gradient, p.dtype)


class Loss:
    """A per-sample loss: `calculate(output, y)` is the mean of `forward(output, y)`."""

    def forward(self, y_pred: ArrayLike, y_true: ArrayLike) -> Array:
        """Per-sample losses (N,) of predictions (N, C); a loss defines it."""
        raise NotImplementedError(f"{type(self).__name__}.forward: a loss defines the losses of its samples")

    def calculate(self, output: ArrayLike, y: ArrayLike) -> Array:
        """The mean of the losses of output (N, C) and labels y, a scalar array. Raises InputError."""
        losses = as_floats("losses", self.forward(output, y))
        return reduce_losses(widened(losses), "mean", losses.dtype)


class CategoricalCrossEntropy(Loss):
    """`forward(y_pred, y_true)` gives the per-sample losses, `calculate` their mean.

    `backward(dvalues, y_true)`, as in the book, takes the predictions as dvalues and sets and returns `.dinputs`, the
    gradient of the mean loss: there is no cotangent. `clip` is that of `cross_entropy`.
    """

    dinputs: Array

    def __init__(self, *, clip: float | None = None) -> None:
        self.clip = clip

    def forward(self, y_pred: ArrayLike, y_true: ArrayLike) -> Array:
        """Per-sample losses (N,) of predicted probabilities (N, C), labels as in `cross_entropy`. Raises InputError."""
        return cross_entropy(y_pred, y_true, "none", clip=self.clip)

    def backward(self, dvalues: ArrayLike, y_true: ArrayLike) -> Array:
        """The gradient (N, C) of the mean loss with respect to the predictions dvalues (N, C). Raises InputError."""
        p = as_floats("dvalues", dvalues)
        self.dinputs = cross_entropy_vjp(1.0, p, y_true, clip=self.clip)
        return self.dinputs


def _clipped(p: Array, clip: float | None, dtype: DTypeLike) -> Array:
    """p clipped to [clip, 1 - clip], bounds that are rounded to `dtype`."""
    if clip is None:
        return p
    if np.ndim(clip) or np.asarray(clip).dtype.kind != "f" or not 0 < clip < 0.5:
        raise InputError(f"clip: expected a number between 0 and 0.5, got {shown(clip)}")
    low, high = np.array([clip, 1 - clip]).astype(dtype).astype(p.dtype)
    return np.clip(p, low, high)
