"""One pytest id at work: one claim on one layer, held against one oracle, in every dtype.

What the command line says comes through RUN, which the pytest plugin sets around each test; without the plugin there
are the defaults. What the summary shows goes back the same way, as plain data.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, NoReturn

from hypothesis import settings

from reference import InputError

from ..candidates.backward_source import backward_of
from ..candidates.gpu_lost import Lost, meaning
from ..candidates.layer import Layer
from ..causes.diagnose import Diagnosis
from ..claims.checks import CHECKS, Check
from ..claims.disagreement import Disagreement, Kind
from ..claims.judges import ITSELF, truth_for, truth_of, why_not_tried
from ..claims.referee import Tally, disputes, judge_layer, judge_oracle, verdicts_on_layer
from ..claims.verdicts import Verdict
from ..data.case import Case
from ..reports.bugs import WIDTH, bug_text, bugs, dispute_text, whole
from ..reports.github import failures_told
from ..reports.report import CheckFailed
from ..sources.available import load_on, version_of
from ..sources.registry import Oracle, OracleUnavailable, UnsupportedCase
from .database import active, search_kept_first
from .trial import EXAMPLES, WITH_ORACLES, explained, nothing_said, takes


@dataclass(frozen=True)
class Run:
    """What is said for a whole run: on the command line, or by `parametrize_with_checks`. None leaves it open.

    drawn: the seed where neither says one; the same in every worker of a run. verbose: failures are shown whole, with
    code. said: what the calls have to tell.
    """

    seed: int | None = None
    device: str | None = None
    examples: int | None = None
    drawn: int = 0
    verbose: bool = False
    said: list[dict[str, Any]] = field(default_factory=list)


RUN: ContextVar[Run | None] = ContextVar("RUN", default=None)
_DRAWN = random.SystemRandom().randrange(2**32)  # of this process, without the plugin


@dataclass(frozen=True)
class LayerCheck:
    """What a test decorated with `parametrize_with_checks` is handed: call it.

    claim: the claim, or the pinned case that is judged by value. given: what the decorator says; the command line comes
    first. Raises CheckFailed with what failed, once a bug; skips where the oracle cannot run or has nothing to say.
    """

    name: str  # distinct among the layers
    layer: Layer
    what: str  # the name of the claim, or of the pinned case
    claim: Check | Case
    oracle: str
    dtypes: tuple[str, ...]
    given: Run

    @property
    def id(self) -> str:
        """As pytest shows it."""
        return f"{self.name}-{self.what}-{self.oracle}"

    @property
    def oracles(self) -> tuple[str, ...]:
        """The oracles that have a part in it: one, several that judge an own op together, or none."""
        return tuple(name for name in self.oracle.split("+") if name != ITSELF)

    def __repr__(self) -> str:
        return f"<check {self.id}>"

    def __call__(self) -> None:
        """Hold the layer to the claim."""
        __tracebackhide__ = True
        run = RUN.get() or Run(drawn=_DRAWN)
        try:
            self._hold(run)
        except InputError as error:  # a primal or a strategy that fails: what it says, and not by way of what
            if run.verbose:
                raise
            raise InputError(str(error)) from None

    def _hold(self, run: Run) -> None:
        __tracebackhide__ = True
        seed, device = seed_of(run, self.given), run.device or self.given.device or "cpu"
        reason = why_not_tried(self.layer, self.what)
        if reason:
            _skip(reason)
        try:
            oracle = _oracle(self.oracle, device)
        except OracleUnavailable as reason:
            _skip(str(reason))
        said: list[Verdict] = []
        margins, where = Tally(), ""
        if isinstance(self.claim, Case):
            said.append(self._pinned(self.claim))
        else:
            examples = run.examples or self.given.examples or EXAMPLES
            for dtype in self.dtypes:
                tried = _tried(self.claim, self.layer, dtype, examples, seed)
                if tried.gone:
                    common = (self.what, self.layer.op, self.layer.name, oracle.name, dtype)
                    said.append(Verdict(*common, "skipped", message=tried.gone))
                    continue
                said += self._verdicts(tried, oracle, dtype, margins)
                if tried.found is not None:
                    where = (
                        KEPT if tried.is_kept else f"seed {seed}: --backproof-seed {seed} draws the same cases again"
                    )
        disputed = list(disputes(self.layer.op, (oracle,), self.dtypes, margins))
        failed = [v for v in said if v.status == "failed"]
        told = {"failures": failures_told(failed, backward_of(self.layer) if failed else None)}
        run.said.append(self._told(oracle, margins, disputed, seed) | told)
        if failed:
            shown = [whole(v) for v in failed] if run.verbose else _shown(failed)
            raise CheckFailed("\n".join([*shown, *([where] if where else [])]))
        if all(v.status == "skipped" for v in said):
            _skip("; ".join(dict.fromkeys(f"{v.oracle}: {v.message}" for v in said)))

    def _verdicts(self, tried: _Tried, oracle: Oracle, dtype: str, tally: Tally) -> Iterator[Verdict]:
        shown = tried.found
        if self.what != WITH_ORACLES or not hasattr(oracle.module, "vjp"):
            tally.worst.update(tried.tally.worst)
            status = "passed" if shown is None else "failed"
            yield Verdict(self.what, self.layer.op, self.layer.name, oracle.name, dtype, status, **(shown or {}))
            return
        for case in tried.cases:
            judge_oracle(oracle, case, truth_for(self.layer, case), tally)
        tally.worst.update(tried.tally.worst)
        yield from verdicts_on_layer(self.what, self.layer, dtype, (oracle,), shown, tally)

    def _pinned(self, case: Case) -> Verdict:
        common = (self.what, self.layer.op, self.layer.name, self.oracle, case.dtype.name)
        if not takes(self.layer, case) or case.options.get("reduction", "mean") not in self.layer.reductions:
            return Verdict(*common, "skipped", message=f"{self.layer.name} does not promise anything on {case!r}")
        try:
            judge_layer(self.layer, case, truth_for(self.layer, case))
        except Lost as gone:
            if gone.noticed:
                return Verdict(*common, "skipped", message=str(gone))
            return Verdict(*common, "failed", math.inf, meaning(str(gone)), str(gone), case)
        except Disagreement as found:
            values = next(check for check in CHECKS if check.name == WITH_ORACLES)
            diagnosis = Diagnosis(self.layer, self.given.seed or 0)
            return Verdict(*common, "failed", **explained(self.layer, values, found, case.dtype.name, diagnosis))
        return Verdict(*common, "passed")

    def _told(self, oracle: Oracle, tally: Tally, disputed: Sequence[Verdict], seed: int) -> dict[str, Any]:
        """Plain data, which travels between the processes of a run."""
        margins = [
            {
                "block": f"{self.name} ({m.op})",
                "source": f"layer.{self.name}" if m.source == self.layer.name else m.source,
                **{"result": m.result, "dtype": m.dtype, "worst": float(m.worst), "cases": m.cases},
            }
            for m in tally.margins()
        ]
        lines = [dispute_text(v) for v in disputed]
        return {
            "seed": seed,
            "truth": truth_of(self.layer),
            "versions": {oracle.name: version_of(oracle)},
            "margins": margins,
            "disputed": lines,
        }


def _shown(failed: Sequence[Verdict]) -> list[str]:
    """Each bug in lines that fit behind what pytest puts before them: "E", and in the first the exception's name."""
    first, before = f"{CheckFailed.__module__}.{CheckFailed.__name__}: ", len("E       ")
    return [bug_text(bug, width=WIDTH - before, after=0 if i else len(first)) for i, bug in enumerate(bugs(failed))]


