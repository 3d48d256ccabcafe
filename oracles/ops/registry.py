"""The ops the suite knows, and those that a user's own code has declared, by name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from reference import InputError
from reference._arrays import shown

from ..words import did_you_mean
from .activations import gelu, relu
from .gated import swiglu
from .linear import dense
from .losses import bce_with_logits, cross_entropy, softmax_cross_entropy
from .op import Op
from .rows import layer_norm, log_softmax, rms_norm, softmax
from .sequences import attention

GROUP = "backproof.ops"  # of entry points: another package's ops
OPS: dict[str, Op] = {
    module.OP.name: module.OP for module in (dense, relu, softmax, cross_entropy, softmax_cross_entropy)
}
# and those that have no reference as yet
DECLARATIONS: dict[str, Op] = OPS | {
    module.OP.name: module.OP
    for module in (gelu, layer_norm, rms_norm, log_softmax, bce_with_logits, swiglu, attention)
}

_DECLARED: dict[str, Op] = {}


def declare(op: Op) -> None:
    """Make an op of a user's own known by its name; InputError where another has that name."""
    if DECLARATIONS.get(op.name) is op:
        return
    if op.name in OPS:
        raise InputError(f"name: {op.name} is an op of the suite; give yours another name")
    known = _DECLARED.get(op.name, op)
    if (known.primals, known.differentiable) != (op.primals, op.differentiable):
        had, has = (f"{', '.join(o.primals)} (differentiable: {', '.join(o.differentiable)})" for o in (known, op))
        raise InputError(f"name: {op.name} was declared with the primals {had} before, got {has}; give it another name")
    _DECLARED[op.name] = op  # the latest: a definition may have been mended


def known_ops() -> tuple[str, ...]:
    """The names of the suite's ops, of those of other packages, and of those that code which has run declared."""
    return tuple(dict.fromkeys((*DECLARATIONS, *_points(), *_DECLARED)))


@lru_cache(maxsize=1)
def _points() -> dict[str, EntryPoint]:
    """The entry points of group "backproof.ops": the name of each is that of the Op it leads to."""
    return {point.name: point for point in entry_points(group=GROUP)}


def _elsewhere(name: str) -> Op | None:
    """The op that another package's entry point of that name leads to. InputError where it leads to something else."""
    if name not in _points():
        return None
    found = _points()[name].load()
    if not isinstance(found, Op) or found.name != name:
        raise InputError(f"op: the entry point {name} of {GROUP}: expected an Op of that name, got {shown(found)}")
    declare(found)
    return found


def get_op(name: object) -> Op:
    """The op of that name, or an InputError that lists those there are."""
    if isinstance(name, str):
        found = OPS.get(name) or _DECLARED.get(name) or DECLARATIONS.get(name) or _elsewhere(name)
        if found is not None:
            return found
    listed = ", ".join(known_ops())
    own = "; an op of your own is known once the code that declares it has run"
    hint = did_you_mean(name, known_ops()) or (own if isinstance(name, str) else "")
    raise InputError(f"op: expected one of {listed}, got {name!r}{hint}")


def undeclared(data: Mapping[str, Any]) -> Op:
    """The signature that a case of a user's own op carries."""
    name, primals, differentiable = data.get("op"), tuple(data["primals"]), data["differentiable"]
    if not isinstance(name, str) or name in OPS:
        raise InputError(f"op: expected the name of an op of your own, got {name!r}")
    if not isinstance(differentiable, list) or not differentiable or not all(d in primals for d in differentiable):
        raise InputError(f"differentiable: expected some of {', '.join(primals)}, got {shown(differentiable)}")
    known = _DECLARED.get(name) or DECLARATIONS.get(name)
    if known and (known.primals, known.differentiable) == (primals, tuple(differentiable)):
        return known
    options = data.get("options")
    names = tuple(options) if isinstance(options, dict) else ()
    return Op.bare(name, primals, tuple(differentiable), names, tuple(data.get("cotangents") or ("output",)))
