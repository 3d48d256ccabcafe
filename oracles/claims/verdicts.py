"""A verdict and a margin: what is said of one claim, and of one result. Frozen data, that goes to JSON."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ..data.case import Case
from .compare import Elements

EXACT = "the exact value"
STATUSES = ("passed", "failed", "disputed", "skipped", "unfinished", "xfailed")


@dataclass(frozen=True)
class Verdict:
    """One claim held against one oracle in one dtype.

    status: one of STATUSES. "disputed" is an oracle outside its own bound: it is named, and the layer is judged by the
    exact value. "unfinished" is a claim that took too long by no fault of the layer's. margin: worst |error| / bound.
    cause: why a layer failed, where the numbers explain it. case: the shrunk case of a failure, or the one with the
    worst margin. snippet: code that shows it in a fresh interpreter. earlier: the calls that the same instance saw
    before, where a failure takes them. elements: of the results that are wrong, those around the worst. symptom: what
    was seen of a failure, whatever the case: its kind, and the result that is wrong or what was raised where.
    """

    check: str
    op: str
    layer: str
    oracle: str
    dtype: str
    status: str
    margin: float = 0.0
    cause: str = ""
    message: str = ""
    case: Case | None = None
    snippet: str = ""
    earlier: tuple[Case, ...] = ()
    elements: tuple[Elements, ...] = ()
    symptom: tuple[str, ...] = ()

    def __str__(self) -> str:
        who = f"{self.oracle} on {self.op}" if self.status == "disputed" else f"{self.layer}"
        lines = [f"{self.status}: {who}, {self.check}, {self.dtype}: {self.message}"]
        if self.cause:
            lines.append(f"  cause: {self.cause}")
        if self.case is not None and self.status in ("failed", "disputed"):
            lines += [f"  after: {case!r}" for case in self.earlier]
            lines.append(f"  case: {self.case!r}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Margin:
    """The worst margin of one result (the output or a gradient) from one source, over `cases` cases."""

    op: str
    result: str
    dtype: str
    source: str
    worst: float
    cases: int
    unclaimed: float
    case: Case | None = None
    conventions: tuple[str, ...] = ()  # what it followed where there is a choice
    distribution: tuple[int, ...] = ()  # cases by their worst margin, in the bins of EDGES


# upper edges of the bins that margins are counted in: exact results first, those past the last edge after it
EDGES = (0.0, *(10.0 ** (k / 2) for k in range(-8, 1)), 10.0)
BINS = len(EDGES) + 1


def bin_of(margin: float) -> int:
    """The bin that a margin is counted in: the first whose upper edge it does not exceed."""
    return bisect_left(EDGES, margin)


def merged(margins: Iterable[Margin]) -> tuple[Margin, ...]:
    """One row for each result, dtype and source: the worst of them, over the cases of all."""
    rows: dict[tuple[str, ...], Margin] = {}
    for m in margins:
        key = (m.op, m.result, m.dtype, m.source)
        before = rows.get(key)
        if before is not None:
            worst = max(before, m, key=lambda row: row.worst)
            cases = before.cases + m.cases
            unclaimed = (before.unclaimed * before.cases + m.unclaimed * m.cases) / max(1, cases)
            conventions = tuple(dict.fromkeys((*before.conventions, *m.conventions)))
            counts = tuple(map(sum, zip(before.distribution, m.distribution, strict=False)))
            m = replace(worst, cases=cases, unclaimed=unclaimed, conventions=conventions, distribution=counts)
        rows[key] = m
    return tuple(rows.values())


def distinct(failures: Sequence[Verdict]) -> list[Verdict]:
    """One verdict of each claim and dtype: a layer that is wrong is so against every oracle."""
    return list({(v.op, v.check, v.dtype, v.message): v for v in reversed(failures)}.values())[::-1]
