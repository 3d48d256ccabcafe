"""A worker's answers as they come, and how long to wait for them: what is the candidate's time, and what is the kit's.

No process is left behind, however it ends.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from reference import InputError

from ..candidates.blackbox import BlackBox
from ..sources.registry import OracleUnavailable
from .processes import one_thread

LOADING = 120.0  # seconds for Python, the frameworks and the candidate's own imports, or between two steps of the kit
WORK = 600.0  # seconds that the kit itself may take for one claim in one dtype
ROOT = Path(__file__).parents[2]
# the package comes from where this one does; the candidate's directory is put first once it is loaded
START = f"import sys; sys.path[:1] = [{str(ROOT)!r}]; from oracles.runs.worker import main; del sys.path[0]; main()"


class Died(Exception):  # noqa: N818  (what happened to a process, not a mistake)
    """A process that ended, or was ended, before it was done; the message says how.

    unfinished: by no fault of the candidate. found: the failure that was known by then, as JSON, or nothing.
    """

    def __init__(self, message: str, box: BlackBox, *, hung: bool = False, unfinished: bool = False) -> None:
        super().__init__(message)
        self.message, self.case, self.hung, self.unfinished = message, box.case(), hung, unfinished
        self.found = box.found


def answers(job: dict[str, Any], timeout: float) -> Iterator[dict[str, Any]]:
    """The messages of a worker that does the job; raises Died, and leaves no process behind."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        closing(BlackBox(Path(folder) / "box")) as box,
        subprocess.Popen(
            [sys.executable, "-c", START],
            env=os.environ | one_thread(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield from _listen(process, box, json.dumps(job | {"box": str(Path(folder) / "box")}), timeout)
        finally:
            _kill(process)


def _listen(process: subprocess.Popen[bytes], box: BlackBox, job: str, timeout: float) -> Iterator[dict[str, Any]]:
    lines: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_read, args=(process.stdout, lines), daemon=True).start()
    if process.stdin is not None:
        with suppress(BrokenPipeError):
            process.stdin.write(job.encode() + b"\n")
            process.stdin.flush()
    trying, heard, steps, stepped = False, time.monotonic(), 0, time.monotonic()
    while True:
        try:
            line = lines.get(timeout=0.05)
        except queue.Empty:
            now = time.monotonic()
            if box.steps != steps:
                steps, stepped = box.steps, now
            late = _too_late(box, timeout, now - heard, now - stepped) if trying else _still_loading(box, now - heard)
            if late is not None:
                _kill(process)
                raise late from None
            continue
        if not line:
            raise Died(_how_it_ended(process, box), box)
        message, heard = json.loads(line), time.monotonic()
        stepped = heard
        if "done" in message:
            return
        _raise_for(message)
        trying = trying or "step" in message
        yield message


def _still_loading(box: BlackBox, waited: float) -> Died | None:
    return Died(f"no answer within {LOADING:g} s", box, hung=True) if waited > LOADING else None


def _too_late(box: BlackBox, timeout: float, worked: float, still: float) -> Died | None:
    """What ends a claim: a call of the candidate that does not end, or all of them, or the kit itself."""
    if box.call_seconds > timeout:
        return Died(f"no answer within {timeout:g} s", box, hung=True)
    if box.seconds - box.call_seconds > timeout:  # of those that ended: the one in flight may be what hangs
        return Died(f"its calls took {timeout:g} s in all, none of them so long (--timeout)", box, unfinished=True)
    if still > LOADING + timeout or worked > WORK + timeout:
        return Died("backproof itself took too long for it", box, unfinished=True)
    return None


def _raise_for(message: dict[str, Any]) -> None:
    """The errors that a worker passes on."""
    if "misuse" in message:
        raise InputError(message["misuse"])
    if "unavailable" in message:
        raise OracleUnavailable(message["unavailable"])
    if "error" in message:
        raise RuntimeError(f"a fault of backproof, not of the layer:\n{message['error']}")


def _read(stream: Any, lines: queue.Queue[bytes]) -> None:
    with suppress(ValueError, OSError):  # closed under it, when the process was killed
        for line in stream:
            lines.put(line)
    lines.put(b"")


def _how_it_ended(process: subprocess.Popen[bytes], box: BlackBox) -> str:
    try:
        code = process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        return "closed every file of its process"
    how = f"exited with code {code}" if code >= 0 else f"killed the interpreter: {signal.Signals(-code).name}"
    return how if box.in_flight else f"{how}, outside a call"


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the process, and all it started."""
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
