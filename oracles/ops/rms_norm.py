"""Root mean square normalisation over the last axis (Zhang and Sennrich 2019, equation 4)."""

from __future__ import annotations

from typing import Any

from .op import Op


def rms_norm(xp: Any, inputs: Any, weight: Any, *, eps: float) -> Any:
    """Over the root of the mean square, then times the weights."""
    return inputs / xp.sqrt(xp.mean(inputs * inputs, axis=-1, keepdims=True) + eps) * weight


def by_reciprocal_root(xp: Any, inputs: Any, weight: Any, *, eps: float) -> Any:
    """Times 1 / sqrt(mean square + eps)."""
    return inputs * (1 / xp.sqrt(xp.mean(inputs * inputs, axis=-1, keepdims=True) + eps)) * weight


def textbook_gradient(xp: Any, cotangent: Any, inputs: Any, weight: Any, *, eps: float) -> Any:
    """r (h - n mean(h n)), with h = g w, n = x r."""
    rstd = 1 / xp.sqrt(xp.mean(inputs * inputs, axis=-1, keepdims=True) + eps)
    normal, h = inputs * rstd, cotangent * weight
    dot = xp.mean(h * normal, axis=-1, keepdims=True)
    return (h - normal * dot) * rstd, xp.sum(cotangent * normal, axis=tuple(range(inputs.ndim - 1)))


OP = Op(
    "rms_norm(inputs[..., C], weight[C]) -> output[..., C]",
    definition=rms_norm,
    options={"eps": 1e-6},
    forms=(by_reciprocal_root,),
    vjp_forms=(textbook_gradient,),
    where="C >= 1",
)
