"""The import that finds an object of the user's in a fresh interpreter, wherever its module lies."""

from __future__ import annotations

import site
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any


def imported(thing: Any) -> tuple[list[str], str] | None:
    """The import of what its module has under its own name, or the user's own code under any."""
    module, qualified = getattr(thing, "__module__", None), getattr(thing, "__qualname__", "")
    if isinstance(module, str) and module != "__main__" and qualified and "<" not in qualified:
        for path in (qualified, qualified.rpartition(".")[2]):  # compiled functions name a class that is not there
            found: Any = sys.modules.get(module)
            for part in path.split("."):
                found = getattr(found, part, None)
            if found is thing:
                return _import_of(module, path)
    if isinstance(thing, (bool, int, float, str, bytes, tuple, type(None))):
        return None
    for name, other in list(sys.modules.items()):
        if name != "__main__" and _is_users(other):
            for attribute, value in list(vars(other).items()):
                if value is thing and attribute.isidentifier():
                    return _import_of(name, attribute)
    return None


def _import_of(module: str, path: str) -> tuple[list[str], str]:
    file = Path(getattr(sys.modules[module], "__file__", None) or module)
    # a file that was loaded under another name, since there was one of its own
    name = module if file.stem in (module.rpartition(".")[2], "__init__") else file.stem
    return [*_found_from(module), f"from {name} import {path.partition('.')[0]}"], path


def _is_users(module: object) -> bool:
    """Whether a module is the user's own code: in no package that was installed, and not of Python or this project."""
    file = getattr(module, "__file__", None)
    if not isinstance(module, ModuleType) or not isinstance(file, str) or not file.endswith(".py"):
        return False
    return not any(Path(file).is_relative_to(folder) for folder in (*_INSTALLED, *_OWN))


_KINDS = ("stdlib", "platstdlib", "purelib", "platlib")
_INSTALLED = tuple(Path(path) for path in {*(sysconfig.get_path(kind) for kind in _KINDS), site.getusersitepackages()})
_OWN = tuple(Path(__file__).parents[2] / package for package in ("oracles", "reference", "backproof"))


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
