"""Scaled dot-product attention (Vaswani et al. 2017, equation 1): softmax(q k^T / sqrt(D)) v; causal where asked."""

from __future__ import annotations

import math
from typing import Any

from ..op import Op, leaves_range
from ..rows.softmax import softmax


def attention(xp: Any, q: Any, k: Any, v: Any, *, causal: bool) -> Any:
    """The scores scaled once they are summed."""
    return softmax(xp, _masked(xp, (q @ k.mT) * (1 / math.sqrt(q.shape[-1])), causal)) @ v


def by_scaled_queries(xp: Any, q: Any, k: Any, v: Any, *, causal: bool) -> Any:
    """The queries scaled first."""
    return softmax(xp, _masked(xp, (q * (1 / math.sqrt(q.shape[-1]))) @ k.mT, causal)) @ v


def by_division_at_the_end(xp: Any, q: Any, k: Any, v: Any, *, causal: bool) -> Any:
    """exp(scores - m) v, over the sum: flash attention's order."""
    scores = _masked(xp, (q @ k.mT) / math.sqrt(q.shape[-1]), causal)
    e = xp.exp(scores - xp.stop_gradient(xp.max(scores, axis=-1, keepdims=True)))
    return (e @ v) / xp.sum(e, axis=-1, keepdims=True)


def by_any_difference(xp: Any, q: Any, k: Any, v: Any, *, causal: bool) -> Any:
    """Where a compiler contracts the scale into scores - m, the difference may be above 0, by the rounding of m."""
    scores = _masked(xp, (q @ k.mT) * (1 / math.sqrt(q.shape[-1])), causal)
    e = xp.exp(scores - xp.stop_gradient(xp.max(scores, axis=-1, keepdims=True)))
    return (e / xp.sum(e, axis=-1, keepdims=True)) @ v


def _masked(xp: Any, scores: Any, causal: bool) -> Any:
    """-inf where a query would see a later key."""
    queries, keys = scores.shape[-2:]
    return xp.where(xp.arange(queries)[:, None] >= xp.arange(keys), scores, -xp.inf) if causal else scores


OP = Op(
    "attention(q[..., L, D], k[..., S, D], v[..., S, E]) -> output[..., L, E]",
    definition=attention,
    options={"causal": (False, True)},
    forms=(by_scaled_queries, by_division_at_the_end, leaves_range(by_any_difference, alone=True)),
    where="S >= 1 and D >= 1",
    special_values="finite",
)
