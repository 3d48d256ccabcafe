"""check_layer: hold anyone's layer to every claim, and report what breaks it."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from ..case import Case
from .checks import CHECKS, Check
from .layer import Layer
from .report import Report, Verdict
from .search import Disagreement, shrunk, try_cases

EXAMPLES = 60


def check_layer(
    layer: Layer,
    oracles: Sequence[str] | None = None,
    dtypes: Sequence[str] | None = None,
    device: str = "cpu",
    max_examples: int | None = None,
    seed: int | None = None,
) -> Report:
    """Every check on the layer, in each dtype (float32 and float64 by default). Never raises for a wrong layer."""
    chosen = tuple(dtypes or ("float32", "float64"))
    examples = max_examples or EXAMPLES
    seed = random.SystemRandom().randrange(2**32) if seed is None else seed
    start, done, verdicts = time.perf_counter(), 0, []
    for check in CHECKS:
        for dtype in chosen:
            found, count = search(check, layer, dtype, examples, seed)
            done += count
            common = (check.name, layer.op, layer.name, "exact", dtype)
            if found is None:
                verdicts.append(Verdict(*common, "passed"))
            else:
                verdicts.append(Verdict(*common, "failed", found.margin, message=found.message, case=found.case))
    return Report(
        title=f"backproof check: {layer.name} as {layer.op}",
        verdicts=tuple(verdicts),
        margins=(),
        versions={"numpy": np.__version__},
        seed=seed,
        cases=done,
        seconds=time.perf_counter() - start,
        device=device,
    )


def search(check: Check, layer: Layer, dtype: str, examples: int, seed: int) -> tuple[Disagreement | None, int]:
    """The first case found on which the layer breaks the claim, shrunk, and how many cases were tried."""
    frames = check.frames(layer, seed)
    share = max(1, round(examples * check.share / max(1, len(frames))))
    variety = replace(check.variety, unit_cotangent=not layer.has_cotangent)
    judge, done = partial(check.judge, layer), 0
    for frame in frames:
        count = share if frame.elements <= 2000 else 3 if frame.elements <= 20_000 else 2
        tried, found = try_cases(judge, frame, dtype, count, (seed, check.name), variety)
        done += tried
        if found is not None:
            return shrunk(judge, found, partial(_takes, layer)), done
    return None, done


def _takes(layer: Layer, case: Case) -> bool:
    """Whether the layer promises anything on the case: its forms of labels, and cotangents where it takes one."""
    if not layer.has_cotangent and (case.cotangent.ndim or case.cotangent != 1):
        return False
    targets = case.primals.get("targets")
    if targets is None or targets.ndim == 1 or "soft" in layer.targets:
        return True
    return bool((np.count_nonzero(targets, axis=1) == 1).all() and (targets.sum(axis=1) == 1).all())
