"""check_layer for a candidate that may crash, exit or hang: it runs in a process of its own, and dies there alone.

The claims go on in a fresh process after the one that died; that claim is failed, with the case that was in flight.
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
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from reference import InputError

from ..case import Case
from ..registry import OracleUnavailable
from .blackbox import BlackBox
from .kit import Progress, Setting, assembled, planned
from .records import from_data, to_data
from .replay import Recording, Replayed
from .report import Report, Verdict
from .target import Target
from .trial import WITH_ORACLES, Outcome

TIMEOUT = 60.0  # seconds that the candidate may take for one claim in one dtype
LOADING = (
    120.0  # seconds for Python, the frameworks and the candidate's own imports, or for anything else that is not its
)
TOO_OFTEN = 3  # claims without an answer, after which the others are not waited for
ROOT = Path(__file__).parents[2]
# the package comes from where this one does; the candidate's directory is put first once it is loaded
START = (
    f"import sys; sys.path[:1] = [{str(ROOT)!r}]; from oracles.conformance.worker import main; del sys.path[0]; main()"
)


class Died(Exception):  # noqa: N818  (what happened to a process, not a mistake)
    """A process that ended, or was ended, before it was done; the message says how."""

    def __init__(self, message: str, case: Case | None, hung: bool) -> None:
        super().__init__(message)
        self.message, self.case, self.hung = message, case, hung


def check_isolated(
    target: Target,
    oracles: Sequence[str] | None = None,
    dtypes: Sequence[str] | None = None,
    device: str = "cpu",
    max_examples: int | None = None,
    seed: int | None = None,
    *,
    timeout: float = TIMEOUT,
    progress: Progress = lambda done, what: None,
) -> Report:
    """What `check_layer` reports of the target's layer, which never runs in this process.

    timeout: the seconds that the layer itself may take for one claim in one dtype. Raises InputError where there is no
    such layer, OracleUnavailable as `check_layer` does.
    """
    plan, start = planned(dtypes, max_examples, seed), time.perf_counter()
    _positive(timeout)
    remaining, outcomes, hung = list(plan.steps), list[Outcome](), 0
    found: Setting | None = None
    while remaining and hung < TOO_OFTEN:
        job = {
            "job": "check",
            "target": to_data(target),
            "plan": to_data(replace(plan, steps=tuple(remaining))),
            "oracles": list(oracles or ()),
            "device": device,
        }
        try:
            for message in _answers(job, timeout):
                if "setting" in message:
                    found = found or from_data(Setting, message["setting"], "setting")
                elif "step" in message:
                    progress(0, " ".join(message["step"]))
                elif "outcome" in message:
                    outcomes.append(from_data(Outcome, message["outcome"], "outcome"))
                    progress(1, " ".join(remaining.pop(0)))
        except Died as death:
            if found is None:
                raise InputError(f"{target.name}: importing it {death}") from death
            outcomes.append(_dead(found, remaining[0], death))
            progress(1, " ".join(remaining.pop(0)))
            hung += death.hung
    if found is None:
        raise RuntimeError("the process said nothing of its layer")
    outcomes += [_untried(found, step, hung) for step in remaining]
    return assembled(found, plan, outcomes, time.perf_counter() - start)


def replay_isolated(recording: Recording, target: Target, *, timeout: float = TIMEOUT) -> Replayed:
    """What `replay` gives for the target's layer, which never runs in this process. Raises InputError."""
    _positive(timeout)
    job = {"job": "replay", "target": to_data(target), "recording": to_data(recording)}
    loaded, done = False, Replayed((), "not replayed")
    try:
        for message in _answers(job, timeout):
            loaded = loaded or "step" in message
            if "replayed" in message:
                done = from_data(Replayed, message["replayed"], "replayed")
    except Died as death:
        if not loaded:
            raise InputError(f"{target.name}: importing it {death}") from death
        return Replayed((), death.message)
    return done


def _answers(job: dict[str, Any], timeout: float) -> Iterator[dict[str, Any]]:
    """The messages of a worker that does the job; raises Died, and leaves no process behind."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        closing(BlackBox(Path(folder) / "box")) as box,
        subprocess.Popen(
            [sys.executable, "-c", START],
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
    trying, heard = False, time.monotonic()
    while True:
        try:
            line = lines.get(timeout=0.05)
        except queue.Empty:
            # once it is loaded, the candidate's own time counts; and a limit on the rest, where a thread holds all up
            if (trying and box.seconds > timeout) or time.monotonic() - heard > LOADING + timeout * trying:
                _kill(process)
                raise Died(f"no answer within {timeout if trying else LOADING:g} s", box.case(), hung=True) from None
            continue
        if not line:
            raise Died(_how_it_ended(process, box), box.case(), hung=False)
        message, heard = json.loads(line), time.monotonic()
        if "done" in message:
            return
        _raise_for(message)
        trying = trying or "step" in message
        yield message


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


def _dead(found: Setting, step: tuple[str, ...], death: Died) -> Outcome:
    """The outcome of a claim on which the process died."""
    check, dtype = step
    oracles = [name for name in found.versions if name != "numpy"] if check == WITH_ORACLES else ["exact"]
    said = {"margin": np.inf, "message": death.message, "case": death.case}
    verdicts = [Verdict(check, found.op, found.layer, name, dtype, "failed", **said) for name in oracles]  # type: ignore[arg-type]  # fields by name
    return Outcome(tuple(verdicts), (), 1)


def _untried(found: Setting, step: tuple[str, ...], hung: int) -> Outcome:
    check, dtype = step
    why = f"{check}: not tried, {hung} claims got no answer in time"
    return Outcome((Verdict(check, found.op, found.layer, "exact", dtype, "skipped", message=why),), (), 0)


def _positive(timeout: float) -> None:
    if not timeout > 0:
        raise InputError(f"timeout: expected a positive number of seconds, got {timeout:g}")
