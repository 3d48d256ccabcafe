"""Causes that a wrong shape shows."""

from __future__ import annotations

from collections.abc import Sequence

from ..evidence import Evidence, same


def of_shape(runs: Sequence[Evidence], r: str) -> str:
    """The shape of a result where it is not what it should be, and how the values lie in it; "" where it is right."""
    other = [e for e in runs if r in e.actual and e.computed(r).shape != e.expected(r).shape]
    if not other:
        return ""
    e = max(other, key=lambda e: (min(e.expected(r).shape, default=0), e.case.size))  # no axis of length 1, if possible
    a, t, reach = e.computed(r), e.expected(r), 4 * e.bound(r)
    how = ""
    if not a.size:
        pass  # no values to tell
    elif a.shape == t.shape[::-1] and same(a.T, t, reach).all():
        how = ": it is transposed"
    elif a.size == t.size and same(a.reshape(t.shape), t, reach).all():
        how = ", with the right values"
    elif a.shape[1:] == t.shape[1:] and t.shape[:1] == (1,) and same(a.sum(axis=0, keepdims=True), t, reach).all():
        how = ": it is not summed over the samples"
    return f"shape {other[0].computed(r).shape} in the place of {other[0].expected(r).shape}{how}"
