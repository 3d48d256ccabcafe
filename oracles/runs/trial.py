"""One claim tried on a layer in one dtype: the search for a case that breaks it, made small, and the verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ..candidates.contain import left_as_found
from ..candidates.gpu_lost import Lost
from ..candidates.layer import Layer
from ..cases.frames import directions
from ..causes.diagnose import Diagnosis
from ..claims.checks import Check, values
from ..claims.disagreement import Disagreement, Kind
from ..claims.judges import judged_by, own_claims, truth_for, why_not_tried
from ..claims.referee import Tally, applies, disputes, judge_layer, judge_oracle, verdicts_on_layer
from ..claims.search import shrunk, shrunk_within, try_cases
from ..claims.verdicts import Margin, Verdict
from ..data.case import Case
from ..snippets.snippet import snippet
from ..sources.registry import Oracle

EXAMPLES = 60
WITH_ORACLES = "values"  # the check on whose cases the oracles are held against the truth as well
FRAMES_WITH_ORACLES = 5  # jax compiles each new shape: the oracles see the first few


@dataclass(frozen=True)
class Watch:
    """What goes around each judgement of the layer on a case, and what is told of a failure as soon as there is one."""

    around: Callable[[Case], AbstractContextManager[None]] = lambda case: nullcontext()
    found: Callable[[Disagreement], None] = lambda found: None

    def __call__(self, case: Case) -> AbstractContextManager[None]:
        """The context for a case."""
        return self.around(case)


unwatched = Watch()


@dataclass(frozen=True)
class Outcome:
    """What one claim in one dtype gave: verdicts, those on oracles included, the worst margins, and how many cases."""

    verdicts: tuple[Verdict, ...]
    margins: tuple[Margin, ...]
    cases: int


@left_as_found()
def outcome(
    check: Check,
    layer: Layer,
    dtype: str,
    examples: int,
    seed: int,
    panel: Sequence[Oracle],
    watch: Watch = unwatched,
    diagnosis: Diagnosis | None = None,
) -> Outcome:
    """Try one claim in one dtype. What it finds depends on nothing tried before; the process is left as it was.

    diagnosis: what is known of the layer's faults already, which saves looking for a cause again.
    """
    tally = Tally()
    said = tuple(verdicts(check, layer, dtype, examples, seed, panel, tally, watch, diagnosis))
    return Outcome((*said, *disputes(layer.op, panel, (dtype,), tally)), tally.margins(), tally.cases)


@left_as_found()  # also for those who search alone
def search(
    check: Check,
    layer: Layer,
    dtype: str,
    examples: int,
    seed: int,
    panel: Sequence[Oracle] = (),
    tally: Tally | None = None,
    watch: Watch = unwatched,
) -> Disagreement | None:
    """The first case found on which the layer breaks the claim, shrunk; the cases tried are counted in the tally."""
    tally = Tally() if tally is None else tally
    frames = () if why_not_tried(layer, check.name) else check.frames(layer, seed)
    share = max(2, round(examples * check.share / max(1, len(frames))))  # the first is the simplest there is
    variety = replace(check.variety, unit_cotangent=not layer.has_cotangent)

    def judge(case: Case) -> str | None:
        with watch(case):
            return check.judge(layer, case)

    def with_oracles(case: Case, oracles: Sequence[Oracle]) -> str | None:
        truth = truth_for(layer, case)
        for oracle in oracles:
            judge_oracle(oracle, case, truth, tally)
        with watch(case):
            judge_layer(layer, case, truth, tally)
            own_claims(layer, case)
        return None

    def with_further(claim: Callable[[Case], str | None], case: Case) -> None:
        for one in (case, *check.further(case)):
            reason = claim(one)
            tally.untried += [reason] if reason else []

    for i, frame in enumerate(frames):
        huge = 1 if directions(frame.op) > 2 else 2  # of those there are then several, one for each array
        few = min(3, 1 + examples // 20) if check.judge is values else 1
        large = few if frame.elements <= 20_000 else min(few, huge)
        count = large if frame.is_large else share
        seen_by = panel if check.name == WITH_ORACLES and i < FRAMES_WITH_ORACLES else ()
        drawn: Callable[[Case], str | None] = judge
        if check.judge is values:
            drawn = partial(with_oracles, oracles=seen_by)
        claim = partial(with_further, drawn)
        tried, found = try_cases(claim, frame, dtype, count, (seed, check.name), replace(variety, rough=frame.is_large))
        tally.cases += tried
        if found is not None and found.kind in (Kind.LOST, Kind.GONE):  # nothing runs any more
            return found
        if found is not None and _elsewhere(check, layer, found.case):
            continue
        if found is not None:
            watch.found(found)
        if found is not None and frame.make is not None:
            variety = replace(variety, rough=False)
            return shrunk_within(judge, frame, dtype, count, (seed, check.name), variety, found)
        if found is not None:
            small = shrunk(judge, found, partial(takes, layer))
            if check.judge is values:  # what is shown is in the table as well
                tally.add(small.case, layer.name, {c.result: c for c in small.comparisons})
            return small
    return None


def nothing_said(tally: Tally) -> bool:
    """Whether a claim had nothing to say of any case."""
    return 0 < tally.cases <= len(tally.untried)


def _elsewhere(check: Check, layer: Layer, case: Case) -> bool:
    """Whether what fails is another claim's to say."""
    try:
        return check.otherwise(layer, case)
    except Lost:
        return False


