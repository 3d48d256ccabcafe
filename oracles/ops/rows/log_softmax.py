"""The logarithm of softmax over the last axis: x_j - log sum_k exp(x_k)."""

from __future__ import annotations

from typing import Any

from ..op import Op
from .softmax import shifted


def log_softmax(xp: Any, inputs: Any) -> Any:
    """Less the largest, then less the logarithm of the sum."""
    below = shifted(xp, inputs)
    return below - xp.log(xp.sum(xp.exp(below), axis=-1, keepdims=True))


def by_log_sum_exp(xp: Any, inputs: Any) -> Any:
    """x - (m + log sum): it rounds at the size of the inputs."""
    return inputs - xp.special.logsumexp(inputs, axis=-1, keepdims=True)


def textbook_gradient(xp: Any, cotangent: Any, inputs: Any) -> Any:
    """g - exp(y) sum(g), of the stored output."""
    return cotangent - xp.exp(xp.stored(log_softmax(xp, inputs))) * xp.sum(cotangent, axis=-1, keepdims=True)


def unshifted(xp: Any, inputs: Any) -> Any:
    """Without the largest subtracted: it overflows, or loses all digits."""
    return inputs - xp.log(xp.sum(xp.exp(inputs), axis=-1, keepdims=True))


OP = Op(
    "log_softmax(inputs[..., C]) -> output[..., C]",
    definition=log_softmax,
    forms=(by_log_sum_exp,),
    vjp_forms=(textbook_gradient,),
    outside={"exp without the maximum subtracted": unshifted},
    where="C >= 1",
    special_values="finite",
)
