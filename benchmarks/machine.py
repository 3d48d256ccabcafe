"""What every figure stands beside: the versions and the machine."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import sys
from contextlib import suppress
from pathlib import Path

from oracles.runs.processes import cores

PACKAGES = ("numpy", "torch", "jax", "hypothesis", "python-flint")


def versions() -> dict[str, str]:
    """The versions of what is installed, of Python, and the cores that this process may use."""
    found = {}
    for name in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return {**found, "python": platform.python_version(), "machine": platform.machine(), "cores": str(cores())}


def write_json(path: str, **found: object) -> None:
    """What a benchmark found, with the versions and the command."""
    data = {**found, "versions": versions(), "argv": sys.argv}
    Path(path).write_text(json.dumps(data, indent=1), encoding="utf-8")
