"""check_layer for a candidate that may crash, exit or hang: it runs in a process of its own, and dies there alone.

The claims go on in a fresh process after the one that died; that claim is failed, with the case that was in flight.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from reference import InputError

from ..candidates.target import Target
from ..causes.diagnose import UNEXPLAINED
from ..claims.verdicts import Verdict
from ..data.json_data import from_data, to_data
from ..reports.report import Report
from .check_layer import Progress, Setting, assembled, planned
from .listening import Died, answers
from .replay import Recording, Replayed
from .trial import WITH_ORACLES, Outcome

TIMEOUT = 60.0  # seconds that a call of the candidate may take, and all its calls for one claim in one dtype
TOO_OFTEN = 3  # claims without an answer, after which the others are not waited for


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

    timeout: the seconds that one call of the layer may take, which fails the claim, and that all its calls for one
    claim in one dtype may, after which that is not finished. The kit's own time is not the layer's. Raises InputError
    where there is no such layer, OracleUnavailable as `check_layer` does.
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
            for message in answers(job, timeout):
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
        for message in answers(job, timeout):
            loaded = loaded or "step" in message
            if "replayed" in message:
                done = from_data(Replayed, message["replayed"], "replayed")
    except Died as death:
        if not loaded:
            raise InputError(f"{target.name}: importing it {death}") from death
        if death.unfinished:
            raise InputError(f"{target.name}: not finished, {death}") from death
        return Replayed((), death.message)
    return done


def _dead(found: Setting, step: tuple[str, ...], death: Died) -> Outcome:
    """The outcome of a claim on which the process died: failed, or not finished and no failure of the layer.

    Failed as well where something wrong had been found by then: it was to be made small, or explained.
    """
    check, dtype = step
    oracles = [name for name in found.versions if name != "numpy"] if check == WITH_ORACLES else ["exact"]
    verdicts = [Verdict(check, found.op, found.layer, name, dtype, "failed") for name in oracles]
    if death.unfinished and death.found:
        known = from_data(Verdict, json.loads(death.found), "found")
        cause = f"{UNEXPLAINED} (looking for it was not finished: {death.message})"
        verdicts = [replace(known, oracle=v.oracle, cause=cause) for v in verdicts]
    elif death.unfinished:
        message = f"{check}: not finished, {death.message}"
        verdicts = [replace(verdicts[0], status="unfinished", message=message)]
    else:
        said = {"margin": np.inf, "message": death.message, "case": death.case, "symptom": ("died", death.message)}
        verdicts = [replace(v, **said) for v in verdicts]  # type: ignore[arg-type]  # fields by name
    return Outcome(tuple(verdicts), (), 1)


def _untried(found: Setting, step: tuple[str, ...], hung: int) -> Outcome:
    check, dtype = step
    why = f"{check}: not tried, {hung} claims got no answer in time"
    return Outcome((Verdict(check, found.op, found.layer, "exact", dtype, "skipped", message=why),), (), 0)


def _positive(timeout: float) -> None:
    if not timeout > 0:
        raise InputError(f"timeout: expected a positive number of seconds, got {timeout:g}")
