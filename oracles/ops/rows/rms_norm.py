"""Root mean square normalisation over the last axis (Zhang and Sennrich 2019, equation 4)."""

from __future__ import annotations

from typing import Any

from ..op import Op, leaves_range
from .norms import in_cubes, in_normals, of_whole_sums, over_samples, statistics


def rms_norm(xp: Any, inputs: Any, weight: Any, *, eps: float) -> Any:
    """Over the root of the mean square, then times the weights."""
    return inputs / xp.sqrt(xp.mean(inputs * inputs, axis=-1, keepdims=True) + eps) * weight


def by_reciprocal_root(xp: Any, inputs: Any, weight: Any, *, eps: float) -> Any:
    """Times 1 / sqrt(mean square + eps)."""
    return inputs * statistics(xp, inputs, eps) * weight


def by_weight_first(xp: Any, inputs: Any, weight: Any, *, eps: float) -> Any:
    """x (w r), of which w r is the first to be below the range."""
    return inputs * (weight * statistics(xp, inputs, eps))


def textbook_gradient(xp: Any, cotangent: Any, inputs: Any, weight: Any, *, eps: float) -> Any:
    """r (h - n mean(h n)), with h = g w, n = x r."""
    rstd = statistics(xp, inputs, eps)
    return in_normals(xp, cotangent * weight, inputs, rstd), over_samples(xp, cotangent * (inputs * rstd))


def gradient_in_cubes(xp: Any, cotangent: Any, inputs: Any, weight: Any, *, eps: float) -> Any:
    """h r - x mean(h x) r^3."""
    rstd = statistics(xp, inputs, eps)
    return in_cubes(xp, cotangent * weight, inputs, rstd), over_samples(xp, cotangent * (inputs * rstd))


OP = Op(
    "rms_norm(inputs[..., C], weight[C]) -> output[..., C]",
    definition=rms_norm,
    options={"eps": 1e-6},
    forms=(by_reciprocal_root, by_weight_first),
    vjp_forms=(textbook_gradient, leaves_range(gradient_in_cubes), of_whole_sums),
    where="C >= 1",
    special_values="finite",
)
