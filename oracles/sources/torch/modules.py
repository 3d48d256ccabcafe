"""How candidates in PyTorch are differentiated: functions of tensors, and modules with parameters."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ...ops import Op
from ..arguments import made_with, taken_by
from ..registry import LayerError
from .tensors import memory, pulling, recording

Pull = Callable[[Any], dict[str, Any]]  # of a cotangent, or of a tuple of them
# the names of a dense module's parameters, by the primal they hold
PARAMETERS = {"weights": ("weight", "weights"), "biases": ("bias", "biases")}


def pullback(
    function: Callable[..., Any],
    primals: Mapping[str, Tensor],
    differentiable: Sequence[str],
    options: Mapping[str, Any],
    *,
    several: bool = False,
) -> tuple[Any, Pull]:
    """function(*primals, **options), and what takes a cotangent of it to the gradients by name, as often as asked.

    Of several outputs both are tuples. A gradient is None where autograd has none. Raises LayerError for an output that
    is no tensor.
    """
    with recording():
        leaves = [primals[name].requires_grad_() for name in differentiable]
        output = _tensors(function(*primals.values(), **options), several)

    def pull(cotangent: Any) -> dict[str, Any]:
        moving = moved_by(output, cotangent)
        if not moving:
            return dict.fromkeys(differentiable)
        with pulling(moving[0][0].device):
            outputs, cotangents = zip(*moving, strict=True)
            found = torch.autograd.grad(outputs, leaves, cotangents, retain_graph=True, allow_unused=True)
        # where a derivative is 1 autograd passes on the cotangent itself, and to several inputs if need be
        gradients, passed_on = dict(zip(differentiable, found, strict=True)), {memory(g) for g in cotangents}
        for name, g in gradients.items():
            if g is not None:
                gradients[name] = g.clone() if memory(g) in passed_on else g
                passed_on.add(memory(g))
        return gradients

    return output, pull


def moved_by(output: Any, cotangent: Any) -> list[tuple[Tensor, Tensor]]:
    """The outputs that anything is differentiable of, each with its cotangent."""
    pairs = zip(output, cotangent, strict=True) if isinstance(output, tuple) else [(output, cotangent)]
    return [(y, g) for y, g in pairs if y.requires_grad]


def _tensors(output: Any, several: bool) -> Any:
    """A tensor, or a tuple of them where there may be several. LayerError where it is something else."""
    return tuple(map(_tensor, output)) if several and isinstance(output, (tuple, list)) else _tensor(output)


class Module:
    """A module: those of its parameters that are primals of the op are set to the case's, and hold their gradients.

    It is made with the shape of the first parameter, where it asks for as many numbers, and with the options it takes.
    """

    def __init__(self, op: Op, fn: Any, device: str) -> None:
        self._op, self._fn, self._device = op, fn, device
        self._made_with: tuple[Any, ...] = ()
        self.module: nn.Module | None = None
        self.paths: dict[str, str] = {}

    def __call__(self, primals: Mapping[str, Tensor], options: Mapping[str, Any]) -> tuple[Any, Pull]:
        """The output, and what takes a cotangent to the gradients."""
        first = primals[self._op.primals[0]]
        made = self.made_with({name: tuple(t.shape) for name, t in primals.items()}, options)
        with recording():
            if self.module is None or made[1] != self._made_with[1]:  # an instance may be of any size
                self.module, self._made_with = _made(self._fn, *made), made
            module = self.module = self.module.to(self._device, first.dtype)
            self.paths = self._parameters(module)
        given = [t for name, t in primals.items() if name not in self.paths]
        left, several = {k: v for k, v in options.items() if k not in made[1]}, len(self._op.outputs) > 1
        if not self.paths:
            called = partial(module, **left)
            return pullback(called, primals, self._op.differentiable, {}, several=several)
        with recording():
            leaves = {
                name: module.get_parameter(self.paths[name]) if name in self.paths else primals[name].requires_grad_()
                for name in self._op.differentiable
            }
            for name in self.paths:
                self._set(leaves[name], name, primals[name])
            output = _tensors(module(*given, **left), several)

        def pull(cotangent: Any) -> dict[str, Any]:
            for leaf in leaves.values():
                leaf.grad = None
            if moving := moved_by(output, cotangent):
                with pulling(moving[0][0].device):
                    outputs, cotangents = zip(*moving, strict=True)
                    torch.autograd.backward(outputs, cotangents, retain_graph=True)
            return {name: self._as_primal(name, leaf.grad, primals[name]) for name, leaf in leaves.items()}

        self._shapes = {name: primals[name] for name in self.paths}
        return output, pull

    def made_with(
        self, shapes: Mapping[str, tuple[int, ...]], options: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """The numbers and the options that an instance is made with."""
        if isinstance(self._fn, nn.Module):
            return (), {}
        return made_with(self._op, self._fn, shapes), taken_by(self._fn, options)

    def parameters(self) -> dict[str, Any]:
        """The parameters as they are now, laid out as the op has them; None for one that is gone."""
        there = {} if self.module is None else dict(self.module.named_parameters())
        return {name: self._as_primal(name, there.get(path), self._shapes[name]) for name, path in self.paths.items()}

    def _parameters(self, module: nn.Module) -> dict[str, str]:
        """The paths of the parameters that are primals; none where it registers none of them."""
        wanted = {name: PARAMETERS.get(name, (name,)) for name in self._op.parameters}
        there = {path.rpartition(".")[2] for path, _ in module.named_parameters()}
        some = any(set(names) & there for names in wanted.values()) or {"weights", "biases"} <= set(self._op.parameters)
        return {name: _path(module, names) for name, names in wanted.items()} if some else {}

    def _set(self, parameter: Tensor, name: str, primal: Tensor) -> None:
        value = primal.T if self._is_transposed(name) else primal
        value = value[0] if parameter.ndim == value.ndim - 1 and value.shape[0] == 1 else value
        if not isinstance(self._fn, nn.Module) and parameter.shape != value.shape:
            said = f"{self.paths[name]}: expected shape {tuple(value.shape)}, got {tuple(parameter.shape)}"
            hint = "; weight is (n_neurons, n_inputs), weights (n_inputs, n_neurons)" if name == "weights" else ""
            raise LayerError(f"{said}{hint}")
        parameter.grad = None
        parameter.data = value.detach().contiguous()

    def _is_transposed(self, name: str) -> bool:
        """A Linear has its weight as (n_neurons, n_inputs)."""
        return name == "weights" and self.paths[name].endswith("weight")

    def _as_primal(self, name: str, value: Tensor | None, primal: Tensor) -> Tensor | None:
        if value is None or name not in self.paths:
            return value
        if self._is_transposed(name):
            return value.T
        return value[None] if value.ndim == primal.ndim - 1 else value


def _made(fn: Any, sizes: Sequence[int] = (), settings: Mapping[str, Any] | None = None) -> nn.Module:
    """A module of this run's own: a copy of the one given, or made here, with the caller's random state left alone."""
    if isinstance(fn, nn.Module):
        return copy.deepcopy(fn)
    with recording(), torch.random.fork_rng(devices=()):
        made = fn(*sizes, **(settings or {}))
    if not isinstance(made, nn.Module):
        raise LayerError(f"expected an nn.Module, got {type(made).__name__}")
    return made


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
