"""`backproof verify`: the reference against every installed oracle, all ops and dtypes."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

import numpy as np

from reference import InputError

from ..ops import OPS
from ..registry import DEVICES, Oracle, OracleUnavailable, install_line, load, names
from .agreement import Progress, Tally, check_agreement, plan
from .cases import DTYPES
from .layer import reference_layer
from .report import Report, Verdict

EXAMPLES = 60


def load_oracles(wanted: Sequence[str] | None, device: str = "cpu") -> tuple[tuple[Oracle, ...], dict[str, str]]:
    """The oracles of those names, all there are by default; and why those that were not asked for by name cannot run.

    Raises InputError for unknown names and OracleUnavailable for one that was asked for and cannot run.
    """
    if device not in DEVICES:
        raise InputError(f"device: expected one of {', '.join(DEVICES)}, got {device!r}")
    loaded, absent = [], {}
    for name in wanted or names():
        # the project's own arithmetic runs on the CPU, wherever the frameworks do
        own = name in ("exact", "finite_difference")
        try:
            loaded.append(load(name, device="cpu" if own else device))
        except OracleUnavailable as reason:
            if wanted:
                raise
            absent[name] = str(reason)
    if device != "cpu" and not any(oracle.is_framework for oracle in loaded):
        raise OracleUnavailable(
            "; ".join(absent.values()) or f"no framework was asked for, and only those run on {device}"
        )
    return tuple(loaded), absent


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
    chosen_ops, chosen_dtypes = _chosen("op", ops, tuple(OPS)), _chosen("dtype", dtypes, DTYPES)
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


def cross_validation_note(oracles: Sequence[Oracle]) -> tuple[str, ...]:
    """A line that says so where no framework took part: the run is then no cross-validation."""
    if any(oracle.is_framework for oracle in oracles):
        return ()
    lines = " or ".join(f"`{install_line(name)}`" for name in ("torch", "jax"))
    return (f"Nothing was cross-validated: no framework oracle took part. Install one with {lines}.",)


def planned_cases(ops: Sequence[str] | None, dtypes: Sequence[str] | None, examples: int, seed: int) -> int:
    """How many cases `verify` will run, for a progress bar."""
    chosen_ops, chosen_dtypes = _chosen("op", ops, tuple(OPS)), _chosen("dtype", dtypes, DTYPES)
    return sum(n for op in chosen_ops for _, _, n in plan(reference_layer(op), chosen_dtypes, examples, seed))


def _chosen(label: str, wanted: Sequence[str] | None, known: Sequence[str]) -> tuple[str, ...]:
    unknown = [w for w in wanted or () if w not in known]
    if unknown:
        raise InputError(f"{label}: expected one of {', '.join(known)}, got {unknown[0]!r}")
    return tuple(wanted or known)
