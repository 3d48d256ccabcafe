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
    labels = raised[0].case.signature.labels
    kinds = [{e.case.primals[labels].dtype.name for e in some} if labels else set() for some in (raised, others)]
    if len(kinds[0]) == 1 and not kinds[0] & kinds[1]:
        return f"{said} where the labels are {kinds[0].pop()}"
    if _on_rows_alone(raised, others):
        return f"{said} on rows of labels: one that takes class ids alone says targets=('ids',), or --targets ids"
    for place in wholes():
        marks = [place.of(e, "output") for e in (*raised, *others)]
        whole = [bool(m.all()) and (m.size > 0 or "empty" in place.text) for m in marks if m is not None]
        if len(whole) == len(runs) and others and all(whole[: len(raised)]) and not any(whole[len(raised) :]):
            return f"{said} {place.text}"
    return ""


def _on_rows_alone(raised: Sequence[Evidence], others: Sequence[Evidence]) -> bool:
    """Whether a loss raises on rows of labels, and is right on class ids."""
    labels = raised[0].case.signature.labels
    if not labels:
        return False
    of_ids = [e for e in others if e.case.primals[labels].ndim == 1]
    right = of_ids and not any(e.wrong(r).any() for e in of_ids for r in e.actual)
    return bool(right) and all(e.case.primals[labels].ndim == 2 for e in raised)
