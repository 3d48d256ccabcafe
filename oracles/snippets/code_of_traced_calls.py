"""How a function of torch tensors or jax arrays is called and differentiated, as lines of code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..candidates.layer import Layer
from ..candidates.run import options_of
from ..data.case import Case
from ..sources.primals import taken_dtypes
from .portable import portable

_TENSOR = """\
def tensor(a):
    a = np.array(a, order="C") if any(step < 0 for step in a.strides) else a  # torch has no negative strides
    return torch.from_numpy(a.view(np.int16)).view(torch.bfloat16) if a.dtype == "bfloat16" else torch.from_numpy(a)
"""
_TENSOR_ON = """\
def tensor(a):
    \"\"\"On {device}, in the memory layout of the array.\"\"\"
    a = np.array(a, order="C") if any(step < 0 for step in a.strides) else a  # torch has no negative strides
    steps = [step // a.itemsize for step in a.strides]
    reach = 1 + sum((n - 1) * step for n, step in zip(a.shape, steps)) if a.size else 0
    row = np.lib.stride_tricks.as_strided(a, (reach,), (a.itemsize,))
    t = torch.from_numpy(row.view(np.int16)).view(torch.bfloat16) if a.dtype == "bfloat16" else torch.from_numpy(row)
    return t.to({device!r}).as_strided(a.shape, steps)
"""
_NUMBERS = """\
def numbers(t):
    t = t.detach().cpu()
    if t.dtype is not torch.bfloat16:
        return t.numpy()
    import ml_dtypes
    return t.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
"""


class NamedArrays:
    """How arguments and results are named: as the NumPy arrays they are, or, where the candidate takes others, apart.

    Then `inputs_` and `dinputs_` are the candidate's, and `inputs` and `dinputs` NumPy's.
    """

    converts = False

    def now(self, name: str) -> str:
        """What an argument, or a result that was kept, holds by now."""
        return f"host({self.raw(name)})" if self.converts else name

    def raw(self, name: str) -> str:
        """A result as the candidate returned it."""
        return f"{name}_" if self.converts else f"np.asarray({name})" if name == "output" else name

    def place(self, name: str) -> str:
        """What np.shares_memory takes."""
        return f"memory({self.raw(name)})" if self.converts else name


def outputs_as(case: Case, output: str) -> list[str]:
    """What the outputs are called in code, where one alone has that name."""
    names = case.signature.outputs
    return [output] if len(names) == 1 else [output.removesuffix("output") + name for name in names]


class ReturningCalls(NamedArrays):
    """What functions have in common: no instance is made, results are returned, options are keywords."""

    layer: Layer

    def run(self, layer: Layer, case: Case) -> None:
        """Nothing to see: results are returned."""

    def make(self, case: Case) -> str:
        """No instance is made."""
        return ""

    def _options(self, case: Case) -> str:
        return "".join(f", {k}={v!r}" for k, v in options_of(self.layer, case).items())


class _TracedCalls(ReturningCalls):
    """What both frameworks have in common: a function, and the arrays it is given."""

    def __init__(self, layer: Layer) -> None:
        _, fn, framework = layer.start.args  # type: ignore[attr-defined]
        lines, self.expression = portable(fn, "fn", held=(layer, ".start.args[1]"))
        self.lines, self.layer, self.device = [*lines], layer, framework.device

    def _labels(self, case: Case, names: Mapping[str, str]) -> Iterator[str]:
        """The labels as frameworks take them."""
        for name, dtype in taken_dtypes(case.signature, case.primals).items():
            yield f"{names[name]} = {names[name]}.astype({dtype.name!r})"


class TorchCalls(_TracedCalls):
    """A function of tensors, or an autograd.Function, and torch.autograd.grad."""

    def __init__(self, layer: Layer) -> None:
        super().__init__(layer)
        function = layer.start.args[1]  # type: ignore[attr-defined]
        self.called = f"{self.expression}.apply" if isinstance(function, type) else self.expression
        self.converts = self.device != "cpu"  # there a tensor lies on the memory of its array
        made = _TENSOR if self.device == "cpu" else _TENSOR_ON.format(device=self.device)
        self.lines += ["import torch", "", *made.splitlines(), "", *_NUMBERS.splitlines()]

    def forward(self, case: Case, names: Mapping[str, str], output: str) -> Iterator[str]:
        """The lines of a forward pass; `names`: those of the arrays by primal."""
        yield from self._labels(case, names)
        given = []
        for name in case.primals:
            grad = ".requires_grad_()" if name in case.signature.differentiable else ""
            given.append(f"{names[name]}_")
            yield f"{names[name]}_ = tensor({names[name]}){grad}"
        outputs = outputs_as(case, output)
        yield f"{', '.join(f'{name}_' for name in outputs)} = {self.called}({', '.join(given)}{self._options(case)})"
        yield from (f"{name} = numbers({name}_)" for name in outputs)

    def backward(self, case: Case, names: Mapping[str, str], gradients: Mapping[str, str]) -> Iterator[str]:
        """The lines of a backward pass, which give each gradient its name."""
        leaves = ", ".join(f"{names[n]}_" for n in gradients)
        cotangents = [names[name] for name in case.cotangents]
        yield from (f"{name}_ = tensor({name})" for name in cotangents)
        given = [", ".join(f"{name}_" for name in some) for some in (outputs_as(case, "output"), cotangents)]
        outputs, pulled = given if len(cotangents) == 1 else (f"[{part}]" for part in given)
        yield f"gradients = torch.autograd.grad({outputs}, [{leaves}], {pulled}, retain_graph=True)"
        if self.converts:
            yield f"{', '.join(f'{name}_' for name in gradients.values())}{',' * (len(gradients) == 1)} = gradients"
        yield f"{', '.join(gradients.values())}{',' * (len(gradients) == 1)} = map(numbers, gradients)"


class JaxCalls(_TracedCalls):
    """A function of jax arrays, and jax.vjp."""

    def __init__(self, layer: Layer) -> None:
        super().__init__(layer)
        here = f'jax.config.update("jax_default_device", jax.devices({self.device!r})[0])'
        self.lines += ["import jax", 'jax.config.update("jax_enable_x64", True)', here]

    def forward(self, case: Case, names: Mapping[str, str], output: str) -> Iterator[str]:
        """The lines of a forward pass; `names`: those of the arrays by primal."""
        yield from self._labels(case, names)
        leaves = case.signature.differentiable
        if leaves != tuple(case.primals)[: len(leaves)]:
            given = ", ".join(f"given[{leaves.index(n)}]" if n in leaves else names[n] for n in case.primals)
        else:
            given = ", ".join(["*given", *(names[n] for n in tuple(case.primals)[len(leaves) :])])
        called = f"lambda *given: {self.expression}({given}{self._options(case)})"
        outputs = outputs_as(case, output)
        found = output if len(outputs) == 1 else f"({', '.join(outputs)})"
        yield f"{found}, pull = jax.vjp({called}, {', '.join(f'jax.numpy.array({names[n]})' for n in leaves)})"

    def backward(self, case: Case, names: Mapping[str, str], gradients: Mapping[str, str]) -> Iterator[str]:
        """The lines of a backward pass, which give each gradient its name."""
        pairs = zip((names[name] for name in case.cotangents), outputs_as(case, "output"), strict=True)
        cotangents = [f"jax.numpy.asarray({g}).astype({y}.dtype)" for g, y in pairs]
        pulled = f"pull({cotangents[0] if len(cotangents) == 1 else '(' + ', '.join(cotangents) + ')'})"
        yield f"{', '.join(gradients.values())}{',' * (len(gradients) == 1)} = map(np.asarray, {pulled})"
