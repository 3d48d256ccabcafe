"""What every figure stands beside: the versions and the machine."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from contextlib import suppress

PACKAGES = ("numpy", "torch", "jax", "hypothesis", "python-flint")


def versions() -> dict[str, str]:
    """The versions of what is installed, of Python, and the cores that this process may use."""
    found = {}
    for name in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {**found, "python": platform.python_version(), "machine": platform.machine(), "cores": str(cores)}
