"""What a campaign has found so far, put together from its chunks: counts, worst margins, leaders, failures.

Kept as rows of text under (kind, name), so that a state file need not know what they say.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reference import InputError

from ...claims.verdicts import Margin, Verdict, merged
from ...data.case import Case
from ...data.json_data import from_data, read_json, to_data
from .leaders import Leader, Leaders
from .plan import leading, worst
from .state_file import LARGEST_ROW
from .work import Found

KEPT = 3  # failures kept, with their cases, of an op, dtype, device and cause; the others are counted
CAUSES = 40  # of an op, dtype and device
LARGEST_CASE = 10**6  # elements of a case that is kept; as text an element takes some twenty bytes, in a snippet again

Key = tuple[str, str]  # kind, name


@dataclass(frozen=True)
class Counts:
    """Of one op: the cases of finished chunks, those drawn rather than mutated, those the layer was wrong on.

    layer: its name; judge: whose word its verdicts are where no oracle was asked. versions: by source, every one that
    took part. absent: why an oracle did not; skipped: why it abstained, by oracle and dtype. notes: of a user's own op.
    """

    layer: str
    judge: str = "exact"
    cases: int = 0
    drawn: int = 0
    failing: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def with_(self, found: Found) -> Counts:
        """These and a chunk's."""
        versions = dict(self.versions)
        for name, version in found.versions.items():
            known = versions.get(name, version).split(", ")
            versions[name] = ", ".join(dict.fromkeys([*known, version]))
        return Counts(
            found.layer,
            found.judge,
            self.cases + found.cases,
            self.drawn + found.drawn,
            self.failing + found.failing,
            versions,
            {**self.absent, **found.absent},
            {**{f"{name} {found.dtype}": why for name, why in found.skipped.items()}, **self.skipped},
            found.notes,
        )


@dataclass(frozen=True)
class _Leading:
    """The leaders of a place by one source and result, as a row."""

    leaders: tuple[Leader, ...]


@dataclass(frozen=True)
class _Worst:
    """The case of a margin: a row of its own, since a margin's numbers change with every chunk."""

    case: Case


