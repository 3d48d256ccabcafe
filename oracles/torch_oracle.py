"""Gradients by PyTorch autograd, of PyTorch's own ops.

- Holds primals only; the gradients are autograd's.
- Leaves the process as it found it: no default dtype, device, thread count or grad mode is changed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .arrays import Array
from .case import Case, Result
from .ops import Op, takes_sizes
from .registry import LayerError
from .torch_products import product_roundoff, sums_products_in, trouble  # noqa: F401  (what an adapter holds)
from .torch_tensors import depends_on, lost, memory, pulling, recording, share, to_array  # noqa: F401  (likewise)

INSTALL = "pip install torch"

Pull = Callable[[Tensor], dict[str, Any]]
Trace = Callable[[Mapping[str, Tensor], Mapping[str, Any]], tuple[Tensor, Pull]]
# the names of a dense module's parameters, by the primal they hold
PARAMETERS = {"weights": ("weight", "weights"), "biases": ("bias", "biases")}


def dense(inputs: Tensor, weights: Tensor, biases: Tensor) -> Tensor:
    return functional.linear(inputs, weights.T, biases[0])


def relu(inputs: Tensor) -> Tensor:
    return functional.relu(inputs)


def softmax(inputs: Tensor) -> Tensor:
    return functional.softmax(inputs, dim=-1)


def cross_entropy(probabilities: Tensor, targets: Tensor, reduction: str, clip: float | None) -> Tensor:
    p = probabilities if clip is None else probabilities.clamp(clip, 1 - clip)
    if targets.ndim == 1:  # gathered before the log: nll_loss(log(p)) has gradient 0/0 at other classes' zeros
        losses = -p.gather(1, targets[:, None])[:, 0].log()
    else:
        losses = -(targets * torch.where(targets == 0, torch.ones_like(p), p).log()).sum(dim=1)
    return losses if reduction == "none" else losses.sum() if reduction == "sum" else losses.mean()


def softmax_cross_entropy(logits: Tensor, targets: Tensor, reduction: str) -> Tensor:
    return functional.cross_entropy(logits, targets, reduction=reduction)


_OPS: tuple[Callable[..., Tensor], ...] = (dense, relu, softmax, cross_entropy, softmax_cross_entropy)
PRIMALS = {f.__name__: f for f in _OPS}


def version() -> str:
    """The version of PyTorch."""
    return str(torch.__version__)


def devices() -> tuple[str, ...]:
    """The devices PyTorch sees here."""
    return ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)


def vjp(case: Case, device: str = "cpu") -> Result:
    """Output and gradients by `torch.autograd.grad`."""
    op = case.signature
    tensors = {name: share(_labels(name, np.array(a, order="C"), case), device) for name, a in case.primals.items()}
    output, pull = pullback(PRIMALS[case.op], tensors, op.differentiable, case.options)
    gradients = pull(share(np.array(case.cotangent, order="C"), device))
    return Result(np.array(to_array(output)), {name: np.array(to_array(g)) for name, g in gradients.items()})


def pullback(
    function: Callable[..., Any],
    primals: Mapping[str, Tensor],
    differentiable: Sequence[str],
    options: Mapping[str, Any],
) -> tuple[Tensor, Pull]:
    """function(*primals, **options), and what takes a cotangent of it to the gradients by name, as often as asked.

    A gradient is None where autograd has none. Raises LayerError for an output that is no tensor.
    """
    with recording():
        leaves = [primals[name].requires_grad_() for name in differentiable]
        output = _tensor(function(*primals.values(), **options))

    def pull(cotangent: Tensor) -> dict[str, Any]:
        if not output.requires_grad:
            return dict.fromkeys(differentiable)
        with pulling(output.device):
            found = torch.autograd.grad(output, leaves, cotangent, retain_graph=True, allow_unused=True)
        # where a derivative is 1 autograd passes on the cotangent itself, and to several inputs if need be
        gradients, passed_on = dict(zip(differentiable, found, strict=True)), {memory(cotangent)}
        for name, g in gradients.items():
            if g is not None:
                gradients[name] = g.clone() if memory(g) in passed_on else g
                passed_on.add(memory(g))
        return gradients

    return output, pull


def tracer(op: Op, fn: Any, device: str) -> Trace:
    """What runs one instance of a candidate: trace(primals, options) -> (output, cotangent -> gradients).

    fn: a function of tensors, an autograd.Function, an nn.Module, its class, or what makes one.
    """
    if isinstance(fn, type) and issubclass(fn, torch.autograd.Function):  # apply takes no keywords
        return lambda primals, options: pullback(
            lambda *tensors: fn.apply(*tensors, *options.values()), primals, op.differentiable, {}
        )
    if is_function(op, fn):
        return lambda primals, options: pullback(fn, primals, op.differentiable, options)
    if op.name == "dense":
        return DenseModule(fn, device)
    module = _made(fn)

    def called(first: Tensor, *others: Tensor, **options: Any) -> Any:
        return module.to(device, first.dtype)(first, *others, **options)

    return lambda primals, options: pullback(called, primals, op.differentiable, options)


class DenseModule:
    """A module for dense: its parameters are set to the case's, and gradients are what backward leaves in them."""

    def __init__(self, fn: Any, device: str) -> None:
        self._fn, self._device = fn, device
        self.module: nn.Module | None = None
        self.paths: dict[str, str] = {}

    def __call__(self, primals: Mapping[str, Tensor], options: Mapping[str, Any]) -> tuple[Tensor, Pull]:
        """The output, and what takes a cotangent to the gradients."""
        inputs, weights, biases = primals.values()
        with recording():
            module = self.module = (self.module or _made(self._fn, *weights.shape)).to(self._device, inputs.dtype)
            self.paths = {name: _path(module, names) for name, names in PARAMETERS.items()}
            leaves = {"inputs": inputs.requires_grad_()}
            leaves |= {name: module.get_parameter(path) for name, path in self.paths.items()}
            self._set(leaves["weights"], "weights", weights.T if self.paths["weights"].endswith("weight") else weights)
            self._set(leaves["biases"], "biases", biases[0] if leaves["biases"].ndim == 1 else biases)
            output = _tensor(module(inputs, **options))

        def pull(cotangent: Tensor) -> dict[str, Any]:
            for leaf in leaves.values():
                leaf.grad = None
            if output.requires_grad:
                with pulling(output.device):
                    output.backward(cotangent, retain_graph=True)
            return {name: self._as_primal(name, leaf.grad) for name, leaf in leaves.items()}

        return output, pull

    def parameters(self) -> dict[str, Any]:
        """The parameters as they are now, laid out as dense has them; None for one that is gone."""
        there = {} if self.module is None else dict(self.module.named_parameters())
        return {name: self._as_primal(name, there.get(path)) for name, path in self.paths.items()}

    def _set(self, parameter: Tensor, name: str, value: Tensor) -> None:
        if not isinstance(self._fn, nn.Module) and parameter.shape != value.shape:
            said = f"{self.paths[name]}: expected shape {tuple(value.shape)}, got {tuple(parameter.shape)}"
            raise LayerError(f"{said}; weight is (n_neurons, n_inputs), weights (n_inputs, n_neurons)")
        parameter.grad = None
        parameter.data = value.detach().contiguous()

    def _as_primal(self, name: str, value: Tensor | None) -> Tensor | None:
        if value is None or name == "inputs":
            return value
        transposed = self.paths[name].endswith("weight")
        return value.T if transposed else value[None] if value.ndim == 1 else value


