"""The ops the suite knows: the names of their primals, which of them have gradients, and the shape of the output.

Ops of a user's own (`custom.py`) are declared here by name as well, for the life of the process.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reference import InputError
from reference._arrays import shown

from .words import did_you_mean

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Op:
    """An op's signature. `options` holds every option it takes with its default.

    output_shape: None for an op of a user's own, whose output says what shape it has.
    """

    name: str
    primals: tuple[str, ...]
    differentiable: tuple[str, ...]
    output_shape: Callable[[Mapping[str, Shape], Mapping[str, Any]], Shape] | None
    options: Mapping[str, Any] = field(default_factory=dict)


def _dense_shape(shapes: Mapping[str, Shape], options: Mapping[str, Any]) -> Shape:
    (n, k), (k2, m) = (_rank2(name, shapes[name]) for name in ("inputs", "weights"))
    if k != k2 or shapes["biases"] != (1, m):
        raise InputError(f"dense: inputs {(n, k)}, weights {(k2, m)} and biases {shapes['biases']} do not fit together")
    return n, m


def _input_shape(shapes: Mapping[str, Shape], options: Mapping[str, Any]) -> Shape:
    return shapes["inputs"]


def _row_shape(shapes: Mapping[str, Shape], options: Mapping[str, Any]) -> Shape:
    if not shapes["inputs"]:
        raise InputError("softmax: inputs of shape () have no last axis")
    if not shapes["inputs"][-1]:
        raise InputError(f"inputs: expected at least one class, got shape {shapes['inputs']}")
    return shapes["inputs"]


def _loss_shape(shapes: Mapping[str, Shape], options: Mapping[str, Any]) -> Shape:
    predictions, targets = next(name for name in shapes if name != "targets"), shapes["targets"]
    n, c = _rank2(predictions, shapes[predictions])
    if not c:
        raise InputError(f"{predictions}: expected at least one class, got shape {shapes[predictions]}")
    clip = options.get("clip")
    if clip is not None and not (isinstance(clip, float) and 0 < clip < 0.5):
        raise InputError(f"clip: expected a number between 0 and 0.5, got {clip!r}")
    if targets not in ((n,), (n, c)):
        raise InputError(f"targets: expected shape {(n,)} (class ids) or {(n, c)} (weights), got {targets}")
    if options["reduction"] not in ("mean", "sum", "none"):
        raise InputError(f"reduction: expected one of mean, sum, none, got {options['reduction']!r}")
    return (n,) if options["reduction"] == "none" else ()


def _rank2(name: str, shape: Shape) -> Shape:
    if len(shape) != 2:
        raise InputError(f"{name}: expected 2 dimensions, got shape {shape}")
    return shape


OPS: dict[str, Op] = {
    op.name: op
    for op in (
        Op("dense", ("inputs", "weights", "biases"), ("inputs", "weights", "biases"), _dense_shape),
        Op("relu", ("inputs",), ("inputs",), _input_shape),
        Op("softmax", ("inputs",), ("inputs",), _row_shape),
        Op(
            "cross_entropy",
            ("probabilities", "targets"),
            ("probabilities",),
            _loss_shape,
            {"reduction": "mean", "clip": None},
        ),
        Op("softmax_cross_entropy", ("logits", "targets"), ("logits",), _loss_shape, {"reduction": "mean"}),
    )
}


_DECLARED: dict[str, Op] = {}


def declare(op: Op) -> None:
    """Make an op of a user's own known by its name; InputError where another has that name."""
    if op.name in OPS:
        raise InputError(f"name: {op.name} is an op of the suite; give yours another name")
    known = _DECLARED.setdefault(op.name, op)
    if (known.primals, known.differentiable) != (op.primals, op.differentiable):
        had, has = (f"{', '.join(o.primals)} (differentiable: {', '.join(o.differentiable)})" for o in (known, op))
        raise InputError(f"name: {op.name} was declared with the primals {had} before, got {has}; give it another name")


def get_op(name: object) -> Op:
    """The op of that name, or an InputError that lists those there are."""
    if isinstance(name, str) and (op := OPS.get(name) or _DECLARED.get(name)):
        return op
    listed = ", ".join((*OPS, *_DECLARED))
    own = f"; an op of your own is known once the code that declares it has run: CustomOp({name!r}, ...)"
    hint = did_you_mean(name, (*OPS, *_DECLARED)) or (own if isinstance(name, str) else "")
    raise InputError(f"op: expected one of {listed}, got {name!r}{hint}")


def undeclared(data: Mapping[str, Any]) -> Op:
    """The signature that a case of a user's own op carries."""
    name, primals, differentiable = data.get("op"), tuple(data["primals"]), data["differentiable"]
    if not isinstance(name, str) or name in OPS:
        raise InputError(f"op: expected the name of an op of your own, got {name!r}")
    if not isinstance(differentiable, list) or not differentiable or not all(d in primals for d in differentiable):
        raise InputError(f"differentiable: expected some of {', '.join(primals)}, got {shown(differentiable)}")
    return Op(name, primals, tuple(differentiable), None)


def takes_sizes(op: Op, function: Callable[..., Any]) -> bool:
    """Whether it makes a layer: takes (n_inputs, n_neurons) for dense, nothing otherwise, and not the primals."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a builtin does not say
        return False
    return _takes(signature, 2 if op.name == "dense" else 0) and not _takes(signature, len(op.primals))


def _takes(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True
