"""Does what a campaign found add up? Nothing lost, nothing counted twice, and nothing that it cannot have found."""

from __future__ import annotations

from collections.abc import Sequence

from reference import InputError

from .findings import Counts, Findings, device_of, name_of, place_of
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
    for name, v in findings.verdicts.items():
        if v.op not in plan.ops or v.dtype not in plan.dtypes or v.status not in ("failed", "disputed"):
            raise InputError(f"verdict {name}: damaged: {v.status} in {v.op}, {v.dtype}")


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
