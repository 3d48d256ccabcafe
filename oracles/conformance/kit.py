"""check_layer: hold anyone's layer to every claim, and report what breaks it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

import numpy as np

from reference import InputError

from .cases import DTYPES
from .checks import CHECKS
from .diagnose import Diagnosis
from .layer import Layer
from .panel import chosen, cross_validation_note, load_oracles
from .referee import Tally, disputes
from .report import Report, Verdict
from .trial import EXAMPLES, WITH_ORACLES, verdicts

Progress = Callable[[int, str], None]  # claims done since the last call, and the one that is next


def check_layer(
    layer: Layer,
    oracles: Sequence[str] | None = None,
    dtypes: Sequence[str] | None = None,
    device: str = "cpu",
    max_examples: int | None = None,
    seed: int | None = None,
    *,
    progress: Progress = lambda done, what: None,
) -> Report:
    """Every check on the layer, in each dtype (float32 and float64 by default). Never raises for a wrong layer.

    The layer is judged by the exact value. The oracles (all installed by default) are held against it on the same
    cases, on `device`; one outside its own bound is reported as disputed. max_examples: cases a check and dtype, 60 by
    default. Raises InputError for unknown names, OracleUnavailable for an oracle asked for that cannot run.
    """
    if not isinstance(layer, Layer):
        raise InputError(f"layer: expected a Layer, got {layer!r}")
    wanted = chosen("dtypes", dtypes, DTYPES, default=("float32", "float64"))
    examples = EXAMPLES if max_examples is None else max_examples
    if examples < 1:
        raise InputError(f"max_examples: expected a positive number, got {examples}")
    seed = random.SystemRandom().randrange(2**32) if seed is None else seed
    panel, absent = load_oracles(oracles, device)
    start, tally, diagnosis = time.perf_counter(), Tally(), Diagnosis(layer, seed)
    said: list[Verdict] = []
    for check in CHECKS:
        for dtype in wanted:
            progress(0, f"{check.name} {dtype}")
            said += verdicts(check, layer, dtype, examples, seed, panel, tally, diagnosis)
            progress(1, f"{check.name} {dtype}")
    said += disputes(layer.op, panel, wanted, tally)
    said += [Verdict(WITH_ORACLES, "", layer.name, n, "", "skipped", message=why) for n, why in absent.items()]
    return Report(
        title=f"backproof check: {layer.name} as {layer.op}",
        verdicts=tuple(said),
        margins=tally.margins(),
        versions={"numpy": np.__version__} | {oracle.name: oracle.version for oracle in panel},
        seed=seed,
        cases=tally.cases,
        seconds=time.perf_counter() - start,
        device=device,
        notes=cross_validation_note(panel),
    )
