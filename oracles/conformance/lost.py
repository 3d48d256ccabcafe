"""Whether the GPU that a process uses still answers: a kernel that writes out of bounds ends that for good."""

from __future__ import annotations

import sys
from typing import Any

from ..registry import loaded

# what CUDA says of a kernel, and what that means
_MEANING = {
    "illegal memory access": "a kernel reads or writes memory that is not its own",
    "misaligned address": "a kernel reads or writes an address that is not a multiple of what it reads",
    "device-side assert": "an assertion in a kernel fails",
    "launch failure": "a kernel ends in an exception",
}


def lost() -> str:
    """What the GPU says where it answers nothing any more; "" where it is well, or none is in use."""
    said = (getattr(adapter, "lost", str)() for adapter in loaded())
    return next(filter(None, (*said, _of_cupy())), "")


def meaning(said: str) -> str:
    """What the message says of the kernel; "" where it is none that is known."""
    return next((text for words, text in _MEANING.items() if words in said), "")


def _of_cupy() -> str:
    cupy: Any = sys.modules.get("cupy")
    try:
        if cupy is not None:
            cupy.cuda.runtime.deviceSynchronize()
    except Exception as error:  # there may be no GPU at all
        return str(error) if meaning(str(error)) else ""
    return ""
