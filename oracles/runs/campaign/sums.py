"""Does what a campaign found add up? Nothing lost, nothing counted twice, and nothing that it cannot have found."""

from __future__ import annotations

from collections.abc import Sequence

from reference import InputError

from ...claims.verdicts import BINS
from .findings import Counts, Findings, check_case, device_of, name_of, place_of
from .plan import Chunk, Plan


def check_sums(findings: Findings, plan: Plan, finished: Sequence[Chunk]) -> None:
    """The findings are of exactly the cases of the finished chunks. Raises InputError, which says what differs."""
    cases: dict[str, int] = {}
    for chunk in finished:
        for place in (chunk.op, place_of(chunk.op, chunk.dtype, chunk.device)):
            cases[place] = cases.get(place, 0) + chunk.cases
    for op in dict.fromkeys((*plan.ops, *findings.counts)):
        _check_counts(findings, op, cases.get(op, 0))
    for name, m in findings.margins.items():
        most = cases.get(place_of(m.op, m.dtype, device_of(m)), 0)
        exactly = findings.is_of_layer(m) and not findings.counts[m.op].failing
        if name != name_of(m) or not 0 < m.cases <= most or (exactly and m.cases != most):
            raise InputError(f"margin {name}: damaged: it is of {m.cases} cases, the finished chunks have {most}")
        counted = len(m.distribution) == BINS and min(m.distribution) >= 0 and sum(m.distribution) == m.cases
        # an average of ones may be a rounding above 1
        if not (m.worst >= 0 and 0 <= m.unclaimed < 1.5 and counted):
            raise InputError(f"margin {name}: damaged: no margins of {m.cases} cases are distributed like that")
    for name, v in findings.verdicts.items():
        if v.op not in plan.ops or v.dtype not in plan.dtypes or v.status not in ("failed", "disputed"):
            raise InputError(f"verdict {name}: damaged: {v.status} in {v.op}, {v.dtype}")
        for i, case in enumerate((*v.earlier, v.case)):
            if case is not None:
                check_case(case, v.op, v.dtype, f"verdict {name}.{f'earlier[{i}]' if i < len(v.earlier) else 'case'}")
        for i, e in enumerate(v.elements):
            sizes = {len(values) for values in (e.actual, e.expected, e.allowed, e.margins)}
            if len(sizes) != 1 or e.width < 1 or min(sizes) % e.width:
                raise InputError(f"verdict {name}.elements[{i}]: expected as many of each, in rows of {e.width}")


def _check_counts(findings: Findings, op: str, cases: int) -> None:
    counts = findings.counts.get(op, Counts(""))
    if counts.cases != cases:
        raise InputError(f"damaged: the finished chunks have {cases} cases of {op}, the findings are of {counts.cases}")
    for name, number in (("failing", counts.failing), ("drawn", counts.drawn)):
        if not 0 <= number <= cases:
            raise InputError(f"counts {op}: {name}: expected 0 to {cases}, got {number}")
    kept = any(v.status == "failed" and v.op == op for v in findings.verdicts.values())
    if kept != bool(counts.failing):
        raise InputError(f"damaged: {counts.failing} cases of {op} failed, and {'one' if kept else 'none'} is kept")
