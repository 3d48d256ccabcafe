"""What a framework computes an op by: its own function, or the definition on its arrays, in the array API's names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from ..data.arrays import Array
from ..ops import DECLARATIONS, Op
from .registry import OWN_ARITHMETIC, UnsupportedCase

Function = Callable[..., Any]


def primal(op: Op, framework: str, own: Mapping[str, Function], namespace: Callable[[], Any]) -> Function:
    """function(*primals, **options): the op's own, the adapter's for an op of the suite, or the definition.

    own: what the adapter has, by the op's name. namespace: what makes the `xp` of the definition. Raises
    UnsupportedCase where there is none of these.
    """
    if framework in op.frameworks:
        return op.function_in(framework)
    if op.name in own and DECLARATIONS.get(op.name) is op:
        return own[op.name]
    if op.definition is None:
        raise UnsupportedCase(f"{framework}: {op.name} has neither a function of {framework} nor a definition")
    return partial(op.definition, namespace())


def computed_by(op: Op, oracle: str) -> str:
    """How an oracle computes an op, in words; nothing is imported."""
    if oracle in OWN_ARITHMETIC:
        return "the definition" if op.definition is not None else "not at all"
    given = op.frameworks.get(oracle)
    if given is not None:
        return given if isinstance(given, str) else f"{given.__module__}.{getattr(given, '__qualname__', given)}"
    if DECLARATIONS.get(op.name) is op:
        return "its own functions"
    return "the definition, run on its arrays" if op.definition is not None else "not at all"


def taken_dtypes(op: Op, arrays: Mapping[str, Array]) -> dict[str, np.dtype[Any]]:
    """The dtypes that frameworks take some primals in: whole numbers as int64, rows of labels as the predictions."""
    like = arrays[op.differentiable[0]].dtype
    wanted = {n: np.dtype(np.int64) for n, a in arrays.items() if a.dtype.kind in "iu"}
    return wanted | {n: like for n, domain in op.domains.items() if domain.forms and arrays[n].ndim == 2}


def array_api(framework: str) -> ModuleType:
    """A framework's functions under the standard's names, where it has others. Raises UnsupportedCase."""
    try:
        return import_module(f"array_api_compat.{framework}")
    except ImportError:
        hint = "pip install array-api-compat"
        raise UnsupportedCase(
            f"{framework}: definitions run on it by array-api-compat; install it with: {hint}"
        ) from None


def running(base: Any, special: Mapping[str, Function], stop_gradient: Function) -> Any:
    """The `xp` that definitions run on: the standard's names, and those that tell the tracer more than the value."""

    def same(x: Any, *said: Any, **more: Any) -> Any:
        return x

    own = dict.fromkeys(("stored", "as_given", "within", "among", "flushed", "rounded_at"), same)
    return _Namespace(
        base,
        **own,
        special=SimpleNamespace(**special),
        stop_gradient=stop_gradient,
        rounded=lambda value, like, /: base.asarray(value, dtype=like.dtype),
        product=lambda a, b, /, *, further: a @ b,
    )


class _Namespace(SimpleNamespace):
    """Names of its own before those of a module."""

    def __init__(self, base: Any, **own: Any) -> None:
        super().__init__(**own)
        self._base = base

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_base"], name)
