"""One chunk done: its cases drawn and mutated, each held against the truth. Depends on the chunk alone."""

from __future__ import annotations

import os
import random
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from multiprocessing import parent_process
from typing import Any

import numpy as np
from hypothesis.errors import HypothesisDeprecationWarning

from ...candidates.contain import left_as_found
from ...candidates.gpu_lost import Lost, notice
from ...candidates.layer import Layer, reference_layer
from ...candidates.target import Target, load_layer
from ...cases.frames import Frame
from ...cases.generation import Variety
from ...cases.mutations import mutate
from ...causes.diagnose import Diagnosis
from ...claims.checks import CHECKS
from ...claims.compare import Comparison
from ...claims.disagreement import Disagreement
from ...claims.frames_of_claims import large, small
from ...claims.judges import judged_by, notes, truth_for
from ...claims.referee import Tally, disputes, judge_layer, judge_oracle
from ...claims.search import shrunk, try_cases
from ...claims.verdicts import Margin, Verdict
from ...data.case import Case
from ...sources.registry import Oracle, OracleUnavailable
from ..check_layer import panel_for
from ..trial import WITH_ORACLES, explained, takes
from .leaders import LARGEST, Leader, Leaders
from .plan import Chunk, leading, worst

DRAWN = 4  # one case in so many is drawn, the others are mutated
FROM_DRAWN = 4  # and one in so many of those from a drawn case, whatever its margin
LARGE = 2  # large frames a chunk, in turns
EXPLAINED = 3  # failures of a chunk that are made small and explained: the others are counted


@dataclass(frozen=True)
class Found:
    """What a chunk gave. failing: cases on which the layer was wrong. leaders: what the next chunks may start from.

    judge: whose word it is where no oracle was asked. skipped: why an oracle abstained from a case. notes: of a user's
    own op. Leaders, and the cases of margins, are those above what the chunk knew.
    """

    number: int
    op: str
    dtype: str
    device: str
    cases: int
    drawn: int
    failing: int
    seconds: float
    margins: tuple[Margin, ...]
    verdicts: tuple[Verdict, ...]
    leaders: tuple[Leader, ...]
    versions: dict[str, str]
    absent: dict[str, str]
    layer: str = ""
    judge: str = "exact"
    skipped: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def news(self, known: Mapping[str, float]) -> Found:
        """The same without the cases that are no news: they would only travel."""
        margins = tuple(
            m if m.worst > known.get(worst(m.source, m.result), -1.0) else replace(m, case=None) for m in self.margins
        )
        leaders = tuple(x for x in self.leaders if x.margin > known.get(leading(x.source, x.result), 0.0))
        return replace(self, margins=margins, leaders=leaders)


@dataclass
class _Watching(Tally):
    """A tally that notices which cases have high margins."""

    leaders: Leaders = field(default_factory=Leaders)

    def add(self, case: Case, source: str, comparisons: Mapping[str, Comparison]) -> None:
        super().add(case, source, comparisons)
        for name, comparison in comparisons.items():
            self.leaders.enter(source, name, comparison.margin, case)


def work(chunk: Chunk) -> Found:
    """Do a chunk: exactly its number of cases, the same ones each time.

    Raises InputError for a candidate that cannot be loaded, OracleUnavailable for an oracle asked for that cannot run,
    RuntimeError where a call left the GPU unusable: it names the case.
    """
    start = time.perf_counter()
    _needs_a_gpu_that_is_there()
    layer = reference_layer(chunk.op) if chunk.target is None else _loaded(replace(chunk.target, device=chunk.device))
    panel, absent = _panel(layer, chunk)
    tally, found = _Watching(), list[Disagreement]()
    with warnings.catch_warnings():
        # other threads of a Dask worker use the random module, which Hypothesis takes for the strategy's doing
        warnings.simplefilter("ignore", HypothesisDeprecationWarning)
        try:
            drawn, failing = _search(chunk, layer, panel, tally, found)
        except Lost as gone:
            raise RuntimeError(f"{layer.name} {gone}, on {gone.case!r}") from gone
    verdicts = [*_explained(chunk, layer, found), *disputes(chunk.op, panel, (chunk.dtype,), tally)]
    for oracle in panel:
        getattr(oracle.module, "forget", lambda: None)()  # a worker sees thousands of shapes
    return Found(
        number=chunk.number,
        op=chunk.op,
        dtype=chunk.dtype,
        device=chunk.device,
        cases=tally.cases,
        drawn=drawn,
        failing=failing,
        seconds=time.perf_counter() - start,
        margins=tally.margins(),
        verdicts=tuple(verdicts),
        leaders=tuple(tally.leaders),
        versions={"numpy": np.__version__} | {oracle.name: oracle.version for oracle in panel},
        absent=absent,
        layer=layer.name,
        judge=judged_by(layer),
        skipped={oracle: why for (_, _, oracle), why in tally.skipped.items()},
        notes=notes(layer),
    ).news(chunk.known)


