"""Whether the GPU that a process uses still answers: a kernel that writes out of bounds ends that for good."""

from __future__ import annotations

import sys
from typing import Any

from ..data.case import Case
from ..sources.registry import loaded

# what CUDA says of a kernel, and what that means
_MEANING = {
    "illegal memory access": "a kernel reads or writes memory that is not its own",
    "misaligned address": "a kernel reads or writes an address that is not a multiple of what it reads",
    "device-side assert": "an assertion in a kernel fails",
    "launch failure": "a kernel ends in an exception",
    "illegal instruction": "a kernel runs an instruction that there is not",
    "stack error": "a kernel's stack is corrupted",
}
_noticed = False


class Lost(Exception):  # noqa: N818  (what became of the GPU, not a mistake)
    """A call that left the GPU unusable, or, where that had been noticed before, one that found it so.

    No Disagreement: after it no claim holds or fails. said: by the GPU.
    """

    def __init__(self, case: Case, said: str, *, noticed: bool) -> None:
        who = "an earlier call " if noticed else ""
        super().__init__(f"{who}left the GPU unusable: {said}")
        self.case, self.said, self.noticed = case, said, noticed


def notice() -> str:
    """What a GPU that is lost says, and "" where none is; calls that fail from now on are not to blame for it."""
    global _noticed
    said = lost()
    _noticed = _noticed or bool(said)
    return said


def blame(case: Case) -> Lost | None:
    """What is said of a call that raised, where the GPU is lost by now."""
    before = _noticed
    said = notice()
    return Lost(case, said, noticed=before) if said else None


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
