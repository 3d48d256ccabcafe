"""A candidate by name, MODULE:ATTR or PATH.py:ATTR: where it is, how it is to be taken, and the Layer made of it."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from reference import InputError

from ..ops import Op, declare, get_op, known_ops
from ..words import did_you_mean
from .contain import said, shown
from .layer import Layer


@dataclass(frozen=True)
class Target:
    """Where a candidate is, in words that travel: its name, its op unless it is a Layer, its vjp if it is a function.

    op: the name of one that is known, or where an Op is, as for the candidate. targets: the label forms it takes, where
    they are not the default ones. framework: torch or jax, where it is theirs
    to differentiate, on `device`.
    """

    name: str
    op: str | None = None
    vjp: str | None = None
    targets: tuple[str, ...] = ()
    framework: str | None = None
    device: str = "cpu"


def load_layer(target: Target) -> Layer:
    """The layer that the target names: a Layer, a class in the book's interface, or a function with its vjp.

    Imports it, with the current directory (or that of the file) first on the path, as Python does for a script. Raises
    InputError, with the nearest names where there is no such one.
    """
    module, candidate = _find(target.name)
    op = None if target.op is None else find_op(target.op)
    if isinstance(candidate, Layer):
        if op is not None and op.name != candidate.op:
            raise InputError(f"--op: {target.name} is a Layer of {candidate.op}, got {target.op!r}")
        return candidate
    if isinstance(candidate, list | tuple | dict):
        raise InputError(f"{target.name}: a {type(candidate).__name__}; give each layer of it a name, and pass that")
    if op is None:
        kind = "class" if isinstance(candidate, type) else type(candidate).__name__
        raise InputError(
            f"--op: missing, and {target.name} is a {kind} that does not say what it computes; "
            f"add --op with one of {', '.join(known_ops())}, or FILE.py:OP"
        )
    if target.targets and not any(domain.forms for domain in op.domains.values()):
        raise InputError(f"--targets: {op.name} has no labels")
    forms: dict[str, Any] = {"name": target.name.rpartition(":")[2]}  # as asked for, whatever it calls itself
    if target.targets:
        forms["targets"] = target.targets
    if target.framework is not None:
        takes = {"torch": Layer.from_torch, "jax": Layer.from_jax}
        if target.framework not in takes:
            near = did_you_mean(target.framework, takes)
            raise InputError(f"--framework: expected one of {', '.join(takes)}, got {target.framework!r}{near}")
        return takes[target.framework](op, candidate, device=target.device, **forms)
    if target.vjp is not None:
        vjp = _find(target.vjp)[1] if ":" in target.vjp else _attribute(module, target.vjp, "--vjp")
        return Layer(op, forward=_function(target.name, candidate), vjp=_function(target.vjp, vjp), **forms)
    if isinstance(candidate, type):
        return Layer.from_class(op, candidate, **forms)
    if callable(candidate):
        own = f"{target.name.rpartition(':')[2]}_vjp"
        example = own if hasattr(module, own) else "ATTR"
        raise InputError(
            f"{target.name}: it is no class, and a function does not say its gradients; add --vjp {example}, the "
            f"function that computes them, or --framework torch or jax, where that is to differentiate it"
        )
    raise InputError(
        f"{target.name}: expected a class, a Layer, a function with --vjp, or code of a --framework, "
        f"got {shown(candidate)}"
    )


def find_op(name: str) -> Op:
    """The op of a name, or of MODULE:ATTR or PATH.py:ATTR, known by its own name from now on. Raises InputError."""
    if ":" not in name:
        return get_op(name)
    found = _find(name)[1]
    if not isinstance(found, Op):
        raise InputError(f"--op: {name}: expected an Op, got {shown(found)}")
    declare(found)
    return found


def load_module(name: str) -> ModuleType:
    """The module of that name or path; InputError says in a line why there is none."""
    is_file = name.endswith(".py")
    folder = str(Path(name).resolve().parent) if is_file else os.getcwd()
    if sys.path[:1] != [folder]:
        sys.path.insert(0, folder)
    try:
        return _from_file(Path(name)) if is_file else importlib.import_module(name)
    except ModuleNotFoundError as error:
        if is_file or not error.name or not f"{name}.".startswith(f"{error.name}."):
            raise InputError(_import_failed(name, error)) from error
        near = did_you_mean(name, (path.stem for path in Path(folder).glob("*.py")))
        raise InputError(f"{name}: no such module here ({folder}) or installed{near}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a module may raise anything, SystemExit too
        raise InputError(_import_failed(name, error)) from error


def _find(name: str) -> tuple[ModuleType, Any]:
    where, _, attribute = name.rpartition(":")
    if not where or not attribute:
        before, dot, last = attribute.rpartition(".")
        near = f"; did you mean {before}:{last}?" if dot and last != "py" else f", such as {attribute or where}:MyLayer"
        raise InputError(f"{name}: expected MODULE:ATTR or PATH.py:ATTR{near}")
    module = load_module(where)
    return module, _attribute(module, attribute, name)


def _attribute(module: ModuleType, path: str, name: str) -> Any:
    found: Any = module
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            near = did_you_mean(part, (n for n in dir(found) if not n.startswith("__")))
            raise InputError(f"{name}: no {part!r} in {shown(getattr(found, '__name__', path))}{near}") from None
    return found


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        near = did_you_mean(path.stem, (p.stem for p in path.resolve().parent.glob("*.py")))
        raise InputError(f"{path}: no such file{near.replace(' or ', '.py or ').replace('?', '.py?')}")
    name = path.stem if path.stem not in sys.modules else f"candidate_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickles look their module up
    spec.loader.exec_module(module)
    return module


def _import_failed(name: str, error: BaseException) -> str:
    if isinstance(error, InputError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = "" if isinstance(error, SyntaxError) else f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})"
    absent = isinstance(error, ModuleNotFoundError)
    hint = f"; is it installed for {sys.executable}, which runs this?" if absent else ""
    return f"{name}: importing it {said(error)}{place}{hint}"


def _function(name: str, value: Any) -> Callable[..., Any]:
    if not callable(value):
        raise InputError(f"{name}: expected a function, got {shown(value)}")
    return value  # type: ignore[no-any-return]  # whatever can be called
