"""Ops of a user's own: an op the suite does not know, declared with its primal in each framework and its cases.

    gelu = CustomOp("gelu", primals=("inputs",), torch=functional.gelu, jax=jax.nn.gelu, cases=strategy)
    report = check_layer(Layer(gelu, forward=f, vjp=g))

The frameworks' own differentiation of the primals, in float64, is what a layer is held against. Nothing is imported
here: a primal is a function of its framework's arrays, which its adapter runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from reference import InputError

from .ops import DECLARATIONS, OPS, Op, declare
from .registry import names

OWN = ("exact", "finite_difference")  # know the formulas of the suite's ops alone
RESERVED = ("cotangent", "output", "predictions", "targets")  # what the suite calls other things


@dataclass(frozen=True, eq=False)
class CustomOp:
    """An op that the suite does not know.

    name: not that of a known op. primals: their names, in the order functions take them. cases: a Hypothesis strategy
    of mappings from those names to arrays, or of pairs of such a mapping and a cotangent; floats are taken to the dtype
    under test, integers stay what they are. differentiable: the primals with gradients, all by default. torch, jax:
    the op in the framework's own functions, primal(*primals) -> output; any subset, by the oracle's name. Without any,
    layers are checked for self-consistency alone. A name keeps its primals for the life of the process. Raises
    InputError.
    """

    name: str
    primals: tuple[str, ...]
    differentiable: tuple[str, ...]
    cases: Any
    frameworks: Mapping[str, Callable[..., Any]]
    declared: Op | None = None

    def __init__(
        self,
        name: str,
        primals: Sequence[str],
        cases: Any,
        *,
        differentiable: Sequence[str] | None = None,
        **frameworks: Callable[..., Any] | None,
    ) -> None:
        if not str(name).isidentifier():
            raise InputError(f"name: expected an identifier, got {name!r}")
        _check_names("primals", primals)
        wanted = tuple(primals if differentiable is None else differentiable)
        _check_names("differentiable", wanted)
        if not set(wanted) <= set(primals):
            raise InputError(f"differentiable: expected some of {', '.join(primals)}, got {differentiable!r}")
        known = [n for n in names() if n not in OWN]
        given = {k: f for k, f in frameworks.items() if f is not None}
        for framework, function in given.items():
            if framework not in known:
                raise InputError(f"{framework}: no framework of that name; there are {', '.join(known)}")
            if not callable(function):
                raise InputError(f"{framework}: expected a function, got {function!r}")
        if not hasattr(cases, "example"):
            raise InputError(f"cases: expected a Hypothesis strategy of primals, got {cases!r}")
        declare(Op.bare(name, tuple(primals), wanted))
        values = (name, tuple(primals), wanted, cases, MappingProxyType(given), None)
        for key, value in zip(self.__dataclass_fields__, values, strict=True):
            object.__setattr__(self, key, value)
        _LATEST[name] = self

    @classmethod
    def of(cls, op: Op) -> CustomOp:
        """An op that is declared with a definition, whose truth, bounds and cases follow from it. Raises InputError."""
        if op.definition is None:
            raise InputError(f"op: {op.name} has no definition; a CustomOp is declared with cases and primals alone")
        if op not in _OF:
            for name, function in op.frameworks.items():
                if not callable(function):
                    raise InputError(f"{name}: expected a function, got {function!r}")
            _OF[op] = made = cls.__new__(cls)
            values = (op.name, op.primals, op.differentiable, op.cases, op.frameworks, op)
            for key, value in zip(cls.__dataclass_fields__, values, strict=True):
                object.__setattr__(made, key, value)
        declare(op)
        _LATEST[op.name] = _OF[op]
        return _OF[op]

    def __repr__(self) -> str:
        return f"<op {self.name} of {', '.join(self.primals)}, in {', '.join(self.frameworks) or 'no framework'}>"


_LATEST: dict[str, CustomOp] = {}
_OF: dict[Op, CustomOp] = {}


def custom_op(op: object) -> CustomOp | None:
    """The op itself, or the one that was declared under that name last; None for one with a reference of the suite."""
    if isinstance(op, CustomOp):
        return op
    if isinstance(op, Op):
        return None if op is OPS.get(op.name) else CustomOp.of(op)
    if isinstance(op, str) and op not in OPS:
        return _LATEST.get(op) or (CustomOp.of(DECLARATIONS[op]) if op in DECLARATIONS else None)
    return None


def _check_names(label: str, given: Sequence[str]) -> None:
    if isinstance(given, str) or not given or not all(str(n).isidentifier() for n in given):
        raise InputError(f"{label}: expected a sequence of names, got {given!r}")
    if len(set(given)) != len(given) or set(given) & set(RESERVED):
        raise InputError(f"{label}: expected distinct names, none of {', '.join(RESERVED)}, got {', '.join(given)}")
