"""What a layer or an oracle computed for a case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..ops import Op
from .arrays import Array


@dataclass(frozen=True)
class Result:
    """What a layer or an oracle computed for a case: the output, and the gradients by the name of their primal.

    outputs: by their names where an op has several; output is then the first.
    """

    output: Array
    gradients: Mapping[str, Array]
    outputs: Mapping[str, Array] = field(default_factory=dict)

    @classmethod
    def of(cls, op: Op, results: Mapping[str, Array]) -> Result:
        """That of results under one name each, as `named` has them; an output that is not among them is a 0."""
        outputs = {name: results.get(name, np.zeros(())) for name in op.outputs}
        gradients = {name.removeprefix("d"): a for name, a in results.items() if name not in outputs}
        return cls(next(iter(outputs.values())), gradients, outputs if len(outputs) > 1 else {})

    def named(self) -> dict[str, Array]:
        """Everything under one name each: "output", or those of several, then "d" and the primal's name."""
        outputs = self.outputs or {"output": self.output}
        return {**outputs, **{f"d{name}": value for name, value in self.gradients.items()}}
