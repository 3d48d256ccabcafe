"""How a candidate is made and called, as lines of code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from ..candidates.gpu_lost import Lost
from ..candidates.interchange import Convert, to_cupy
from ..candidates.layer import Layer
from ..candidates.run import options_of
from ..candidates.sessions import ClassSession, names_of_gradient
from ..candidates.traced import TracedSession
from ..claims.disagreement import Disagreement
from ..claims.referee import run_layer
from ..data.case import Case
from ..sources.arguments import taken_by
from .code_of_module_calls import ModuleCalls
from .code_of_traced_calls import JaxCalls, NamedArrays, ReturningCalls, TorchCalls, outputs_as
from .portable import portable

_CUPY = """\
def convert(a):
    \"\"\"CuPy's, in the memory layout of the array.\"\"\"
    start = sum((n - 1) * -step for n, step in zip(a.shape, a.strides) if step < 0) // a.itemsize if a.size else 0
    reach = 1 + sum((n - 1) * abs(step) for n, step in zip(a.shape, a.strides)) // a.itemsize if a.size else 0
    ahead = a[(*(slice(None, None, -1 if step < 0 else 1) for step in a.strides), ...)]
    row = cupy.asarray(np.lib.stride_tricks.as_strided(ahead, (reach,), (a.itemsize,)))
    return cupy.lib.stride_tricks.as_strided(row[start:], a.shape, a.strides)
"""


class _Converting(NamedArrays):
    """A candidate that takes NumPy's arrays, or what a conversion makes of them."""

    def __init__(self, convert: Convert | None) -> None:
        self.converts = convert is not None
        self.conversion: list[str] = []
        if convert is to_cupy:
            self.conversion = ["import cupy", "", *_CUPY.splitlines()]
        elif convert is not None:  # under a name that is the snippet's own: it may be called array
            lines, expression = portable(convert, "convert", "what makes the layer's arrays")
            *others, last = lines
            imported = re.fullmatch(r"from (\S+) import (\w+)", last)
            if imported and imported[2] == expression:
                self.conversion = [*others, f"{last} as convert"]
            else:
                self.conversion = [*lines, *([f"convert = {expression}"] if expression != "convert" else [])]

    def give(self, *names: str) -> Iterator[str]:
        """The lines that convert what is handed over."""
        if self.converts:
            yield from (f"{name}_ = convert({name})" for name in names)

    def given(self, name: str) -> str:
        """What is handed over."""
        return f"{name}_" if self.converts else name

    def result(self, name: str, expression: str) -> Iterator[str]:
        """The lines that give a result its name."""
        yield f"{self.given(name)} = {expression}"
        if self.converts:
            yield f"{name} = host({name}_)"

    def unpacked(self, outputs: list[str], called: str) -> Iterator[str]:
        """The lines that give each of several outputs its name."""
        yield f"{', '.join(map(self.given, outputs))} = {called}"
        if self.converts:
            yield from (f"{name} = host({name}_)" for name in outputs)


