"""Binary cross-entropy of logits: log(1 + exp(z)) - z y, reduced over all elements."""

from __future__ import annotations

from typing import Any

from ..domains import Domain
from ..op import Op
from .reductions import REDUCTIONS, of_each, reduced


def bce_with_logits(xp: Any, logits: Any, targets: Any, *, reduction: str) -> Any:
    """max(z, 0) - z y + log(1 + exp(-|z|))."""
    return reduced(xp, xp.maximum(logits, 0.0) - logits * targets + _tail(xp, logits), reduction)


def by_log_sigmoids(xp: Any, logits: Any, targets: Any, *, reduction: str) -> Any:
    """-y log s(z) - (1 - y) log s(-z)."""
    of_one = _tail(xp, logits) - xp.minimum(logits, 0.0)
    of_none = _tail(xp, logits) + xp.maximum(logits, 0.0)
    return reduced(xp, targets * of_one + (1 - targets) * of_none, reduction)


def by_one_log_sigmoid(xp: Any, logits: Any, targets: Any, *, reduction: str) -> Any:
    """(1 - y) z - log s(z), as in PyTorch."""
    return reduced(xp, (1 - targets) * logits + (_tail(xp, logits) - xp.minimum(logits, 0.0)), reduction)


def textbook_gradient(xp: Any, cotangent: Any, logits: Any, targets: Any, *, reduction: str) -> Any:
    """(s(z) - y) g / n."""
    g = of_each(cotangent, logits.size, reduction)
    return (xp.special.sigmoid(logits) - targets) * g


def gradient_in_logarithms(xp: Any, cotangent: Any, logits: Any, targets: Any, *, reduction: str) -> Any:
    """s(z) as exp(z - log(1 + exp(z))), as JAX's log_sigmoid has it: z itself is rounded first."""
    g = of_each(cotangent, logits.size, reduction)
    of_one = xp.exp(-logits - (_tail(xp, logits) - xp.minimum(logits, 0.0)))
    of_none = xp.exp(logits - (_tail(xp, logits) + xp.maximum(logits, 0.0)))
    return (1 - targets) * g * of_none - targets * g * of_one


def _tail(xp: Any, logits: Any) -> Any:
    return xp.log1p(xp.exp(-xp.abs(logits)))


OP = Op(
    "bce_with_logits(logits[...], targets[...]) -> output",
    definition=bce_with_logits,
    options={"reduction": REDUCTIONS},
    forms=(by_log_sigmoids, by_one_log_sigmoid),
    vjp_forms=(textbook_gradient, gradient_in_logarithms),
    domains={"targets": Domain("numbers from 0 to 1", low=0.0, high=1.0, differentiable=False)},
    special_values="finite",
)