def _made(fn: Any, *sizes: int) -> nn.Module:
    """A module of this run's own: a copy of the one given, or made here, with the caller's random state left alone."""
    if isinstance(fn, nn.Module):
        return copy.deepcopy(fn)
    with recording(), torch.random.fork_rng(devices=()):
        made = fn(*sizes)
    if not isinstance(made, nn.Module):
        raise LayerError(f"expected an nn.Module, got {type(made).__name__}")
    return made


def is_function(op: Op, fn: Any) -> bool:
    """Whether a candidate is a function of tensors: no nn.Module, and nothing that makes one."""
    made = fn.func if isinstance(fn, partial) else fn
    makes = issubclass(made, nn.Module) if isinstance(made, type) else takes_sizes(op, fn)
    return not isinstance(fn, nn.Module) and not makes


def _path(module: nn.Module, wanted: tuple[str, ...]) -> str:
    there = [path for path, _ in module.named_parameters()]
    found = [path for path in there if path.rpartition(".")[2] in wanted]
    if len(found) != 1:
        listed = ", ".join(there) or "none"
        raise LayerError(
            f"{type(module).__name__}: expected one parameter {' or '.join(wanted)}, it registers {listed}"
        )
    return found[0]


def _tensor(output: Any) -> Tensor:
    if not isinstance(output, Tensor):
        raise LayerError(f"output: expected a tensor, got {type(output).__name__}")
    return output


def _labels(name: str, a: Array, case: Case) -> Array:
    """Labels as PyTorch takes them: ids as int64, weights in the dtype of the logits."""
    dtype: Any = a.dtype if name != "targets" else np.int64 if a.ndim == 1 else case.dtype
    return a.astype(dtype, copy=False)
