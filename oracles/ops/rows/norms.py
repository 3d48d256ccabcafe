"""What norms share: their statistics, and the gradient through them in two orders of factors."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..op import leaves_range


def statistics(xp: Any, x: Any, eps: float) -> Any:
    """1 / sqrt(mean square + eps), of what may have been centred."""
    return 1 / xp.sqrt(xp.mean(x * x, axis=-1, keepdims=True) + eps)


def centred_statistics(xp: Any, x: Any, eps: float) -> tuple[Any, Any]:
    """What is left of the mean, and 1 / sqrt(variance + eps)."""
    centred = x - xp.mean(x, axis=-1, keepdims=True)
    return centred, statistics(xp, centred, eps)


def over_samples(xp: Any, a: Any) -> Any:
    """The sum over all axes but the last: the gradient of what is the same for all samples."""
    return xp.sum(a, axis=tuple(range(a.ndim - 1)))


def of_weight_and_bias(xp: Any, cotangent: Any, normal: Any) -> tuple[Any, Any]:
    """The gradients to both: sum(g n), sum(g)."""
    return over_samples(xp, cotangent * normal), over_samples(xp, cotangent)


def in_normals(xp: Any, h: Any, x: Any, rstd: Any) -> Any:
    """r (h - n mean(h n)), with n = x r: the textbooks' order."""
    normal = x * rstd
    return (h - normal * xp.mean(h * normal, axis=-1, keepdims=True)) * rstd


@partial(leaves_range, alone=True)
def of_whole_sums(xp: Any, cotangent: Any, inputs: Any, weight: Any, *bias: Any, eps: float) -> Any:
    """(n h - sum(h) - y sum(h y)) / (n s), with y = x / s; sum(h) where it is centred: n h leaves the range first."""
    x = inputs - xp.mean(inputs, axis=-1, keepdims=True) if bias else inputs
    n, s, h = inputs.shape[-1], xp.sqrt(xp.mean(x * x, axis=-1, keepdims=True) + eps), cotangent * weight
    normal = x / s
    whole = n * h - normal * xp.sum(h * normal, axis=-1, keepdims=True)
    if not bias:
        return whole / (n * s), over_samples(xp, cotangent * normal)
    return (whole - xp.sum(h, axis=-1, keepdims=True)) / (n * s), *of_weight_and_bias(xp, cotangent, normal)


@leaves_range
def of_raw_sums(xp: Any, cotangent: Any, inputs: Any, weight: Any, bias: Any, *, eps: float) -> Any:
    """LayerNorm's gradient r h + b x - (b mean + r sum(h) / n), b of sum(h) and sum(h x): PyTorch's kernel for the CPU.

    b x - b mean rounds at the size of x, and r g may be below the range where g w is not.
    """
    n, (centred, rstd) = inputs.shape[-1], centred_statistics(xp, inputs, eps)
    most = xp.max(xp.abs(inputs), axis=-1, keepdims=True)
    h, mean = cotangent * weight, xp.mean(inputs, axis=-1, keepdims=True)
    of_h, of_product = xp.sum(h, axis=-1, keepdims=True), xp.sum(h * inputs, axis=-1, keepdims=True)
    b = (of_h * mean - of_product) * rstd * rstd * rstd / n
    dinputs = rstd * cotangent * weight + b * xp.rounded_at(centred, 3 * most) - of_h * rstd / n
    return dinputs, *of_weight_and_bias(xp, cotangent, centred * rstd)


def in_cubes(xp: Any, h: Any, x: Any, rstd: Any) -> Any:
    """h r - (x mean(h x)) r^3, as the reciprocal root is differentiated: r^3 / 2 and x mean(h x) leave the range."""
    return h * rstd - (x * (2 * xp.mean(h * x, axis=-1, keepdims=True))) * (0.5 * (rstd * rstd * rstd))
