"""The Gaussian error linear unit: x times the normal distribution function of x (Hendrycks and Gimpel 2016).

`approximate="tanh"` is their approximation, with the constant 0.044715.
"""

from __future__ import annotations

import math
from typing import Any

from ..op import Op

ROOT_HALF = math.sqrt(0.5)


def gelu(xp: Any, inputs: Any, *, approximate: str) -> Any:
    """By erfc, which keeps its digits far left of 0."""
    if approximate == "tanh":
        return inputs * (0.5 * (1 + xp.tanh(math.sqrt(2 / math.pi) * (inputs + 0.044715 * inputs**3))))
    return inputs * (0.5 * xp.special.erfc(-inputs * ROOT_HALF))


def by_erf(xp: Any, inputs: Any, *, approximate: str) -> Any:
    """By 1 + erf, as in PyTorch; and with the half before the product."""
    if approximate == "tanh":
        inner = math.sqrt(2 / math.pi) * inputs * (1 + 0.044715 * inputs * inputs)
        return 0.5 * inputs * (1 + xp.tanh(inner))
    return 0.5 * inputs * (1 + xp.special.erf(inputs * ROOT_HALF))


OP = Op(
    "gelu(inputs[...]) -> output[...]",
    definition=gelu,
    forms=(by_erf,),
    options={"approximate": ("none", "tanh")},
    special_values="finite",
)
