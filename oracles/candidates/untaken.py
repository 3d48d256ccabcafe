"""Which options of an op a candidate does not take: those stay at their defaults, and a report says so."""

from __future__ import annotations

import inspect
from typing import Any

from ..ops import Op
from .sessions import ClassSession, FunctionSession


def untaken_by(start: Any, op: Op) -> tuple[str, ...]:
    """The options that the functions of a session do not take by name; `reduction` is asked for in another way."""
    return tuple(name for name in op.options if name != "reduction" and not takes_option(start, op, name))


def takes_option(start: Any, op: Op, option: str) -> bool:
    """Whether the functions of a session take an option by name; so it is assumed where they do not say."""
    if start.func is ClassSession:
        return True  # the session asks when it has an object
    functions = start.args[1:3] if start.func is FunctionSession else start.args[1:2]
    for function in functions:
        called = getattr(function, "forward", function)  # of a module, or of an autograd.Function
        try:
            parameters = inspect.signature(called).parameters
        except (TypeError, ValueError):
            continue
        made = inspect.signature(function).parameters if isinstance(function, type) else {}
        by_position = len(parameters) > len(op.primals) + list(op.options).index(option) + 1
        applied = hasattr(function, "apply") and by_position  # ctx, the primals, and options in order
        if not (
            option in parameters
            or option in made
            or applied
            or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        ):
            return False
    return True
