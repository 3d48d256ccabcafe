"""A framework's function by its dotted name, torch.nn.functional.layer_norm, imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from reference import InputError

from ..words import did_you_mean


def is_dotted(name: object) -> bool:
    """Whether it is one: module.attribute, or longer."""
    return isinstance(name, str) and "." in name and all(part.isidentifier() for part in name.split("."))


def imported(framework: str, name: str) -> Any:
    """What it leads to: a module as far as there is one, and attributes from there. Raises InputError."""
    parts = name.split(".")
    for at in range(len(parts) - 1, 0, -1):
        try:
            found: Any = import_module(".".join(parts[:at]))
        except ImportError:
            continue
        for part in parts[at:]:
            if not hasattr(found, part):
                raise InputError(f"{framework}: {name}: no {part!r}{did_you_mean(part, dir(found))}")
            found = getattr(found, part)
        return found
    raise InputError(f"{framework}: {name}: no module {parts[0]!r}")
