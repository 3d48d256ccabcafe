"""How a candidate is made and called, as lines of code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from ..case import Case
from ..ops import get_op
from .layer import Layer
from .module_calls import DenseModuleCalls, ModuleCalls
from .portable import portable
from .referee import run_layer
from .search import Disagreement
from .sessions import LOSSES, ClassSession
from .traced import TracedSession
from .traced_calls import JaxCalls, ReturningCalls, TorchCalls


class ClassCalls:
    """How an object in the book's interface is called."""

    def __init__(self, layer: Layer) -> None:
        self.op, make, gradients, convert = layer.start.args  # type: ignore[attr-defined]
        self.lines, self.expression = portable(make, "MyLayer")
        self.session = ClassSession(self.op, make, gradients, convert)

    def run(self, layer: Layer, case: Case) -> None:
        """One run of the candidate, to see where it leaves its gradients."""
        with suppress(Disagreement):
            run_layer(layer, case, self.session)

    def make(self, case: Case) -> str:
        """The line that makes an instance, if there is one to make."""
        shape = case.primals["weights"].shape if self.op == "dense" else ()
        return f"layer = {self.expression}({', '.join(map(str, shape))})"

    def forward(self, case: Case, names: Mapping[str, str], output: str) -> Iterator[str]:
        """The lines of a forward pass; `names`: those of the arrays by primal."""
        given = [names[n] for n in case.primals if n not in ("weights", "biases")]
        if self.op == "dense":
            yield f"layer.weights, layer.biases = {names['weights']}, {names['biases']}"
        yield f"{output} = layer.forward({', '.join(given)})"
        yield f"{output} = layer.output if {output} is None else {output}"
        if self.op == "softmax_cross_entropy":
            yield f"{names['predictions']} = layer.output"

    def backward(self, case: Case, names: Mapping[str, str], gradients: Mapping[str, str]) -> Iterator[str]:
        """The lines of a backward pass, which give each gradient its name."""
        given = names["predictions"] if self.op in LOSSES else names["cotangent"]
        labels = f", {names['targets']}" if self.op in LOSSES else ""
        yield f"returned = layer.backward({given}{labels})"
        for primal, name in gradients.items():
            yield f"{name} = {self.session.gradient_expression(primal)}"


class FunctionCalls(ReturningCalls):
    """How forward and vjp are called."""

    def __init__(self, layer: Layer) -> None:
        _, forward, vjp, _ = layer.start.args  # type: ignore[attr-defined]
        (first, self.forward_name), (second, self.vjp_name) = portable(forward, "forward"), portable(vjp, "vjp")
        self.lines = [*first, *(line for line in second if line not in first)]
        self.layer = layer

    def _given(self, case: Case, names: Mapping[str, str]) -> str:
        return ", ".join(names[n] for n in case.primals) + self._options(case)

    def forward(self, case: Case, names: Mapping[str, str], output: str) -> Iterator[str]:
        """The lines of a forward pass; `names`: those of the arrays by primal."""
        yield f"{output} = {self.forward_name}({self._given(case, names)})"

    def backward(self, case: Case, names: Mapping[str, str], gradients: Mapping[str, str]) -> Iterator[str]:
        """The lines of a backward pass, which give each gradient its name."""
        yield f"returned = {self.vjp_name}({names['cotangent']}, {self._given(case, names)})"
        for i, (primal, name) in enumerate(gradients.items()):
            alone = "returned" if len(gradients) == 1 else f"returned[{i}]"
            by_name = f"returned.get('d{primal}', returned.get({primal!r}))"
            yield f"{name} = {by_name} if isinstance(returned, dict) else {alone}"


Calls = ClassCalls | FunctionCalls | TorchCalls | JaxCalls


def calls_of(layer: Layer) -> Calls:
    """The calls of a layer's kind."""
    kind = getattr(layer.start, "func", None)
    if kind is ClassSession:
        return ClassCalls(layer)
    if kind is TracedSession:
        _, fn, framework = layer.start.args  # type: ignore[attr-defined]
        if framework.name == "torch":
            if framework.module.is_function(get_op(layer.op), fn):
                return TorchCalls(layer)
            return DenseModuleCalls(layer) if layer.op == "dense" else ModuleCalls(layer)
        return JaxCalls(layer)
    return FunctionCalls(layer)
