"""A seed gives the same cases in every process.

Hypothesis draws now and then a constant that it has read in those modules of the process that are no installed
packages: in the candidate's own, so that an edit of it would change its cases, or in this package where it runs from a
checkout. There is no setting for that; without its two names, of another version, nothing is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from threading import Lock
from types import ModuleType
from typing import Any

_NAMES = ("_get_local_constants", "CONSTANTS_CACHE", "Constants")
_LOCK = Lock()
_inside = 0
_theirs: dict[str, Any] = {}
_ours: dict[str, Any] = {}


def _providers() -> ModuleType | None:
    try:
        module = import_module("hypothesis.internal.conjecture.providers")
    except ImportError:
        return None
    return module if all(hasattr(module, name) for name in _NAMES) else None


@contextmanager
def same_everywhere() -> Iterator[None]:
    """A context in which no constants of the process are drawn, in any thread."""
    global _inside
    providers = _providers()
    if providers is None:
        yield
        return
    with _LOCK:
        _inside += 1
        if _inside == 1:
            if not _ours:
                nothing = providers.Constants()
                cache = type(providers.CONSTANTS_CACHE)(1024)  # of what a choice permits, which theirs has with those
                _ours.update({"_get_local_constants": lambda: nothing, "CONSTANTS_CACHE": cache})
            for name, value in _ours.items():
                _theirs[name] = getattr(providers, name)
                setattr(providers, name, value)
    try:
        yield
    finally:
        with _LOCK:
            _inside -= 1
            if not _inside:
                for name, value in _theirs.items():
                    setattr(providers, name, value)