def _needs_a_gpu_that_is_there() -> None:
    """End this process where an earlier chunk left its GPU unusable, and nothing can be done in it any more.

    The chunk is then done in a fresh one, as after any death. Raises OracleUnavailable where the process is the user's.
    """
    gone = notice()
    if gone and parent_process() is not None:
        os._exit(1)
    if gone:
        raise OracleUnavailable(f"the GPU was left unusable, a new process is needed: {gone}")


@lru_cache(maxsize=4)
def _loaded(target: Target) -> Layer:
    """The candidate, imported once in a process."""
    return load_layer(target)


def _panel(layer: Layer, chunk: Chunk) -> tuple[tuple[Oracle, ...], dict[str, str]]:
    """The oracles asked for; by default the frameworks, which are what is searched, beside the exact value."""
    panel, absent = panel_for(layer, chunk.oracles, chunk.device)
    return tuple(oracle for oracle in panel if chunk.oracles or oracle.is_framework), absent


@left_as_found()
def _search(
    chunk: Chunk, layer: Layer, panel: Sequence[Oracle], tally: _Watching, found: list[Disagreement]
) -> tuple[int, int]:
    """How many cases were drawn, and on how many the layer was wrong; the first few of those are kept in `found`."""
    rng, failing, drawn, gone = random.Random(chunk.seed), 0, list[Case](), list[Lost]()

    def judge(case: Case) -> None:
        nonlocal failing
        tally.cases += 1
        try:
            truth = truth_for(layer, case)
            for oracle in panel:
                judge_oracle(oracle, case, truth, tally)
            judge_layer(layer, case, truth, tally)
        except Disagreement as disagreement:
            failing += 1
            seen = {(f.kind, f.names) for f in found}
            if len(found) < EXPLAINED and (disagreement.kind, disagreement.names) not in seen:
                found.append(disagreement)  # one of each kind: what follows is mostly the same

    def judge_drawn(case: Case) -> None:
        try:
            judge(case)
        except Lost as lost:
            gone.append(lost)
            raise
        drawn.append(case)

    # a user's own op says which cases it has: nothing is known of what lies near them
    wanted = chunk.cases if layer.declaration.cases is not None else -(-chunk.cases // DRAWN)
    for frame, count in _frames(chunk, layer, wanted, rng):
        variety = Variety(unit_cotangent=not layer.has_cotangent, rough=frame.is_large)
        try_cases(judge_drawn, frame, chunk.dtype, min(count, wanted - len(drawn)), chunk.seed, variety)
        if gone:
            raise gone[0]
        if len(drawn) >= wanted:
            break
    count = len(drawn)
    small_ones = [case for case in drawn if case.size <= LARGEST]
    while tally.cases < chunk.cases:
        lead = None if rng.randrange(FROM_DRAWN) == 0 else tally.leaders.pick(rng)
        if chunk.parents and rng.random() < 0.5:
            lead = rng.choice(chunk.parents)
        judge(_mutated(layer, lead or rng.choice(small_ones or drawn), rng))
    return count, failing


def _frames(chunk: Chunk, layer: Layer, wanted: int, rng: random.Random) -> Iterator[tuple[Frame, int]]:
    """The shapes of a chunk, each with a number of cases: small ones, drawn anew, and a few large ones in turns."""
    frames = list(small(layer, chunk.seed))
    rng.shuffle(frames)
    long = large(layer, chunk.seed)
    for i in range(min(LARGE, wanted // 20) if long else 0):
        yield long[(chunk.number * LARGE + i) % len(long)], 1
    yield from ((frame, -(-wanted // len(frames))) for frame in frames)


def _mutated(layer: Layer, case: Case, rng: random.Random) -> Case:
    """A case near this one that the layer takes; the case itself where none is found."""
    if layer.declaration.cases is None:
        for _ in range(20):
            changed = mutate(case, rng, cotangent_too=layer.has_cotangent)
            if takes(layer, changed):
                return changed
    return case


def _explained(chunk: Chunk, layer: Layer, found: Sequence[Disagreement]) -> Iterator[Verdict]:
    """The failures on the smallest cases that show them, with their causes."""
    values = next(check for check in CHECKS if check.name == WITH_ORACLES)
    diagnosis = Diagnosis(layer, chunk.seed)
    for one in found:
        drawn = layer.declaration.cases is not None  # by a strategy that alone knows what is smaller
        smallest = one if drawn else shrunk(partial(values.judge, layer), one, partial(takes, layer))
        shown: dict[str, Any] = explained(layer, values, smallest, chunk.dtype, diagnosis)
        yield Verdict(WITH_ORACLES, layer.op, layer.name, "exact", chunk.dtype, "failed", **shown)
