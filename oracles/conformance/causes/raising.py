"""Where a layer raises rather than returns something wrong."""

from __future__ import annotations

from collections.abc import Sequence

from ..evidence import Evidence
from .places import wholes


def of_raising(runs: Sequence[Evidence]) -> str:
    """When a layer raises: at a size, or on one form of labels."""
    raised = [e for e in runs if e.raised]
    others = [e for e in runs if not e.raised]
    if not raised:
        return ""
    message = raised[0].raised
    said = message.partition(":")[0] if message.startswith("raised ") else message
    labels = [[e.case.primals["targets"] for e in some if "targets" in e.case.primals] for some in (raised, others)]
    if {t.ndim for t in labels[0]} == {2} and _ids_alone(others):
        return f"{said} where the labels are rows; of a layer that takes class ids alone, say so: targets=('ids',)"
    kinds = [{t.dtype.name for t in some} for some in labels]
    if len(kinds[0]) == 1 and not kinds[0] & kinds[1]:
        return f"{said} where the labels are {kinds[0].pop()}"
    for place in wholes():
        marks = [place.of(e, "output") for e in (*raised, *others)]
        whole = [bool(m.all()) and (m.size > 0 or "empty" in place.text) for m in marks if m is not None]
        if len(whole) == len(runs) and others and all(whole[: len(raised)]) and not any(whole[len(raised) :]):
            return f"{said} {place.text}"
    return ""


def _ids_alone(others: Sequence[Evidence]) -> bool:
    """Whether the runs that do not raise are right on class ids, and mostly wrong on rows of labels."""
    wrong: dict[int, list[bool]] = {1: [], 2: []}
    for e in others:
        wrong[e.case.primals["targets"].ndim].append(any(e.wrong(r).any() for r in e.actual))
    return bool(wrong[1]) and not any(wrong[1]) and 2 * sum(wrong[2]) >= len(wrong[2])
