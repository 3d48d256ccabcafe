"""What a layer or an oracle computed for a case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .arrays import Array


@dataclass(frozen=True)
class Result:
    """What a layer or an oracle computed for a case: the output, and the gradients by the name of their primal."""

    output: Array
    gradients: Mapping[str, Array]

    def named(self) -> dict[str, Array]:
        """Everything under one name each: "output", then "d" and the primal's name."""
        return {"output": self.output} | {f"d{name}": value for name, value in self.gradients.items()}
