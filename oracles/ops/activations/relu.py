"""The rectified linear unit: max(x, 0), elementwise."""

from __future__ import annotations

from typing import Any

from ..op import Op


def relu(xp: Any, inputs: Any) -> Any:
    """x where it is positive, 0 elsewhere. NaN stays NaN; its derivative, as that at 0, is taken for 0."""
    given = xp.as_given(inputs)
    return xp.where(given > 0, inputs, xp.stop_gradient(xp.where(given <= 0, 0.0, inputs)))


OP = Op("relu(inputs[...]) -> output[...]", definition=relu, special_values="all")