class ClassCalls(_Converting):
    """How an object in the book's interface is called."""

    def __init__(self, layer: Layer) -> None:
        self.op, make, gradients, convert = layer.start.args  # type: ignore[attr-defined]
        super().__init__(convert)
        lines, self.expression = portable(make, "MyLayer", held=(layer, ".start.args[1]"))
        self.lines = [*lines, *(line for line in self.conversion if line not in lines)]
        self.session = ClassSession(self.op, make, gradients, convert)
        self.make_instance, self.layer = make, layer
        self.has_run = False

    def run(self, layer: Layer, case: Case) -> None:
        """One run of the candidate, to see where it leaves its gradients."""
        with suppress(Disagreement, Lost):
            run_layer(layer, case, self.session)
            self.has_run = True

    def options(self, case: Case) -> dict[str, Any]:
        """The options that the layer is passed on a case."""
        return options_of(self.layer, case)

    def make(self, case: Case) -> str:
        """The line that makes an instance, if there is one to make."""
        settings = taken_by(self.make_instance, self.options(case))
        given = [*map(str, self.session.sizes(case.primals)), *(f"{k}={v!r}" for k, v in settings.items())]
        return f"layer = {self.expression}({', '.join(given)})"

    def forward(self, case: Case, names: Mapping[str, str], output: str) -> Iterator[str]:
        """The lines of a forward pass; `names`: those of the arrays by primal."""
        yield from self.give(*(names[n] for n in case.primals))
        given = [self.given(names[n]) for n in self.session.passed()]
        held = self.session.set_as_attributes()
        if held:
            yield f"{', '.join(f'layer.{n}' for n in held)} = {', '.join(self.given(names[n]) for n in held)}"
        given += [f"{k}={v!r}" for k, v in self.session.said_to_forward(self.options(case)).items()]
        outputs, called = outputs_as(case, output), f"layer.forward({', '.join(given)})"
        if len(outputs) > 1:
            yield from self.unpacked(outputs, called)
        else:
            yield f"{self.given(output)} = {called}"
            yield from self.result(output, f"layer.output if {self.given(output)} is None else {self.given(output)}")
        if self.op.labels and self.op.rows != "probabilities":
            yield f"{names['predictions']} = {'host(layer.output)' if self.converts else 'layer.output'}"

    def backward(self, case: Case, names: Mapping[str, str], gradients: Mapping[str, str]) -> Iterator[str]:
        """The lines of a backward pass, which give each gradient its name."""
        first = [names["predictions"]] if self.op.labels else [names[name] for name in case.cotangents]
        if self.op.rows != "probabilities":  # which are what forward was handed
            yield from self.give(*first)
        labels = f", {self.given(names[self.op.labels])}" if self.op.labels else ""
        handed = ", ".join(map(self.given, first))
        yield f"returned = layer.backward({f'({handed})' if len(first) > 1 else handed}{labels})"
        for primal, name in gradients.items():
            where = self.session.gradient_expression(primal)
            if not self.has_run and where.startswith("returned"):  # nobody has seen where it is
                attribute = names_of_gradient(primal)[0]
                where = f"layer.{attribute} if returned is None else getattr(layer, {attribute!r}, {where})"
            yield from self.result(name, where)


class FunctionCalls(_Converting, ReturningCalls):
    """How forward and vjp are called."""

    def __init__(self, layer: Layer) -> None:
        _, forward, vjp, convert = layer.start.args  # type: ignore[attr-defined]
        super().__init__(convert)
        first, self.forward_name = portable(forward, "forward", held=(layer, ".start.args[1]"))
        second, self.vjp_name = portable(vjp, "vjp", held=(layer, ".start.args[2]"))
        self.lines = [*first, *(line for line in (*second, *self.conversion) if line not in first)]
        self.layer = layer

    def _given(self, case: Case, names: Mapping[str, str]) -> str:
        return ", ".join(self.given(names[n]) for n in case.primals) + self._options(case)

    def forward(self, case: Case, names: Mapping[str, str], output: str) -> Iterator[str]:
        """The lines of a forward pass; `names`: those of the arrays by primal."""
        yield from self.give(*(names[n] for n in case.primals))
        outputs, called = outputs_as(case, output), f"{self.forward_name}({self._given(case, names)})"
        if len(outputs) == 1:
            yield from self.result(output, called)
        else:
            yield from self.unpacked(outputs, called)

    def backward(self, case: Case, names: Mapping[str, str], gradients: Mapping[str, str]) -> Iterator[str]:
        """The lines of a backward pass, which give each gradient its name."""
        cotangents = [names[name] for name in case.cotangents]
        yield from self.give(*cotangents)
        handed = ", ".join(map(self.given, cotangents))
        handed = handed if len(cotangents) == 1 else f"({handed})"
        yield f"returned = {self.vjp_name}({handed}, {self._given(case, names)})"
        for i, (primal, name) in enumerate(gradients.items()):
            one = "returned[0] if isinstance(returned, (tuple, list)) and len(returned) == 1 else returned"
            alone = one if len(gradients) == 1 else f"returned[{i}]"
            by_name = f"returned.get('d{primal}', returned.get({primal!r}))"
            yield from self.result(name, f"{by_name} if isinstance(returned, dict) else {alone}")


Calls = ClassCalls | FunctionCalls | TorchCalls | JaxCalls


def calls_of(layer: Layer) -> Calls:
    """The calls of a layer's kind."""
    kind = getattr(layer.start, "func", None)
    if kind is ClassSession:
        return ClassCalls(layer)
    if kind is TracedSession:
        _, fn, framework = layer.start.args  # type: ignore[attr-defined]
        if framework.name == "torch":
            if framework.module.is_function(layer.declaration, fn):
                return TorchCalls(layer)
            return ModuleCalls(layer)
        return JaxCalls(layer)
    return FunctionCalls(layer)
