"""How an nn.Module is made, given its parameters, called and differentiated, as lines of code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from ..candidates.gpu_lost import Lost
from ..candidates.layer import Layer
from ..candidates.run import options_of
from ..candidates.traced import TracedSession
from ..claims.disagreement import Disagreement
from ..claims.referee import run_layer
from ..data.case import Case
from .code_of_traced_calls import TorchCalls, outputs_as


class ModuleCalls(TorchCalls):
    """An nn.Module, its class, or what makes one; parameters are set to the case's, and hold their gradients after."""

    def __init__(self, layer: Layer) -> None:
        super().__init__(layer)
        fn = layer.start.args[1]  # type: ignore[attr-defined]
        self.called = "layer"
        self.session = TracedSession(*layer.start.args)  # type: ignore[attr-defined]
        self.is_made = hasattr(fn, "named_parameters") and not isinstance(fn, type)
        if self.is_made:
            self.lines.insert(0, "import copy")

    def run(self, layer: Layer, case: Case) -> None:
        """One run of the candidate, to see under which names it has its parameters."""
        with suppress(Disagreement, Lost):
            run_layer(layer, case, self.session)

    def _made_with(self, case: Case) -> tuple[tuple[int, ...], dict[str, Any]]:
        shapes = {name: a.shape for name, a in case.primals.items()}
        made: tuple[tuple[int, ...], dict[str, Any]] = self.session.trace.made_with(
            shapes, options_of(self.layer, case)
        )
        return made

    def make(self, case: Case) -> str:
        """The line that makes an instance: one that is made already is copied, as every run of it is."""
        sizes, settings = self._made_with(case)
        given = ", ".join([*map(str, sizes), *(f"{k}={v!r}" for k, v in settings.items())])
        return f"layer = copy.deepcopy({self.expression})" if self.is_made else f"layer = {self.expression}({given})"

    def _options(self, case: Case) -> str:
        settings = self._made_with(case)[1]
        return "".join(f", {k}={v!r}" for k, v in options_of(self.layer, case).items() if k not in settings)

    def forward(self, case: Case, names: Mapping[str, str], output: str) -> Iterator[str]:
        """The lines of a forward pass; `names`: those of the arrays by primal."""
        paths, first = self.session.trace.paths, names[case.signature.primals[0]]
        if not paths:
            yield f"layer.to({self.device!r}, tensor({first}).dtype)"
            yield from super().forward(case, names, output)
            return
        yield from self._labels(case, names)
        given = [name for name in case.primals if name not in paths]
        for name in given:
            grad = ".requires_grad_()" if name in case.signature.differentiable else ""
            yield f"{names[name]}_ = tensor({names[name]}){grad}"
        yield f"layer.to({self.device!r}, {first}_.dtype)"
        for name, path in paths.items():
            yield f"layer.{path}.data = tensor({names[name]}){self._laid_out(case, name, path)}.contiguous()"
            if self.converts:
                yield f"{names[name]}_ = layer.{path}{self._as_primal(case, name, path)}"
        outputs = outputs_as(case, output)
        called = f"layer({', '.join(f'{names[name]}_' for name in given)}{self._options(case)})"
        yield f"{', '.join(f'{name}_' for name in outputs)} = {called}"
        yield from (f"{name} = numbers({name}_)" for name in outputs)

    def backward(self, case: Case, names: Mapping[str, str], gradients: Mapping[str, str]) -> Iterator[str]:
        """The lines of a backward pass, which give each gradient its name."""
        paths = self.session.trace.paths
        if not paths:
            yield from super().backward(case, names, gradients)
            return
        leaves = {n: f"layer.{paths[n]}" if n in paths else f"{names[n]}_" for n in gradients}
        yield f"{' = '.join(f'{leaf}.grad' for leaf in leaves.values())} = None"
        cotangents = [names[name] for name in case.cotangents]
        yield from (f"{name}_ = tensor({name})" for name in cotangents)
        if len(cotangents) == 1:
            yield f"output_.backward({cotangents[0]}_, retain_graph=True)"
        else:
            pairs = [", ".join(f"{name}_" for name in some) for some in (outputs_as(case, "output"), cotangents)]
            yield f"torch.autograd.backward([{pairs[0]}], [{pairs[1]}], retain_graph=True)"
        for name, leaf in leaves.items():
            laid = self._as_primal(case, name, paths[name]) if name in paths else ""
            yield f"{gradients[name]}_ = {leaf}.grad{laid}"
            yield f"{gradients[name]} = numbers({gradients[name]}_)"

    def _as_primal(self, case: Case, name: str, path: str) -> str:
        """What takes a parameter to the layout of its primal."""
        return self._laid_out(case, name, path).replace("[0]", "[None]")

    def _laid_out(self, case: Case, name: str, path: str) -> str:
        """What takes a primal to the parameter's layout: weight is (n_neurons, n_inputs), a bias may be a vector."""
        if name == "weights" and path.endswith("weight"):
            return ".T"
        flat = self.session.trace.module.get_parameter(path).ndim == case.primals[name].ndim - 1
        return "[0]" if flat else ""
