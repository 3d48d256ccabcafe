"""check_layer: hold anyone's layer to every claim, and report what breaks it."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from reference import InputError

from ..case import Case
from ..registry import Oracle
from .agreement import Tally, disputes, judge_oracle
from .cases import DTYPES
from .checks import CHECKS, Check
from .layer import Layer
from .panel import cross_validation_note, load_oracles
from .report import Report, Verdict
from .search import Disagreement, shrunk, try_cases
from .truth import Truth

EXAMPLES = 60
WITH_ORACLES = "values"  # the check on whose cases the oracles are held against the truth as well
FRAMES_WITH_ORACLES = 5


def check_layer(
    layer: Layer,
    oracles: Sequence[str] | None = None,
    dtypes: Sequence[str] | None = None,
    device: str = "cpu",
    max_examples: int | None = None,
    seed: int | None = None,
) -> Report:
    """Every check on the layer, in each dtype (float32 and float64 by default). Never raises for a wrong layer.

    The layer is judged by the exact value. The oracles (all installed by default) are held against it on the same
    cases, on `device`; one outside its own bound is reported as disputed. max_examples: cases a check and dtype, 60 by
    default. Raises InputError for unknown names, OracleUnavailable for an oracle asked for that cannot run.
    """
    chosen = _dtypes(dtypes)
    examples = EXAMPLES if max_examples is None else max_examples
    if examples < 1:
        raise InputError(f"max_examples: expected a positive number, got {examples}")
    seed = random.SystemRandom().randrange(2**32) if seed is None else seed
    panel, absent = load_oracles(oracles, device)
    start, done, tally = time.perf_counter(), 0, Tally()
    verdicts: list[Verdict] = []
    for check in CHECKS:
        for dtype in chosen:
            found, count = search(check, layer, dtype, examples, seed, panel, tally)
            done += count
            status = "passed" if found is None else "failed"
            said: dict[str, Any] = (
                {} if found is None else {"margin": found.margin, "message": found.message, "case": found.case}
            )
            for name in [o.name for o in panel] if check.name == WITH_ORACLES else ["exact"]:
                verdicts.append(Verdict(check.name, layer.op, layer.name, name, dtype, status, **said))
    verdicts += disputes(layer.op, panel, chosen, tally)
    verdicts += [Verdict(WITH_ORACLES, "", layer.name, n, "", "skipped", message=why) for n, why in absent.items()]
    return Report(
        title=f"backproof check: {layer.name} as {layer.op}",
        verdicts=tuple(verdicts),
        margins=tally.margins(),
        versions={"numpy": np.__version__} | {oracle.name: oracle.version for oracle in panel},
        seed=seed,
        cases=done,
        seconds=time.perf_counter() - start,
        device=device,
        notes=cross_validation_note(panel),
    )


def search(
    check: Check,
    layer: Layer,
    dtype: str,
    examples: int,
    seed: int,
    panel: Sequence[Oracle] = (),
    tally: Tally | None = None,
) -> tuple[Disagreement | None, int]:
    """The first case found on which the layer breaks the claim, shrunk, and how many cases were tried."""
    frames = check.frames(layer, seed)
    share = max(1, round(examples * check.share / max(1, len(frames))))
    variety = replace(check.variety, unit_cotangent=not layer.has_cotangent)
    judge, done = partial(check.judge, layer), 0

    def with_oracles(case: Case) -> None:
        judge(case)
        truth = Truth.of(case)
        for oracle in panel:
            judge_oracle(oracle, case, truth, tally or Tally())

    for i, frame in enumerate(frames):
        count = share if frame.elements <= 2000 else 3 if frame.elements <= 20_000 else 2
        # jax compiles each new shape: the oracles see the first few
        claim = with_oracles if check.name == WITH_ORACLES and i < FRAMES_WITH_ORACLES else judge
        kind = replace(variety, rough=frame.elements > 2000)
        tried, found = try_cases(claim, frame, dtype, count, (seed, check.name), kind)
        done += tried
        if found is not None:
            return shrunk(judge, found, partial(_takes, layer)), done
    return None, done


def _dtypes(wanted: Sequence[str] | None) -> tuple[str, ...]:
    unknown = [d for d in wanted or () if d not in DTYPES]
    if unknown:
        raise InputError(f"dtypes: expected some of {', '.join(DTYPES)}, got {unknown[0]!r}")
    return tuple(wanted or ("float32", "float64"))


def _takes(layer: Layer, case: Case) -> bool:
    """Whether the layer promises anything on the case: its forms of labels, and cotangents where it takes one."""
    if not layer.has_cotangent and (case.cotangent.ndim or case.cotangent != 1):
        return False
    targets = case.primals.get("targets")
    if targets is None or targets.ndim == 1 or "soft" in layer.targets:
        return True
    return bool((np.count_nonzero(targets, axis=1) == 1).all() and (targets.sum(axis=1) == 1).all())
