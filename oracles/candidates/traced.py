"""A candidate in a framework's own code: the framework runs it, and differentiates it by the candidate's own backward.

What belongs to the framework is in its adapter: `share`, `to_array` and `tracer`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..data.arrays import Array
from ..ops import Op
from ..sources.arguments import outputs_by_name
from ..sources.primals import taken_dtypes
from ..sources.registry import LayerError, Oracle
from .interchange import Handed, Handover
from .sessions import handed_over


class TracedSession:
    """One instance of a framework's function or module. The backward pass is of the latest forward pass."""

    def __init__(self, op: Op, fn: Any, framework: Oracle) -> None:
        self.op, self._framework, self._handover = op, framework, Handover()
        self.trace = framework.module.tracer(self.op, fn, framework.device)
        self._output: Any = None
        self._pull: Callable[[Any], Mapping[str, Any]] | None = None

    def forward(self, arrays: Mapping[str, Array], options: Mapping[str, Any]) -> Any:
        """The output. Labels go in as frameworks take them: ids as int64, rows in the dtype of the predictions."""
        dtypes = taken_dtypes(self.op, arrays)

        def share(name: str, a: Array) -> Any:
            return self._handover.give(name, a, lambda a: self._share(a.astype(dtypes.get(name, a.dtype), copy=False)))

        given = {name: share(name, a) for name, a in arrays.items()}
        self._pull = None  # a forward pass that fails leaves no backward pass of an earlier one
        self._output, self._pull = self.trace(given, options)
        return self._output

    def backward(self, cotangent: Any, arrays: Mapping[str, Array], options: Mapping[str, Any]) -> Mapping[str, Any]:
        """The framework's gradients; LayerError where it has none."""
        if self._pull is None:
            raise LayerError("backward was called before a forward pass succeeded")
        outputs = outputs_by_name(self.op, self._output)
        several = len(outputs) > 1
        for (name, output), g in zip(outputs.items(), cotangent if several else (cotangent,), strict=True):
            if tuple(output.shape) != g.shape:
                raise LayerError(f"{name}: expected shape {g.shape}, got {tuple(output.shape)}")
        gradients = self._pull(handed_over(self._handover, self.op, cotangent, self._share))
        absent = [name for name in self.op.differentiable if gradients[name] is None]
        if absent:
            listed = ", ".join(absent)
            reached = getattr(self._framework.module, "depends_on", lambda output, array: False)
            given = {name: one.given for name, one in self._handover.handed().items()}
            if any(reached(y, given[n]) for n in absent if n in given for y in outputs.values()):
                raise LayerError(f"backward returned None for {listed}: no gradient, where the output depends on it")
            why = "the output does not depend on it, or was detached from it"
            raise LayerError(f"{self._framework.name} has no gradient for {listed}: {why}")
        return gradients

    def parameters(self) -> Mapping[str, Any]:
        """The parameters of a module, as the op lays them out."""
        read = getattr(self.trace, "parameters", dict)
        parameters: Mapping[str, Any] = read()
        return parameters

    def handed(self) -> Mapping[str, Handed]:
        """The very tensors it was handed."""
        return self._handover.handed()

    def _share(self, a: Array) -> Any:
        return self._framework.module.share(a, self._framework.device)
