"""Code that makes an object of the user's again in a fresh interpreter: an import, or its source and its needs."""

from __future__ import annotations

import ast
import builtins
import dis
import functools
import inspect
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from .importable import imported


class NotPortable(Exception):  # noqa: N818  (a property of the object, not a mistake)
    """An object that neither an import nor its source makes again."""


def portable(
    thing: Any, name: str, what: str = "the layer under test", *, held: tuple[object, str] | None = None
) -> tuple[list[str], str]:
    """Lines that a fresh interpreter runs, and the expression that then is the object.

    What can be imported is. Otherwise the source is copied, with the modules, functions and plain values it reads, and
    what wraps it (functools.partial, jax.jit, custom_vjp and custom_jvp). Where that fails it is taken from an object
    that can be imported: held, with the expression behind its name. Else the lines say what to put there under `name`.
    """
    found = imported(thing)
    if found is not None:
        return found
    try:
        return _copied(thing, name, set())
    except NotPortable as reason:
        holder = None if held is None else imported(held[0])
        if held is not None and holder is not None:
            return holder[0], f"{holder[1]}{held[1]}"
        return [f"# put here what makes {name}, {what} ({reason})"], name


def _copied(thing: Any, name: str, seen: set[int]) -> tuple[list[str], str]:
    seen.add(id(thing))
    wrapped = _wrapped(thing, name, seen)
    if wrapped is not None:
        return wrapped
    if not isinstance(thing, (FunctionType, type)):
        raise NotPortable(f"a {type(thing).__name__}, not a function or class")
    lines: list[str] = []
    for used, value in _needs(thing):
        if id(value) not in seen:
            lines += _definition(used, value, seen)
    try:
        source, expression = _source(thing)
    except (OSError, TypeError, SyntaxError) as error:
        raise NotPortable("its source cannot be read") from error
    if expression != name and isinstance(thing, FunctionType) and thing.__name__ == "<lambda>":
        return [*lines, f"{name} = {source}"], name
    return [*lines, source], expression


def _wrapped(thing: Any, name: str, seen: set[int]) -> tuple[list[str], str] | None:
    """What holds a function inside, made again around it: a partial, or what jax makes of a function.

    A class without source or methods of its own, as `type(name, (base,), {})` makes one, is its base.
    """
    if isinstance(thing, type) and len(thing.__bases__) == 1 and not _has_code(thing):
        return _part(thing.__base__, name, seen)
    if type(thing) is functools.partial:
        given = [*map(repr, thing.args), *(f"{k}={v!r}" for k, v in thing.keywords.items())]
        if not all(_is_plain(v) for v in (*thing.args, *thing.keywords.values())):
            raise NotPortable("a partial of values that do not print as code")
        lines, inner = _part(thing.func, f"{name}_function", seen)
        return ["import functools", *lines], f"functools.partial({', '.join([inner, *given])})"
    known = _JAX.get((type(thing).__module__.partition(".")[0], type(thing).__name__))
    if known is None:
        return None
    maker, rule, parts = known
    inside = thing.__wrapped__
    lines, inner = _part(inside, f"{name}_function", seen)
    options = "".join(f", {k}={v!r}" for k in _OPTIONS if (v := getattr(thing, k, ()))) if rule else ""
    # a source with its decorators is that of the whole already
    lines = ["import jax", *lines, *([] if _is_decorated(inside) else [f"{name} = {maker}({inner}{options})"])]
    made = inner if _is_decorated(inside) else name
    if rule:
        made_of = [_part(getattr(thing, part), f"{name}_{part}", seen) for part in parts]
        lines += [line for more, _ in made_of for line in more]
        lines.append(f"{made}.{rule}({', '.join(expression for _, expression in made_of)})")
    return lines, made


# by the package and name of the type of what is made: what makes it, what gives it its rule, and where it keeps that
_JAX: dict[tuple[str, str], tuple[str, str, tuple[str, ...]]] = {
    ("jaxlib", "PjitFunction"): ("jax.jit", "", ()),
    ("jax", "custom_vjp"): ("jax.custom_vjp", "defvjp", ("fwd", "bwd")),
    ("jax", "custom_jvp"): ("jax.custom_jvp", "defjvp", ("jvp",)),
}
_OPTIONS = ("nondiff_argnums", "nondiff_argnames")


def _part(thing: Any, name: str, seen: set[int]) -> tuple[list[str], str]:
    return imported(thing) or _copied(thing, name, seen)


def _has_code(thing: type) -> bool:
    try:
        inspect.getsource(thing)
    except (OSError, TypeError):
        own = [value for name, value in vars(thing).items() if name not in ("__dict__", "__weakref__")]
        return any(callable(value) or isinstance(value, (staticmethod, classmethod, property)) for value in own)
    return True


