"""What a function can be given, as its signature says it; what a pass gives, and is handed, as the op says it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from ..data.case import Case
from ..ops import Op
from .registry import LayerError


def required(function: Any) -> int:
    """How many arguments by position a function must be given; 0 where it does not say."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 0
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in kinds and p.default is p.empty for p in parameters)


def takes(function: Any, count: int, *, unsaid: bool = True) -> bool:
    """Whether a function can be given so many arguments by position; `unsaid` where it does not say."""
    try:
        inspect.signature(function).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:  # a builtin does not say
        return unsaid
    return True


def taken_by(function: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the options that a function takes by name."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}
    return {name: value for name, value in options.items() if name in parameters}


def made_with(op: Op, make: Any, shapes: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    """The numbers that an instance is made with: the shape of the first parameter, where it asks for as many."""
    shape = next((tuple(shapes[name]) for name in op.parameters), ())
    matrix = len(shape) == 2 and takes(make, 2)  # which may also have defaults
    return shape if matrix or (shape and required(make) == len(shape)) else ()


def takes_sizes(op: Op, function: Callable[..., Any]) -> bool:
    """Whether it makes a layer: takes the sizes of its first parameter, nothing where it has none, and no primals."""
    axes = next((a.axes or () for a in op.signature.inputs if a.name in op.parameters), ())
    fits = takes(function, len(axes), unsaid=False)
    return fits and not takes(function, len(op.primals), unsaid=False)


def outputs_by_name(op: Op, output: Any) -> dict[str, Any]:
    """What a forward pass gave, by the names of the outputs. LayerError where it is not as many."""
    if len(op.outputs) == 1:
        return {"output": output}
    if not isinstance(output, (tuple, list)) or len(output) != len(op.outputs):
        got = f"{len(output)} values" if isinstance(output, (tuple, list)) else type(output).__name__
        raise LayerError(f"forward: expected a tuple of {', '.join(op.outputs)}, got {got}")
    return dict(zip(op.outputs, output, strict=True))


def cotangent_of(case: Case, arrays: Mapping[str, Any]) -> Any:
    """What a backward pass is handed: an array, or a tuple of them where there are several outputs."""
    found = tuple(arrays[name] for name in case.cotangents)
    return found if len(found) > 1 else found[0]
