"""The gated unit of Shazeer 2020: silu(gate) times up, with silu(a) = a / (1 + exp(-a))."""

from __future__ import annotations

from typing import Any

from ..op import Op, leaves_range


def swiglu(xp: Any, gate: Any, up: Any) -> Any:
    """By the sigmoid."""
    return gate * xp.special.sigmoid(gate) * up


def by_quotient(xp: Any, gate: Any, up: Any) -> Any:
    """a / (1 + exp(-a)), which leaves the range far left of 0."""
    return gate / (1 + xp.exp(-gate)) * up


def textbook_gradient(xp: Any, cotangent: Any, gate: Any, up: Any) -> Any:
    """s (1 + a (1 - s)) g b, and silu(a) g."""
    s = xp.special.sigmoid(gate)
    return cotangent * up * (s * (1 + gate * (1 - s))), cotangent * (gate * s)


def product_first(xp: Any, cotangent: Any, gate: Any, up: Any) -> Any:
    """(g b) s + (g b a) s (1 - s), as JAX differentiates it: g b a leaves the range first."""
    s, g = xp.special.sigmoid(gate), cotangent * up
    return g * s + (g * gate) * (s * (1 - s)), cotangent * (gate * s)


OP = Op(
    "swiglu(gate[...], up[...]) -> output[...]",
    definition=swiglu,
    forms=(by_quotient,),
    vjp_forms=(textbook_gradient, leaves_range(product_first, alone=True)),
    special_values="finite",
)
