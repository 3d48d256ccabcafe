"""Softmax over the last axis: exp(x_j) / sum_k exp(x_k), of logits less their largest."""

from __future__ import annotations

import math
from typing import Any

from .op import Op


def softmax(xp: Any, inputs: Any) -> Any:
    """Over the sum of the exponentials; the largest logit is taken for a constant, since it cancels."""
    e = xp.exp(inputs - xp.stop_gradient(xp.max(inputs, axis=-1, keepdims=True)))
    return e / xp.sum(e, axis=-1, keepdims=True)


def by_logarithm(xp: Any, inputs: Any) -> Any:
    """exp((x - m) - log sum)."""
    shifted = inputs - xp.stop_gradient(xp.max(inputs, axis=-1, keepdims=True))
    return xp.exp(shifted - xp.log(xp.sum(xp.exp(shifted), axis=-1, keepdims=True)))


def by_log_sum_exp(xp: Any, inputs: Any) -> Any:
    """exp(x - (m + log sum)): it rounds at the size of the logits."""
    return xp.exp(inputs - xp.special.logsumexp(inputs, axis=-1, keepdims=True))


def by_powers_of_two(xp: Any, inputs: Any) -> Any:
    """2 ** (c x - c m), c = log2 e, as kernels on a GPU do it: the products and the constant are rounded."""
    shifted = inputs - xp.stop_gradient(xp.max(inputs, axis=-1, keepdims=True))
    e = xp.exp(shifted * (1 / math.log(2)) * math.log(2))
    return e / xp.sum(e, axis=-1, keepdims=True)


def by_products(xp: Any, cotangent: Any, inputs: Any) -> Any:
    """s (g - s.g), of the stored probabilities."""
    s = xp.stored(softmax(xp, inputs))
    return s * (cotangent - xp.sum(s * cotangent, axis=-1, keepdims=True))


def by_difference(xp: Any, cotangent: Any, inputs: Any) -> Any:
    """s g - s (s.g)."""
    s = xp.stored(softmax(xp, inputs))
    return s * cotangent - s * xp.sum(s * cotangent, axis=-1, keepdims=True)


def by_jacobian(xp: Any, cotangent: Any, inputs: Any) -> Any:
    """The rows of diag(s) - s s^T, each with g: s_j g_j is one of C terms."""
    s = xp.stored(softmax(xp, inputs))
    return xp.among(s * cotangent, inputs.shape[-1]) - s * xp.sum(s * cotangent, axis=-1, keepdims=True)


OP = Op(
    "softmax(inputs[..., C]) -> output[..., C]",
    definition=softmax,
    forms=(by_logarithm, by_log_sum_exp, by_powers_of_two),
    vjp_forms=(by_products, by_difference, by_jacobian),
    where="C >= 1",
)
