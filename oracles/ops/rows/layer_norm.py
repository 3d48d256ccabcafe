"""Layer normalisation over the last axis (Ba, Kiros and Hinton 2016, equation 3)."""

from __future__ import annotations

from typing import Any

from ..op import Op, leaves_range
from .norms import centred_statistics, in_cubes, in_normals, of_raw_sums, of_weight_and_bias, of_whole_sums


def layer_norm(xp: Any, inputs: Any, weight: Any, bias: Any, *, eps: float) -> Any:
    """The variance of what is centred first: two passes."""
    centred = inputs - xp.mean(inputs, axis=-1, keepdims=True)
    variance = xp.mean(centred * centred, axis=-1, keepdims=True)
    return weight * (centred / xp.sqrt(variance + eps)) + bias


def by_reciprocal_root(xp: Any, inputs: Any, weight: Any, bias: Any, *, eps: float) -> Any:
    """Times 1 / sqrt(variance + eps)."""
    centred, rstd = centred_statistics(xp, inputs, eps)
    return centred * rstd * weight + bias


def by_scale_and_shift(xp: Any, inputs: Any, weight: Any, bias: Any, *, eps: float) -> Any:
    """x (w r) + (b - mean w r), as kernels for the CPU do it: five roundings at the size of x, none of another w r."""
    (centred, rstd), most = centred_statistics(xp, inputs, eps), xp.max(xp.abs(inputs), axis=-1, keepdims=True)
    return xp.rounded_at(centred, 3 * most) * (rstd * weight) + xp.rounded_at(bias, bias)


def textbook_gradient(xp: Any, cotangent: Any, inputs: Any, weight: Any, bias: Any, *, eps: float) -> Any:
    """r (h - mean h - n mean(h n)), with h = g w and n what is normalised."""
    h, (centred, rstd) = cotangent * weight, centred_statistics(xp, inputs, eps)
    dinputs = in_normals(xp, h - xp.mean(h, axis=-1, keepdims=True), centred, rstd)
    return dinputs, *of_weight_and_bias(xp, cotangent, centred * rstd)


def gradient_in_cubes(xp: Any, cotangent: Any, inputs: Any, weight: Any, bias: Any, *, eps: float) -> Any:
    """h r - c mean(h c) r^3, with c what is centred, less its mean."""
    centred, rstd = centred_statistics(xp, inputs, eps)
    d = in_cubes(xp, cotangent * weight, centred, rstd)
    return d - xp.mean(d, axis=-1, keepdims=True), *of_weight_and_bias(xp, cotangent, centred * rstd)


def one_pass(xp: Any, inputs: Any, weight: Any, bias: Any, *, eps: float) -> Any:
    """E[x^2] - E[x]^2, which cancels where the mean is large."""
    mean = xp.mean(inputs, axis=-1, keepdims=True)
    variance = xp.mean(inputs * inputs, axis=-1, keepdims=True) - mean * mean
    return weight * ((inputs - mean) / xp.sqrt(xp.maximum(variance, 0.0) + eps)) + bias


OP = Op(
    "layer_norm(inputs[..., C], weight[C], bias[C]) -> output[..., C]",
    definition=layer_norm,
    options={"eps": 1e-5},
    forms=(by_reciprocal_root, by_scale_and_shift),
    vjp_forms=(textbook_gradient, leaves_range(gradient_in_cubes), of_raw_sums, of_whole_sums),
    outside={"one-pass variance": one_pass},
    where="C >= 1",
    special_values="finite",
)