class Findings:
    """The sum of some chunks, in any order but for which of equal margins came first."""

    def __init__(self) -> None:
        self.counts: dict[str, Counts] = {}
        self.margins: dict[str, Margin] = {}
        self.leaders: dict[str, Leaders] = {}
        self.verdicts: dict[str, Verdict] = {}

    @property
    def cases(self) -> int:
        """Of all finished chunks."""
        return sum(c.cases for c in self.counts.values())

    @property
    def failing(self) -> int:
        """Cases on which the layer was wrong."""
        return sum(c.failing for c in self.counts.values())

    def worst(self, op: str | None = None) -> float:
        """The layer's worst margin."""
        rows = [m.worst for m in self.margins.values() if op in (None, m.op) and self.is_of_layer(m)]
        return max(rows, default=0.0)

    def is_of_layer(self, m: Margin) -> bool:
        """Whether a margin is the layer's rather than an oracle's, on whichever device."""
        return m.op in self.counts and source_of(m) == self.counts[m.op].layer

    def copy(self) -> Findings:
        """Others that are the same until they are changed."""
        copied = Findings()
        copied.counts, copied.margins, copied.verdicts = dict(self.counts), dict(self.margins), dict(self.verdicts)
        copied.leaders = {place: leaders.copy() for place, leaders in self.leaders.items()}
        return copied

    def enter(self, found: Found) -> dict[Key, str]:
        """Take a chunk in; the rows that are other than before."""
        on = _on(found.device)
        changed: dict[Key, str] = {}

        def put(kind: str, name: str, where: dict[str, Any], value: Any, row: Any = None) -> None:
            where[name] = value
            text = json.dumps(to_data(value if row is None else row), allow_nan=False)
            if len(text) <= LARGEST_ROW:
                changed[kind, name] = text

        put("counts", found.op, self.counts, self.counts.get(found.op, Counts(found.layer)).with_(found))
        for m in found.margins:
            m = replace(m, source=m.source + on)
            name = name_of(m)
            before = self.margins.get(name)
            now = merged([m] if before is None else [before, m])[0]
            put("margin", name, self.margins, now, replace(now, case=None))
            if now.case is not None and (before is None or before.case is not now.case):
                put("worst", name, {}, _Worst(now.case))
        place = place_of(found.op, found.dtype, found.device)
        leaders = self.leaders.setdefault(place, Leaders())
        for x in found.leaders:
            if leaders.enter(x.source, x.result, x.margin, x.case):
                row = _Leading(leaders.row(x.source, x.result))
                put("leaders", f"{place}: {x.source} {x.result}", {}, row)
        for verdict in found.verdicts:
            slot = self._slot(place, verdict)
            if slot and verdict.case is not None and verdict.case.size > LARGEST_CASE:
                message = f"{verdict.message} (on a case of {verdict.case.size} elements, which is not kept)"
                verdict = replace(verdict, case=None, snippet="", earlier=(), message=message)
            if slot:
                put("verdict", slot, self.verdicts, verdict)
        return changed

    def known(self, op: str, dtype: str, device: str) -> dict[str, float]:
        """What a chunk need not report again: see `Chunk`."""
        leaders = self.leaders.get(place_of(op, dtype, device), Leaders()).least()
        reached = {leading(*key): margin for key, margin in leaders.items()}
        for m in self.margins.values():
            if (m.op, m.dtype, device_of(m)) == (op, dtype, device) and m.case is not None:
                reached[worst(source_of(m), m.result)] = m.worst
        return reached

    def _slot(self, place: str, verdict: Verdict) -> str:
        """Where a verdict is kept; "" where there are enough like it."""
        if verdict.status == "disputed":  # the worst of each oracle
            name = f"disputed {place} {verdict.oracle}"
            known = self.verdicts.get(name)
            return name if known is None or verdict.margin > known.margin else ""
        start = f"{verdict.status} {place}"
        causes = {name.rpartition(" ")[0] for name in self.verdicts if name.startswith(start)}
        name = f"{start}: {verdict.cause}"
        if name not in causes and len(causes) >= CAUSES:
            return ""
        return next((slot for i in range(KEPT) if (slot := f"{name} {i}") not in self.verdicts), "")

    @classmethod
    def of_rows(cls, rows: Iterable[tuple[str, str, str]]) -> Findings:
        """Those of which `enter` gave the rows (kind, name, text). Raises InputError, which names the row."""
        findings, cases = cls(), dict[str, Case]()
        plain: dict[str, Any] = {
            "counts": findings.counts,
            "margin": findings.margins,
            "verdict": findings.verdicts,
        }
        for kind, name, text in rows:
            if kind not in _KINDS:
                raise InputError(f"{kind}: expected one of {', '.join(_KINDS)}")
            value: Any = from_data(_KINDS[kind], read_json(text, f"{kind} {name}"), f"{kind} {name}")
            if kind == "leaders":
                place = name.partition(":")[0]
                op, dtype, _ = f"{place}  ".split(" ", 2)
                leaders = findings.leaders.setdefault(place, Leaders())
                for i, x in enumerate(value.leaders):
                    check_case(x.case, op, dtype, f"leaders {name}.leaders[{i}].case")
                    leaders.enter(x.source, x.result, x.margin, x.case)
            elif kind == "worst":
                cases[name] = value.case
            else:
                plain[kind][name] = value
        for name, case in cases.items():
            if name not in findings.margins:
                raise InputError(f"worst {name}: there is no such margin")
            check_case(case, findings.margins[name].op, findings.margins[name].dtype, f"worst {name}.case")
            findings.margins[name] = replace(findings.margins[name], case=case)
        return findings


_KINDS: dict[str, type] = {
    "counts": Counts,
    "margin": Margin,
    "worst": _Worst,
    "leaders": _Leading,
    "verdict": Verdict,
}


def check_case(case: Case, op: str, dtype: str, field: str) -> None:
    """Raises InputError, which names the field, for a case of another op or dtype."""
    if (case.op, case.dtype.name) != (op, dtype):
        raise InputError(f"{field}: expected a case of {op} in {dtype}, got one of {case.op} in {case.dtype}")


def name_of(m: Margin) -> str:
    """Of its row."""
    return f"{m.op} {m.result} {m.dtype} {m.source}"


def source_of(m: Margin) -> str:
    """Of a margin, without the device."""
    return m.source.partition(" on ")[0]


def device_of(m: Margin) -> str:
    """Where a margin's source ran."""
    return m.source.partition(" on ")[2] or "cpu"


def _on(device: str) -> str:
    """What the names of sources end with."""
    return "" if device == "cpu" else f" on {device}"


def place_of(op: str, dtype: str, device: str) -> str:
    """Where leaders are sought: an op in a dtype on a device."""
    return f"{op} {dtype} {device}"
