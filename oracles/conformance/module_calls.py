"""How an nn.Module is made, given its parameters, called and differentiated, as lines of code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from ..case import Case
from .layer import Layer
from .lost import Lost
from .referee import run_layer
from .search import Disagreement
from .traced import TracedSession
from .traced_calls import TorchCalls


class ModuleCalls(TorchCalls):
    """An nn.Module without parameters, its class, or what makes one."""

    def __init__(self, layer: Layer) -> None:
        super().__init__(layer)
        fn = layer.start.args[1]  # type: ignore[attr-defined]
        self.called = "layer"
        self.is_made = hasattr(fn, "named_parameters") and not isinstance(fn, type)
        if self.is_made:
            self.lines.insert(0, "import copy")

    def make(self, case: Case) -> str:
        """The line that makes an instance: one that is made already is copied, as every run of it is."""
        return f"layer = {self._made('')}"

    def _made(self, sizes: str) -> str:
        return f"copy.deepcopy({self.expression})" if self.is_made else f"{self.expression}({sizes})"

    def forward(self, case: Case, names: Mapping[str, str], output: str) -> Iterator[str]:
        """The lines of a forward pass; `names`: those of the arrays by primal."""
        yield f"layer.to({self.device!r}, tensor({names[case.signature.primals[0]]}).dtype)"
        yield from super().forward(case, names, output)


class DenseModuleCalls(ModuleCalls):
    """An nn.Module whose parameters are set to the case's, and hold their gradients after backward."""

    def __init__(self, layer: Layer) -> None:
        super().__init__(layer)
        self.session = TracedSession(*layer.start.args)  # type: ignore[attr-defined]

    def run(self, layer: Layer, case: Case) -> None:
        """One run of the candidate, to see under which names it has its parameters."""
        with suppress(Disagreement, Lost):
            run_layer(layer, case, self.session)

    def make(self, case: Case) -> str:
        """The line that makes an instance."""
        return f"layer = {self._made(', '.join(map(str, case.primals['weights'].shape)))}"

    def forward(self, case: Case, names: Mapping[str, str], output: str) -> Iterator[str]:
        """The lines of a forward pass; `names`: those of the arrays by primal."""
        yield f"{names['inputs']}_ = tensor({names['inputs']}).requires_grad_()"
        yield f"layer.to({self.device!r}, {names['inputs']}_.dtype)"
        for name, path in self.session.trace.paths.items():
            yield f"layer.{path}.data = tensor({names[name]}){self._laid_out(name, path)}.contiguous()"
            if self.converts:
                yield f"{names[name]}_ = layer.{path}{self._as_primal(name, path)}"
        yield f"{output}_ = layer({names['inputs']}_)"
        yield f"{output} = numbers({output}_)"

    def backward(self, case: Case, names: Mapping[str, str], gradients: Mapping[str, str]) -> Iterator[str]:
        """The lines of a backward pass, which give each gradient its name."""
        paths = self.session.trace.paths
        leaves = [f"{names['inputs']}_", *(f"layer.{path}" for path in paths.values())]
        yield f"{' = '.join(f'{leaf}.grad' for leaf in leaves)} = None"
        yield f"{names['cotangent']}_ = tensor({names['cotangent']})"
        yield f"output_.backward({names['cotangent']}_, retain_graph=True)"
        yield f"{gradients['inputs']}_ = {leaves[0]}.grad"
        yield f"{gradients['inputs']} = numbers({gradients['inputs']}_)"
        for name, path in paths.items():
            yield f"{gradients[name]}_ = layer.{path}.grad{self._as_primal(name, path)}"
            yield f"{gradients[name]} = numbers({gradients[name]}_)"

    def _as_primal(self, name: str, path: str) -> str:
        """What takes a parameter to the layout of its primal."""
        return self._laid_out(name, path).replace("[0]", "[None]")

    def _laid_out(self, name: str, path: str) -> str:
        """What takes a primal to the parameter's layout: weight is (n_neurons, n_inputs), a bias may be a vector."""
        if path.endswith("weight"):
            return ".T"
        flat = name == "biases" and self.session.trace.module.get_parameter(path).ndim == 1
        return "[0]" if flat else ""
