"""Holds the layer and every oracle against the truth of the same case, and keeps the worst of each.

Two sources that are within the bound agree; where they do not, it is known who is wrong: the layer (failed), or an
oracle (disputed), which is then named while the layer is judged by the exact value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reference import InputError

from ..candidates.contain import said
from ..candidates.layer import Layer
from ..candidates.run import Run, run_in
from ..candidates.sessions import Session
from ..data.arrays import Array
from ..data.case import Case
from ..sources.registry import Oracle, UnsupportedCase
from .compare import Comparison
from .disagreement import Disagreement, raising_is_wrong
from .judges import truth_for
from .truth import Truth
from .verdicts import BINS, Margin, Verdict, bin_of

TOGETHER = "frameworks"  # the oracle in verdicts on several at once


@dataclass
class _Worst:
    """The running worst of one source's result."""

    comparison: Comparison | None = None
    case: Case | None = None
    cases: int = 0
    elements: int = 0
    unclaimed: int = 0
    conventions: dict[str, None] = field(default_factory=dict)
    counts: list[int] = field(default_factory=lambda: [0] * BINS)

    def add(self, comparison: Comparison, case: Case) -> None:
        self.cases += 1
        self.elements += comparison.size
        self.unclaimed += comparison.unclaimed
        self.conventions |= dict.fromkeys(comparison.conventions)
        self.counts[bin_of(comparison.margin)] += 1
        if self.comparison is None or comparison.margin > self.comparison.margin:
            self.comparison, self.case = comparison, case


@dataclass
class Tally:
    """Worst margins by (op, result, dtype, source), and what oracles said besides results."""

    worst: dict[tuple[str, str, str, str], _Worst] = field(default_factory=dict)
    skipped: dict[tuple[str, str, str], str] = field(default_factory=dict)
    broken: dict[tuple[str, str, str], tuple[str, Case]] = field(default_factory=dict)
    apart: dict[tuple[str, str, str], tuple[str, Case]] = field(default_factory=dict)  # by what oracles disagree on
    cases: int = 0
    untried: list[str] = field(default_factory=list)  # why nothing could be said, a line a case

    @classmethod
    def of(cls, parts: Iterable[Tally]) -> Tally:
        """One tally of several that have no op and dtype in common."""
        whole = cls()
        for part in parts:
            whole.worst |= part.worst
            whole.skipped |= part.skipped
            whole.broken |= part.broken
            whole.apart |= part.apart
            whole.cases += part.cases
        return whole

    def add(self, case: Case, source: str, comparisons: Mapping[str, Comparison]) -> None:
        """Enter one result of one source."""
        for name, comparison in comparisons.items():
            key = (case.op, name, case.dtype.name, source)
            self.worst.setdefault(key, _Worst()).add(comparison, case)

    def margins(self) -> tuple[Margin, ...]:
        """The table's rows."""
        return tuple(
            Margin(
                op,
                result,
                dtype,
                source,
                w.comparison.margin,
                w.cases,
                w.unclaimed / max(1, w.elements),
                w.case,
                tuple(w.conventions),
                tuple(w.counts),
            )
            for (op, result, dtype, source), w in self.worst.items()
            if w.comparison is not None
        )

    def worst_margin(self, op: str, dtype: str, source: str) -> float | None:
        """The worst margin of one source, None where it gave no result."""
        rows = [w.comparison for (o, _, d, s), w in self.worst.items() if (o, d, s) == (op, dtype, source)]
        return max((c.margin for c in rows if c is not None), default=None)


def run_layer(layer: Layer, case: Case, session: Session, arrays: Mapping[str, Array] | None = None) -> Run:
    """One run of a session; what it raises is a Disagreement."""
    with raising_is_wrong(case):
        return run_in(session, layer, case, arrays)


def applies(layer: Layer, case: Case) -> bool:
    """Whether a case that was made of another is still one of the op: without a definition that must be asked."""
    if layer.declaration.definition is not None:
        return True
    try:
        truth_for(layer, case)
    except InputError:
        return False
    return True


def hold(case: Case, comparisons: Mapping[str, Comparison], prefix: str = "") -> None:
    """Raise a Disagreement that shows the worst of the comparisons, unless all are within their bounds."""
    wrong = [c for c in comparisons.values() if not c.passed]
    if wrong:
        worst = max(wrong, key=lambda c: c.margin)
        raise Disagreement(case, prefix + str(worst), worst.margin, names=[worst.result], comparisons=wrong)


def judge_layer(layer: Layer, case: Case, truth: Truth, tally: Tally | None = None) -> None:
    """Hold a fresh instance of the layer against the truth; raises Disagreement."""
    comparisons = truth.judge(run_layer(layer, case, layer.start()).result)
    if tally is not None:
        tally.add(case, layer.name, comparisons)
    hold(case, comparisons)


def judge_oracle(oracle: Oracle, case: Case, truth: Truth, tally: Tally) -> None:
    """Hold an oracle against the truth and enter what it did; an oracle that raises is entered as broken."""
    if oracle.name == "exact":
        return  # it is the truth
    key = (case.op, case.dtype.name, oracle.name)
    for about, where in truth.disputes:
        tally.apart.setdefault((case.op, case.dtype.name, about), (about + where, case))
    try:
        comparisons = truth.for_oracle(oracle).judge(oracle.vjp(case))
    except UnsupportedCase as reason:
        tally.skipped.setdefault(key, str(reason))
    except Exception as error:
        tally.broken.setdefault(key, (said(error), case))
    else:
        tally.add(case, oracle.name, comparisons)


def verdicts_on_layer(
    check: str, layer: Layer, dtype: str, oracles: Sequence[Oracle], found: Mapping[str, Any] | None, tally: Tally
) -> Iterator[Verdict]:
    """One verdict an oracle: the failure found, skipped where it abstained from every case, or passed."""
    margin = tally.worst_margin(layer.op, dtype, layer.name) or 0.0
    for oracle in oracles:
        abstained = tally.skipped.get((layer.op, dtype, oracle.name))
        common = (check, layer.op, layer.name, oracle.name, dtype)
        if found is not None:
            yield Verdict(*common, "failed", **found)
        elif abstained is not None and tally.worst_margin(layer.op, dtype, oracle.name) is None:
            yield Verdict(*common, "skipped", message=abstained)
        else:
            yield Verdict(*common, "passed", margin)


def disputes(op: str, oracles: Sequence[Oracle], dtypes: Sequence[str], tally: Tally) -> Iterator[Verdict]:
    """Verdicts on the oracles that disagreed, that raised, or that were outside their own bounds."""
    for dtype in dtypes:
        for (an_op, a_dtype, _), (message, case) in tally.apart.items():
            if (an_op, a_dtype) == (op, dtype):
                yield Verdict("oracle", op, "", TOGETHER, dtype, "disputed", float("inf"), "", message, case)
        for oracle in oracles:
            common = ("oracle", op, "", oracle.name, dtype, "disputed")
            if (op, dtype, oracle.name) in tally.broken:
                message, case = tally.broken[op, dtype, oracle.name]
                yield Verdict(*common, float("inf"), "", message, case)
            for (an_op, _, a_dtype, source), worst in tally.worst.items():
                c = worst.comparison
                if (an_op, a_dtype, source) == (op, dtype, oracle.name) and c is not None and not c.passed:
                    elements = () if c.elements is None else (c.elements,)
                    yield Verdict(*common, c.margin, "", str(c), worst.case, elements=elements)