KEPT = "a case kept from an earlier run in Hypothesis' example database, where it stays until it passes"


def _oracle(name: str, device: str) -> Oracle:
    """The oracle; where several or none judge together, a name that does not compute."""
    together = name == ITSELF or "+" in name
    return Oracle(name, "", "cpu", SimpleNamespace(OWN_ARITHMETIC=True)) if together else load_on(name, device)  # type: ignore[arg-type]


def seed_of(run: Run, given: Run) -> int:
    """The command line's seed, then the decorator's, 0 under a derandomised Hypothesis profile, then the run's own."""
    for seed in (run.seed, given.seed):
        if seed is not None:
            return seed
    return 0 if settings.default is not None and settings.default.derandomize else run.drawn


@dataclass(frozen=True)
class _Tried:
    """What a verdict shows of a finding, the layer's margins, and the cases that oracles are to be held against."""

    found: Mapping[str, Any] | None
    is_kept: bool
    tally: Tally
    cases: tuple[Case, ...]
    gone: str = ""  # why nothing could be tried


@lru_cache(maxsize=4)
def _diagnosis(layer: Layer, seed: int) -> Diagnosis:
    """What is known of a layer's faults in this process: a fault has one cause, in whichever id it shows."""
    return Diagnosis(layer, seed)


# a search serves the ids of every oracle, which follow each other: those of a few layers and dtypes are enough
@lru_cache(maxsize=16)
def _tried(check: Check, layer: Layer, dtype: str, examples: int, seed: int) -> _Tried:
    tally, cases = Tally(), list[Case]()

    def notes(case: Case, device: str) -> NoReturn:
        cases.append(case)
        raise UnsupportedCase("takes notes alone")

    panel = (Oracle("notes", "", "cpu", SimpleNamespace(vjp=notes)),) if check.name == WITH_ORACLES else ()  # type: ignore[arg-type]
    found, is_kept = search_kept_first(active(), check, layer, dtype, examples, seed, panel, tally)
    if found is not None and found.kind == Kind.GONE:
        return _Tried(None, False, tally, (), f"{check.name}: not tried, {found.message}")
    if found is None and nothing_said(tally):
        return _Tried(None, False, tally, (), f"{check.name}: not tried, {tally.untried[0]}")
    shown = None if found is None else explained(layer, check, found, dtype, _diagnosis(layer, seed))
    return _Tried(shown, is_kept, tally, tuple(cases))


def _skip(reason: str) -> NoReturn:
    """Skip the test that is running."""
    __tracebackhide__ = True
    import pytest  # no dependency of this package: only who uses it under pytest has it

    pytest.skip(reason)
