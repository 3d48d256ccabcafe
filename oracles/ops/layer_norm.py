"""Layer normalisation over the last axis (Ba, Kiros and Hinton 2016, equation 3)."""

from __future__ import annotations

from typing import Any

from .op import Op


def layer_norm(xp: Any, inputs: Any, weight: Any, bias: Any, *, eps: float) -> Any:
    """The variance of what is centred first: two passes."""
    centred = inputs - xp.mean(inputs, axis=-1, keepdims=True)
    variance = xp.mean(centred * centred, axis=-1, keepdims=True)
    return weight * (centred / xp.sqrt(variance + eps)) + bias


def by_reciprocal_root(xp: Any, inputs: Any, weight: Any, bias: Any, *, eps: float) -> Any:
    """Times 1 / sqrt(variance + eps)."""
    centred, rstd = _statistics(xp, inputs, eps)
    return centred * rstd * weight + bias


def by_scale_and_shift(xp: Any, inputs: Any, weight: Any, bias: Any, *, eps: float) -> Any:
    """x (w r) + (b - mean w r), as kernels for the CPU do it: five roundings at the size of x, none of another w r."""
    centred, rstd = _statistics(xp, inputs, eps)
    largest = xp.max(xp.abs(inputs), axis=-1, keepdims=True)
    return xp.rounded_at(centred, 3 * largest) * (rstd * weight) + xp.rounded_at(bias, bias)


def textbook_gradient(xp: Any, cotangent: Any, inputs: Any, weight: Any, bias: Any, *, eps: float) -> Any:
    """r (h - mean h - n mean(h n)), with h = g w and n what is normalised."""
    centred, rstd = _statistics(xp, inputs, eps)
    normal, h = centred * rstd, cotangent * weight
    mean, dot = xp.mean(h, axis=-1, keepdims=True), xp.mean(h * normal, axis=-1, keepdims=True)
    over = tuple(range(inputs.ndim - 1))
    return (h - mean - normal * dot) * rstd, xp.sum(cotangent * normal, axis=over), xp.sum(cotangent, axis=over)


def one_pass(xp: Any, inputs: Any, weight: Any, bias: Any, *, eps: float) -> Any:
    """E[x^2] - E[x]^2, which cancels where the mean is large."""
    mean = xp.mean(inputs, axis=-1, keepdims=True)
    variance = xp.mean(inputs * inputs, axis=-1, keepdims=True) - mean * mean
    return weight * ((inputs - mean) / xp.sqrt(xp.maximum(variance, 0.0) + eps)) + bias


def _statistics(xp: Any, inputs: Any, eps: float) -> tuple[Any, Any]:
    centred = inputs - xp.mean(inputs, axis=-1, keepdims=True)
    return centred, 1 / xp.sqrt(xp.mean(centred * centred, axis=-1, keepdims=True) + eps)


OP = Op(
    "layer_norm(inputs[..., C], weight[C], bias[C]) -> output[..., C]",
    definition=layer_norm,
    options={"eps": 1e-5},
    forms=(by_reciprocal_root, by_scale_and_shift),
    vjp_forms=(textbook_gradient,),
    outside={"one-pass variance": one_pass},
    where="C >= 1",
)
