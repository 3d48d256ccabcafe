"""Code that makes an object of the user's again in a fresh interpreter: an import, or its source and its needs."""

from __future__ import annotations

import ast
import builtins
import dis
import inspect
import sys
import sysconfig
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any


class NotPortable(Exception):  # noqa: N818  (a property of the object, not a mistake)
    """An object that neither an import nor its source makes again."""


def portable(thing: Any, name: str, what: str = "the layer under test") -> tuple[list[str], str]:
    """Lines that a fresh interpreter runs, and the expression that then is the object.

    What can be imported is. Otherwise the source is copied, with the modules, functions and plain values it reads.
    Where that fails the lines say what to put there under `name`.
    """
    found = _imported(thing)
    if found is not None:
        return found
    try:
        return _copied(thing, name, set())
    except NotPortable as reason:
        return [f"# put here what makes {name}, {what} ({reason})"], name


def _imported(thing: Any) -> tuple[list[str], str] | None:
    module, qualified = getattr(thing, "__module__", None), getattr(thing, "__qualname__", "")
    if not isinstance(module, str) or module == "__main__" or not qualified or "<" in qualified:
        return None
    for path in (qualified, qualified.rpartition(".")[2]):  # compiled functions name a class that is not there
        found: Any = sys.modules.get(module)
        for part in path.split("."):
            found = getattr(found, part, None)
        if found is thing:
            return [*_found_from(module), f"from {module} import {path.partition('.')[0]}"], path
    return None


def _found_from(module: str) -> list[str]:
    """The line that lets a fresh interpreter find a module which lies neither with it nor in the current directory."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        return []
    root = Path(file).resolve().parents[module.count(".") + (Path(file).name == "__init__.py")]
    known = {Path(p).resolve() for p in (*sysconfig.get_paths().values(), ".", *_path_files())}
    return [] if root in known else [f"import sys; sys.path.insert(0, {str(root)!r})"]


def _path_files() -> Iterator[str]:
    """The folders that packages were installed from in place."""
    for folder in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for file in Path(folder).glob("*.pth"):
            yield from (line for line in file.read_text(encoding="utf-8").splitlines() if line.startswith(("/", "\\")))


def _copied(thing: Any, name: str, seen: set[int]) -> tuple[list[str], str]:
    if not isinstance(thing, (FunctionType, type)):
        raise NotPortable(f"a {type(thing).__name__}, not a function or class")
    seen.add(id(thing))
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


def _definition(name: str, value: Any, seen: set[int]) -> list[str]:
    """The line or lines that bind a name to a value."""
    if isinstance(value, ModuleType):
        top = value.__name__
        return [f"import {top}" if top == name else f"import {top} as {name}"]
    if isinstance(value, (bool, int, float, str, bytes, type(None), tuple)):
        return [f"{name} = {value!r}"]
    found = _imported(value)
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
    for name in dict.fromkeys(_global_names(thing.__code__)):
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
