"""The process a candidate runs in, started by `isolated`: a job comes on standard input, answers go back as lines.

Each line is a JSON object with one key: "setting", "step", "outcome", "replayed", "done", or, at an end before that,
"misuse" or "unavailable" with its message, or "error", a fault of this project with its traceback.
"""

from __future__ import annotations

import json
import os
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from reference import InputError

from ..candidates.blackbox import BlackBox
from ..candidates.contain import CLOCK
from ..candidates.gpu_lost import lost
from ..candidates.target import Target, load_layer
from ..claims.disagreement import Disagreement
from ..claims.judges import judged_by
from ..claims.verdicts import Verdict
from ..data.json_data import from_data, read_json, to_data
from ..sources.registry import OracleUnavailable
from .check_layer import Plan, claims, panel_for, setting
from .replay import Recording, replay
from .trial import WITH_ORACLES, Watch

Message = dict[str, Any]


def main() -> None:
    """Do the job on standard input. The candidate finds all three standard streams leading nowhere."""
    jobs, lines = os.fdopen(os.dup(0), encoding="utf-8"), os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    job = read_json(jobs.readline(), "job")
    threading.Thread(target=_end_with_parent, args=(jobs,), daemon=True).start()
    for message in answers(job):
        lines.write(json.dumps(message, allow_nan=False) + "\n")
        lines.flush()
    os._exit(0)  # whatever threads and exit handlers the candidate left behind


def answers(job: Message) -> Iterator[Message]:
    """What goes back for a job, line by line."""
    box = BlackBox(Path(job["box"]))
    try:
        yield from JOBS[job["job"]](job, box)
        yield {"done": True}
    except InputError as error:
        yield {"misuse": str(error)}
    except OracleUnavailable as error:
        yield {"unavailable": str(error)}
    except Exception:
        yield {"error": traceback.format_exc()}


def check(job: Message, box: BlackBox) -> Iterator[Message]:
    """The outcome of each step of a plan."""
    plan = from_data(Plan, job["plan"], "plan")
    layer = load_layer(from_data(Target, job["target"], "target"))
    gone = lost()
    if gone:
        raise InputError(f"{job['target']['name']}: importing it left the GPU unusable: {gone}")
    # the oracles take seconds to load, and one claim alone asks for them
    asks = any(name == WITH_ORACLES for name, _ in plan.steps)
    panel, absent = panel_for(layer, job["oracles"] or None, job["device"]) if asks else ((), {})
    yield {"setting": to_data(setting(layer, plan, panel, absent, job["device"]))}
    CLOCK.set(box.call)
    step: tuple[str, ...] = ()

    def found(disagreement: Disagreement) -> None:
        check, dtype = step
        verdict = Verdict(check, layer.op, layer.name, judged_by(layer), dtype, "failed", **disagreement.shown())
        small = replace(verdict, case=None, earlier=(), elements=())
        box.keep(*(json.dumps(to_data(v), allow_nan=False) for v in (verdict, small)))

    outcomes = claims(layer, plan, panel, Watch(box.watch, found))
    for i, step in enumerate(plan.steps):
        if i and lost():  # the rest is for a fresh process
            return
        box.reset()
        yield {"step": list(step)}
        yield {"outcome": to_data(next(outcomes))}


def again(job: Message, box: BlackBox) -> Iterator[Message]:
    """What a recording gives now."""
    recording = from_data(Recording, job["recording"], "recording")
    layer = load_layer(from_data(Target, job["target"], "target"))
    CLOCK.set(box.call)
    box.reset()
    yield {"step": [recording.check, recording.dtype]}
    watch = Watch(box.watch)
    yield {"replayed": to_data(replay(layer, recording.check, recording.case, recording.earlier, watch))}


def _end_with_parent(jobs: IO[str]) -> None:
    """No candidate goes on for nobody: the parent keeps this open while it lives."""
    jobs.read()
    os._exit(1)


JOBS: dict[str, Callable[[Message, BlackBox], Iterator[Message]]] = {"check": check, "replay": again}