def _is_decorated(function: Any) -> bool:
    try:
        return isinstance(function, FunctionType) and inspect.getsource(function).lstrip().startswith("@")
    except (OSError, TypeError):
        return False


def _is_plain(value: object) -> bool:
    if isinstance(value, (tuple, list)):
        return all(map(_is_plain, value))
    return isinstance(value, (bool, int, float, str, bytes, type(None)))


def _definition(name: str, value: Any, seen: set[int]) -> list[str]:
    """The line or lines that bind a name to a value."""
    if isinstance(value, ModuleType):
        top = value.__name__
        return [f"import {top}" if top == name else f"import {top} as {name}"]
    if _is_plain(value):
        return [f"{name} = {value!r}"]
    found = imported(value)
    if found is not None:
        lines, expression = found
    else:
        lines, expression = _copied(value, name, seen)
    return lines if expression == name else [*lines, f"{name} = {expression}"]


def _needs(thing: Any) -> Iterator[tuple[str, Any]]:
    """Every name that a function or class reads from around it, with its value."""
    if isinstance(thing, type):
        yield from _class_needs(thing)
        for member in vars(thing).values():
            function = member.__func__ if isinstance(member, (staticmethod, classmethod)) else member
            if isinstance(function, FunctionType) and function.__module__ == thing.__module__:
                yield from _needs(function)
        return
    cells = dict(zip(thing.__code__.co_freevars, thing.__closure__ or (), strict=False))
    for name, cell in cells.items():
        if name != "__class__":
            yield name, cell.cell_contents
    for name in _decorator_names(thing):
        if name not in thing.__globals__ and name in sys.modules:  # imported in the function around it
            yield name, sys.modules[name]
    for name in dict.fromkeys((*_decorator_names(thing), *_global_names(thing.__code__))):
        if name in thing.__globals__ and not (
            hasattr(builtins, name) and thing.__globals__[name] is getattr(builtins, name)
        ):
            yield name, thing.__globals__[name]


def _class_needs(thing: type) -> Iterator[tuple[str, Any]]:
    """What the head of a class and the statements of its body read: bases by name, decorators, constants."""
    around = vars(sys.modules[thing.__module__]) if thing.__module__ in sys.modules else {}
    known = {base.__name__: base for base in thing.__bases__} | around
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(thing))).body[0]
    except (OSError, TypeError, SyntaxError) as error:
        raise NotPortable("its source cannot be read") from error
    inner = {id(n) for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) for n in ast.walk(f)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in inner:
            name = node.id
            if name in known:
                yield name, known[name]
            elif name in sys.modules:  # imported in the function around the class
                yield name, sys.modules[name]


def _decorator_names(function: FunctionType) -> Iterator[str]:
    """What the decorators read, which stand in the source and not in the code."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError):
        return
    for decorator in getattr(tree, "decorator_list", ()):
        yield from (node.id for node in ast.walk(decorator) if isinstance(node, ast.Name))


def _global_names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _global_names(constant)


def _source(thing: Any) -> tuple[str, str]:
    """The source of a function or class, and its name; of a lambda, the lambda alone."""
    if not (isinstance(thing, FunctionType) and thing.__name__ == "<lambda>"):
        return textwrap.dedent(inspect.getsource(thing)).rstrip(), thing.__name__
    path = inspect.getsourcefile(thing)
    if path is None:
        raise OSError("no file")
    text = Path(path).read_text(encoding="utf-8")
    first = thing.__code__.co_firstlineno
    segments = [
        ast.get_source_segment(text, node) or ""
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Lambda) and node.lineno <= first <= (node.end_lineno or node.lineno)
    ]
    found = [s for s in segments if _instructions(_compiled(s)) == _instructions(thing.__code__)]
    if not found:
        raise OSError("not found in its file")
    return " ".join(found[0].split()), "<lambda>"


def _compiled(segment: str) -> CodeType:
    return next(c for c in compile(f"({segment})", "", "eval").co_consts if isinstance(c, CodeType))


def _instructions(code: CodeType) -> list[tuple[str, str]]:
    """What a lambda does, however the names around it are bound: `x.f()` is a method or an attribute, `n` a cell."""
    steps = [(i.opname, _without_null(i.argrepr)) for i in dis.get_instructions(code)]
    loads = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_METHOD", "LOAD_ATTR")
    plain = [("LOAD" if name in loads else name, what) for name, what in steps]
    # what only prepares a call or a closure, and a nested lambda, which prints with its place
    return [p for p in plain if p[0] not in ("PUSH_NULL", "COPY_FREE_VARS", "NOP", "CACHE") and "<code" not in p[1]]


def _without_null(text: str) -> str:
    """The name alone: where a call's NULL is pushed, and said to be, differs by version."""
    return " ".join(word for word in text.split() if word not in ("+", "NULL", "NULL|self"))
