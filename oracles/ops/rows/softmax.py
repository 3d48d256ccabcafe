"""Softmax over the last axis: exp(x_j) / sum_k exp(x_k), of logits less their largest."""

from __future__ import annotations

import math
from typing import Any

from ..domains import logits
from ..op import Op


def shifted(xp: Any, inputs: Any) -> Any:
    """x - max x, which is not above 0 however it is rounded; the maximum is taken for a constant, since it cancels."""
    return xp.within(inputs - xp.stop_gradient(xp.max(inputs, axis=-1, keepdims=True)), -math.inf, 0)


def softmax(xp: Any, inputs: Any) -> Any:
    """Over the sum of the exponentials."""
    e = xp.exp(shifted(xp, inputs))
    return xp.within(e / xp.sum(e, axis=-1, keepdims=True), 0, 1)


def by_logarithm(xp: Any, inputs: Any) -> Any:
    """exp((x - m) - log sum)."""
    below = shifted(xp, inputs)
    total = xp.sum(xp.exp(below), axis=-1, keepdims=True)
    return xp.exp(xp.within(below - xp.log(total), -math.inf, 0))


def by_log_sum_exp(xp: Any, inputs: Any) -> Any:
    """exp(x - (m + log sum)): it rounds at the size of the logits."""
    return xp.exp(xp.within(inputs - xp.special.logsumexp(inputs, axis=-1, keepdims=True), -math.inf, 0))


def by_powers_of_two(xp: Any, inputs: Any) -> Any:
    """2 ** (c x - c m), c = log2 e, as kernels on a GPU do it: the products and the constant are rounded."""
    e = xp.exp(xp.within(shifted(xp, inputs) * (1 / math.log(2)) * math.log(2), -math.inf, 0))
    return xp.within(e / xp.sum(e, axis=-1, keepdims=True), 0, 1)


def by_products(xp: Any, cotangent: Any, inputs: Any) -> Any:
    """s (g - s.g), of the stored probabilities."""
    s = xp.stored(softmax(xp, inputs))
    return s * (cotangent - xp.sum(s * cotangent, axis=-1, keepdims=True))


def by_difference(xp: Any, cotangent: Any, inputs: Any) -> Any:
    """s g - s (s.g)."""
    s = xp.stored(softmax(xp, inputs))
    return s * cotangent - s * xp.sum(s * cotangent, axis=-1, keepdims=True)


def by_jacobian(xp: Any, cotangent: Any, inputs: Any) -> Any:
    """The rows of diag(s) - s s^T, each with g: s_j g_j is one of C terms, and s_j s_k may be flushed."""
    s, size = xp.stored(softmax(xp, inputs)), xp.abs(cotangent)
    weight, most = (xp.sum(a, axis=-1, keepdims=True) for a in (size, s * size))
    rank_1 = xp.flushed(s * xp.sum(s * cotangent, axis=-1, keepdims=True), weight, s * most)
    return xp.among(s * cotangent, inputs.shape[-1]) - rank_1


OP = Op(
    "softmax(inputs[..., C]) -> output[..., C]",
    definition=softmax,
    forms=(by_logarithm, by_log_sum_exp, by_powers_of_two),
    vjp_forms=(by_products, by_difference, by_jacobian),
    domains={"inputs": logits},
    where="C >= 1",
    special_values="all",
)
