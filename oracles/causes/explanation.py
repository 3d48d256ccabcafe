"""A cause held against what a layer computed: a value at a place, which must be met by every element of every run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from ..calculus.model import Floats
from ..ops import Op
from .evidence import Evidence, same
from .hypotheses.estimates import Limits, estimated_places, estimated_values
from .hypotheses.formulas import formulas
from .hypotheses.places import EVERYWHERE, Place, places
from .hypotheses.precision import computed_lower, evaluated_outside, rounded_operands, rounded_results
from .hypotheses.ranges import ranged
from .hypotheses.shapes import of_shape
from .hypotheses.values import Value, copies, cotangents, scaled


@dataclass(frozen=True)
class Explanation:
    """One result holds a value at a place, instead of the truth."""

    result: str
    value: Value
    place: Place

    def __str__(self) -> str:
        return f"{self.value.text} {self.place.text}".rstrip()


def explain(runs: Sequence[Evidence], r: str, sizes: Limits) -> Explanation | None:
    """What stands in one result instead of the truth, and where; None where no hypothesis is met everywhere."""
    shape = of_shape(runs, r)
    if shape:
        return misshapen(r, shape)
    raised = [e for e in runs if r not in e.actual]
    runs = sorted((e for e in runs if r in e.actual), key=lambda e: (not e.wrong(r).any(), e.case.size))
    op = runs[0].case.signature
    for place in chain(places(op), estimated_places(runs, r, sizes)):
        if _covers(place, runs, r) and (place is EVERYWHERE or not any(_touches(place, e, r) for e in raised)):
            for value in chain(_values(op, runs, r, sizes), _ranged(runs, r) if place is EVERYWHERE else ()):
                found = Explanation(r, value, place)
                if explains(found, runs, least=2):
                    return found
    return None


def misshapen(r: str, shape: str) -> Explanation:
    """A result of another shape, whatever its values."""
    return Explanation(r, Value(shape, lambda e, r: None), EVERYWHERE)


def _values(op: Op, runs: Sequence[Evidence], r: str, sizes: Limits) -> Iterator[Value]:
    yield from scaled()
    yield from copies()
    yield from formulas(op, r)
    yield from cotangents(op)
    yield from rounded_results()
    yield from rounded_operands()
    yield from estimated_values(runs, r, sizes)


def _ranged(runs: Sequence[Evidence], r: str) -> Iterator[Value]:
    wrong = [e for e in runs if e.wrong(r).any()]
    if wrong:
        yield from ranged(wrong, r)
        yield from evaluated_outside(wrong, r)
        yield from computed_lower(wrong, r)


def _touches(place: Place, e: Evidence, r: str) -> bool:
    mask = place.of(e, r)
    return mask is not None and bool(mask.any())


def _covers(place: Place, runs: Sequence[Evidence], r: str) -> bool:
    """Whether every wrong element lies in the place."""
    for e in runs:
        wrong = e.wrong(r)
        if wrong.any():
            mask = place.of(e, r)
            if mask is None or mask.shape != wrong.shape or (wrong & ~mask).any():
                return False
    return True


def explains(found: Explanation, runs: Sequence[Evidence], *, least: int) -> bool:
    """Whether the value is met at the place in every run, at so many wrong elements that tell it from the truth."""
    value, place, r, telling = found.value, found.place, found.result, 0
    for e in runs:
        if r not in e.actual:
            continue
        mask, wrong = place.of(e, r), e.wrong(r)
        if mask is None or not mask.any():
            if wrong.any():
                return False
            continue
        predicted = value.of(e, r)
        if predicted is None or np.shape(predicted) != wrong.shape:
            if wrong.any():
                return False
            continue
        actual, expected, reach = e.computed(r), e.expected(r), _reach(value, e, r, predicted)
        met = same(actual, predicted, reach) | np.isinf(e.bound(r))
        if (mask & ~met).any() or (wrong & ~mask).any():
            return False
        telling += int((wrong & ~same(expected, predicted, 2 * reach)).sum())
    return telling >= least


def _reach(value: Value, e: Evidence, r: str, predicted: Floats) -> Floats:
    bound = np.where(np.isfinite(e.bound(r)), e.bound(r), 0.0)
    reach = value.slack * bound + value.relative * e.unit_roundoff * np.where(
        np.isfinite(predicted), np.abs(predicted), 0
    )
    if value.rough:
        finite = np.abs(predicted[np.isfinite(predicted)])
        reach = reach + min(1e3 * e.unit_roundoff, 1e-2) * (finite.max() if finite.size else 0.0)
    return np.asarray(reach)
