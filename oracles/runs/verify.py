"""`backproof verify`: the reference against every installed oracle, all ops and dtypes."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from reference import InputError

from ..candidates.layer import reference_layer
from ..cases.generation import DTYPES
from ..claims.referee import Tally
from ..claims.verdicts import Verdict
from ..ops import OPS
from ..reports.report import Report
from ..sources.available import chosen, cross_validation_note, load_oracles, products_note
from .agreement import Progress, check_agreement, plan
from .processes import cores, share

EXAMPLES = 60
LONG = 200  # cases from which on a run is worth more processes, which load the frameworks again
MOST = 4  # processes, unless more are asked for: each holds the frameworks, a gigabyte with what jax compiles


@dataclass(frozen=True)
class Part:
    """One op in one dtype of a run in all its dtypes: what a process does at a time."""

    op: str
    dtype: str
    dtypes: tuple[str, ...]
    oracles: tuple[str, ...]
    device: str
    examples: int
    seed: int


def verify(
    *,
    ops: Sequence[str] | None = None,
    dtypes: Sequence[str] | None = None,
    oracles: Sequence[str] | None = None,
    device: str = "cpu",
    examples: int = EXAMPLES,
    seed: int | None = None,
    workers: int | None = 1,
    progress: Progress = lambda done, what: None,
) -> Report:
    """Hold the reference and every installed oracle against the exact value, over some cases an op and dtype.

    workers: processes that share the work; None for one a core, four at most, where the run is long.
    They change nothing of what is drawn and found. Raises InputError for unknown names, OracleUnavailable for an
    oracle asked for that cannot run.
    """
    chosen_ops, chosen_dtypes = chosen("op", ops, tuple(OPS)), chosen("dtype", dtypes, DTYPES)
    if examples < 1:
        raise InputError(f"examples: expected a positive number, got {examples}")
    if workers is not None and workers < 1:
        raise InputError(f"workers: expected a positive number, got {workers}")
    seed = random.SystemRandom().randrange(2**32) if seed is None else seed
    start, wanted = time.perf_counter(), tuple(oracles or ())
    if wanted or device != "cpu":
        load_oracles(wanted, device)  # what cannot be had is said before other processes start
    parts = [
        Part(op, dtype, chosen_dtypes, wanted, device, examples, seed) for op in chosen_ops for dtype in chosen_dtypes
    ]
    if workers is None:
        workers = min(cores(), MOST) if planned_cases(ops, dtypes, examples, seed) >= LONG else 1
    results = share(
        parts[::-1],  # the losses take longest: first, so that no process waits for one at the end
        workers,
        here=partial(_tried, progress=progress),
        there=_tried,
        came=lambda result: progress(result[1].cases, "in other processes"),
    )[::-1]
    loaded, absent = load_oracles(oracles, device)
    tally = Tally.of(tally for _, tally in results)
    verdicts = sorted(
        (v for said, _ in results for v in said), key=lambda v: (chosen_ops.index(v.op), v.status == "disputed")
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
        notes=(*cross_validation_note(loaded), *products_note(loaded, chosen_dtypes)),
    )


def _tried(part: Part, progress: Progress = lambda done, what: None) -> tuple[tuple[Verdict, ...], Tally]:
    loaded, _ = load_oracles(part.oracles, part.device)
    tally = Tally()
    said = check_agreement(
        reference_layer(part.op),
        loaded,
        part.dtypes,
        examples=part.examples,
        seed=part.seed,
        tally=tally,
        only=part.dtype,
        progress=progress,
    )
    return said, tally


def planned_cases(ops: Sequence[str] | None, dtypes: Sequence[str] | None, examples: int, seed: int) -> int:
    """How many cases `verify` will run, for a progress bar."""
    chosen_ops, chosen_dtypes = chosen("op", ops, tuple(OPS)), chosen("dtype", dtypes, DTYPES)
    return sum(n for op in chosen_ops for _, _, n in plan(reference_layer(op), chosen_dtypes, examples, seed))