def verdicts(
    check: Check,
    layer: Layer,
    dtype: str,
    examples: int,
    seed: int,
    panel: Sequence[Oracle],
    tally: Tally,
    watch: Watch = unwatched,
    diagnosis: Diagnosis | None = None,
) -> Iterator[Verdict]:
    """What a search found, as one verdict an oracle where they took part, and one by the exact value elsewhere."""
    reason = why_not_tried(layer, check.name)
    if reason:
        yield Verdict(check.name, layer.op, layer.name, judged_by(layer), dtype, "skipped", message=reason)
        return
    found = search(check, layer, dtype, examples, seed, panel, tally, watch)
    if found is not None and found.kind == Kind.GONE:
        message = f"{check.name}: not tried, {found.message}"
        yield Verdict(check.name, layer.op, layer.name, judged_by(layer), dtype, "skipped", message=message)
        return
    if found is None and nothing_said(tally):
        message = f"{check.name}: not tried, {tally.untried[0]}"
        yield Verdict(check.name, layer.op, layer.name, judged_by(layer), dtype, "skipped", message=message)
        return
    shown = None
    if found is not None:
        watch.found(found)
        with watch(found.call):  # looking for the cause runs the layer as well
            shown = explained(layer, check, found, dtype, diagnosis or Diagnosis(layer, seed))
    if check.name == WITH_ORACLES and (panel or judged_by(layer) == "exact"):
        yield from verdicts_on_layer(check.name, layer, dtype, panel, shown, tally)
    else:
        status = "passed" if shown is None else "failed"
        yield Verdict(check.name, layer.op, layer.name, judged_by(layer), dtype, status, **(shown or {}))


def explained(layer: Layer, check: Check, found: Disagreement, dtype: str, diagnosis: Diagnosis) -> dict[str, Any]:
    """What a verdict shows of a finding: with its cause, and code that shows it in a fresh interpreter."""
    return found.shown() | {"cause": diagnosis.of(check, found, dtype), "snippet": snippet(layer, found)}


def takes(layer: Layer, case: Case) -> bool:
    """Whether the layer promises anything on the case: its forms of labels, and cotangents where it takes one."""
    if layer.declaration.definition is None:
        return applies(layer, case)
    if not layer.has_cotangent and (case.cotangent.ndim or case.cotangent != 1):
        return False
    rows = [case.primals[n] for n, d in case.signature.domains.items() if d.forms and case.primals[n].ndim == 2]
    return "soft" in layer.targets or all(
        (np.count_nonzero(a, axis=1) == 1).all() and (a.sum(axis=1) == 1).all() for a in rows
    )
