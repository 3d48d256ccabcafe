"""Where a candidate's backward pass is written: its file and line, for those who show a failure beside the code.

Nothing of the candidate runs to find out, no property and no `__getattr__`; and whatever goes wrong, there is no place.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from types import BuiltinMethodType, CodeType, FunctionType, MethodType
from typing import Any

from .layer import Layer
from .sessions import FunctionSession

# what holds a function inside: jax.custom_vjp its rule, functools.wraps and jax.jit, Numba, Triton
INSIDE = ("bwd", "__wrapped__", "py_func", "fn")
# of a class, past whatever its metaclass makes of attributes
_MRO, _MEMBERS = (type.__dict__[name].__get__ for name in ("__mro__", "__dict__"))
DEPTH = 20  # wrappers within wrappers, which may hold each other


@dataclass(frozen=True)
class Place:
    """A line of a file, by its absolute path."""

    file: str
    line: int

    def within(self, folder: str) -> str | None:
        """The file as seen from the folder, with "/" between the parts; None where it is not in there."""
        file, root = os.path.realpath(self.file), os.path.realpath(folder)
        try:
            inside = os.path.commonpath((file, root)) == root
        except ValueError:  # another drive
            return None
        return os.path.relpath(file, root).replace(os.sep, "/") if inside else None


def backward_of(layer: Layer) -> Place | None:
    """Where the layer's vjp or backward begins, or what stands for it; None where no file holds it. Never raises."""
    try:
        session, given = layer.start.func, layer.start.args  # type: ignore[attr-defined]  # a partial of a session
        thing = given[2] if session is FunctionSession else given[1]
        code = _code(thing, DEPTH)
        if code is None or not os.path.isfile(code.co_filename):
            return None
        return Place(os.path.abspath(code.co_filename), code.co_firstlineno)
    except KeyboardInterrupt:
        raise
    except BaseException:  # another's object, whatever it does when it is looked at
        return None


def _code(thing: Any, depth: int) -> CodeType | None:
    """The code of a function, of a class's backward, or of its forward where it has none of its own."""
    if depth == 0:
        return None
    if type(thing) is partial:
        return _code(thing.func, depth - 1)
    if type(thing) in (staticmethod, classmethod):
        return _code(thing.__func__, depth - 1)
    if type(thing) is BuiltinMethodType and thing.__name__ == "apply" and _is_class(thing.__self__):
        return _code(thing.__self__, depth - 1)  # autograd.Function.apply, from torch 2.15 on
    if type(thing) is MethodType:  # autograd.Function.apply stands for its class
        function = thing.__func__
        is_apply = _is_class(thing.__self__) and type(function) is FunctionType and function.__name__ == "apply"
        return _code(thing.__self__ if is_apply else function, depth - 1)
    if type(thing) is FunctionType:
        inner = thing.__dict__.get("__wrapped__")
        return thing.__code__ if inner is None else _code(inner, depth - 1) or thing.__code__
    held = {} if _is_class(thing) else _held(thing)
    for name in INSIDE:
        if name in held and (found := _code(held[name], depth - 1)) is not None:
            return found
    cls = thing if _is_class(thing) else type(thing)
    for name in ("backward", "forward", "__call__"):
        for base in _MRO(cls)[:-1]:
            inner = _MEMBERS(base).get(name)
            if inner is not None and not _of_a_framework(base) and (found := _code(inner, depth - 1)) is not None:
                return found
    return None


def _held(thing: Any) -> dict[str, Any]:
    """The attributes of an object itself, none of its class."""
    try:
        held = object.__getattribute__(thing, "__dict__")
    except AttributeError:
        return {}
    return held if type(held) is dict else {}


def _is_class(thing: Any) -> bool:
    return issubclass(type(thing), type)  # isinstance asks the thing itself


def _of_a_framework(cls: type) -> bool:
    """Whether the class is the base that a candidate derives from: what it defines is not the candidate's."""
    module = _MEMBERS(cls).get("__module__")
    return type(module) is str and module.partition(".")[0] in ("torch", "jax", "jaxlib", "builtins")
