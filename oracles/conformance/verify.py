"""`backproof verify`: the reference against every installed oracle, all ops and dtypes."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

import numpy as np

from reference import InputError

from ..ops import OPS
from .agreement import Progress, check_agreement, plan
from .cases import DTYPES
from .layer import reference_layer
from .panel import chosen, cross_validation_note, load_oracles
from .referee import Tally
from .report import Report, Verdict

EXAMPLES = 60


def verify(
    *,
    ops: Sequence[str] | None = None,
    dtypes: Sequence[str] | None = None,
    oracles: Sequence[str] | None = None,
    device: str = "cpu",
    examples: int = EXAMPLES,
    seed: int | None = None,
    progress: Progress = lambda done, what: None,
) -> Report:
    """Hold the reference and every installed oracle against the exact value, over some cases an op and dtype.

    Raises InputError for unknown names, OracleUnavailable for an oracle asked for that cannot run.
    """
    chosen_ops, chosen_dtypes = chosen("op", ops, tuple(OPS)), chosen("dtype", dtypes, DTYPES)
    if examples < 1:
        raise InputError(f"examples: expected a positive number, got {examples}")
    seed = random.SystemRandom().randrange(2**32) if seed is None else seed
    loaded, absent = load_oracles(oracles, device)
    start, tally = time.perf_counter(), Tally()
    verdicts: list[Verdict] = []
    for op in chosen_ops:
        verdicts += check_agreement(
            reference_layer(op), loaded, chosen_dtypes, examples=examples, seed=seed, tally=tally, progress=progress
        )
    verdicts += [Verdict("agrees", "", "reference", n, "", "skipped", message=why) for n, why in absent.items()]
    return Report(
        title="backproof verify: the reference against its oracles",
        verdicts=tuple(verdicts),
        margins=tally.margins(),
        versions={"numpy": np.__version__} | {oracle.name: oracle.version for oracle in loaded},
        seed=seed,
        cases=tally.cases,
        seconds=time.perf_counter() - start,
        device=device,
        notes=cross_validation_note(loaded),
    )


def planned_cases(ops: Sequence[str] | None, dtypes: Sequence[str] | None, examples: int, seed: int) -> int:
    """How many cases `verify` will run, for a progress bar."""
    chosen_ops, chosen_dtypes = chosen("op", ops, tuple(OPS)), chosen("dtype", dtypes, DTYPES)
    return sum(n for op in chosen_ops for _, _, n in plan(reference_layer(op), chosen_dtypes, examples, seed))
