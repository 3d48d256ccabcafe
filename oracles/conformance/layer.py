"""What is under test: an implementation of an op, as functions of its primals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import reference
from reference import InputError

from ..ops import get_op

Forward = Callable[..., Any]
VJP = Callable[..., Any]

TARGETS = ("ids", "one_hot", "soft")
REDUCTIONS = ("mean", "sum", "none")


@dataclass(frozen=True)
class Layer:
    """An op's implementation: forward(*primals) -> output, vjp(cotangent, *primals) -> gradients.

    vjp returns the gradients in the order of the op's differentiable primals (one alone needs no tuple), or a mapping
    by their names. targets: the label forms a loss takes, of ids, one_hot and soft. reductions: those it takes as the
    keyword `reduction`; a layer with "mean" alone is not passed one. Raises InputError.
    """

    op: str
    forward: Forward
    vjp: VJP
    name: str = "layer"
    targets: Sequence[str] = ("ids", "one_hot")
    reductions: Sequence[str] = ("mean",)

    def __init__(
        self,
        op: str,
        *,
        forward: Forward,
        vjp: VJP,
        name: str | None = None,
        targets: Sequence[str] = ("ids", "one_hot"),
        reductions: Sequence[str] = ("mean",),
    ) -> None:
        get_op(op)
        for label, function in (("forward", forward), ("vjp", vjp)):
            if not callable(function):
                raise InputError(f"{label}: expected a function, got {function!r}")
        for label, given, known in (("targets", targets, TARGETS), ("reductions", reductions, REDUCTIONS)):
            if isinstance(given, str) or not given or not set(given) <= set(known):
                raise InputError(f"{label}: expected some of {', '.join(known)}, got {given!r}")
        values: Mapping[str, Any] = {
            "op": op,
            "forward": forward,
            "vjp": vjp,
            "name": name or getattr(forward, "__name__", "layer"),
            "targets": tuple(targets),
            "reductions": tuple(reductions),
        }
        for key, value in values.items():
            object.__setattr__(self, key, value)


def reference_layer(op: str) -> Layer:
    """The implementation of that op in `reference`."""
    get_op(op)
    return Layer(
        op,
        forward=getattr(reference, op),
        vjp=getattr(reference, f"{op}_vjp"),
        name=f"reference.{op}",
        targets=TARGETS,
        reductions=REDUCTIONS,
    )
