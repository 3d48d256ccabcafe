"""Holds one computed array against the truth: is every element within its certified bound?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..calculus.model import Floats
from ..data.arrays import Array, row_blocks, widened
from ..sources.enclosure import Enclosure
from .alternatives import Alternative

LARGE = 1 << 18  # elements of a result that is compared by blocks of its rows
REACH = 6  # elements shown to each side of the worst


@dataclass(frozen=True)
class Elements:
    """A result around its worst element, seen as rows and columns: the last axis is that of the columns.

    shape: of the whole result. row, column: where the part that is shown begins. width: its columns. margins: error
    over bound, over 1 is wrong.
    """

    result: str
    shape: tuple[int, ...]
    row: int
    column: int
    width: int
    actual: tuple[float, ...]
    expected: tuple[float, ...]
    allowed: tuple[float, ...]
    margins: tuple[float, ...]


@dataclass(frozen=True)
class Comparison:
    """How far one result lies from the truth.

    margin: worst |error| / bound, over 1 is wrong; inf where a special value is missed or the shape is not that of
    the truth. at: where that is, with what was computed, expected and allowed there. wrong: elements over their
    bound, of `size`. unclaimed: elements without a claim. conventions: what was followed where there is a choice.
    elements: those around the worst, where it is wrong.
    """

    result: str
    margin: float
    at: tuple[int, ...] | None
    actual: float
    expected: float
    allowed: float
    wrong: int
    size: int
    unclaimed: int = 0
    conventions: tuple[str, ...] = ()
    problem: str = ""
    elements: Elements | None = None

    @property
    def passed(self) -> bool:
        """Whether every element is within its bound."""
        return self.margin <= 1

    def __str__(self) -> str:
        if self.problem:
            return f"{self.result}: {self.problem}"
        if self.at is None:
            return f"{self.result}: no elements"
        relation = "within" if self.passed else "outside"
        place = f" at {self.at}" if self.at else ""
        error = self.margin * self.allowed  # the expected value is shown rounded to float64
        if not 0 < error < np.inf:
            error = abs(self.actual - self.expected)
        return (
            f"{self.result}: {self.wrong} of {self.size} elements wrong; worst{place}: got {self.actual!r}, "
            f"expected {self.expected!r}, error {error:.3g} {relation} the {self.allowed:.3g} allowed "
            f"(margin {self.margin:.3g})"
        )


def compare(
    result: str, actual: Array, expected: Enclosure, bound: Floats, accepted: Iterable[Alternative] = ()
) -> Comparison:
    """Compare `actual` with the enclosed truth, within the bound, element by element.

    NaN and infinities must be met exactly. Where an alternative is marked, its value is right too, within the same
    bound. An element whose bound is inf is not judged.
    """
    if actual.shape != expected.value.shape:
        problem = f"got shape {actual.shape}, expected {expected.value.shape}"
        return Comparison(result, np.inf, None, np.nan, np.nan, np.nan, actual.size, actual.size, problem=problem)
    accepted = tuple(alternative for alternative in accepted if alternative.result == result)
    if actual.size > LARGE and len(actual) > 1 and not accepted:
        parts = list(_by_blocks(result, actual, expected, bound))
        if all(part.passed for part in parts):  # the elements around a failure are shown of the whole
            return _merged(parts)
    computed = widened(actual)
    margins, conventions = elementwise(result, computed, expected, bound, accepted)
    if not margins.size:
        return Comparison(result, 0.0, None, np.nan, np.nan, np.nan, 0, 0)
    at = np.unravel_index(int(np.argmax(margins)), margins.shape)
    return Comparison(
        result,
        margin=float(margins[at]),
        at=tuple(int(i) for i in at),
        actual=float(computed[at]),
        expected=float(expected.value[at]),
        allowed=float(bound[at]),
        wrong=int((margins > 1).sum()),
        size=margins.size,
        unclaimed=int(np.isinf(bound).sum()),
        conventions=conventions,
        elements=_around(result, at, computed, expected.value, bound, margins) if margins[at] > 1 else None,
    )


def _by_blocks(result: str, actual: Array, expected: Enclosure, bound: Floats) -> Iterator[Comparison]:
    for rows in row_blocks(len(actual), actual.size // len(actual)):
        truth = Enclosure(*(a[rows] for a in (expected.value, expected.residual, expected.radius)))
        part = compare(result, actual[rows], truth, bound[rows])
        yield replace(part, at=part.at and (part.at[0] + rows.start, *part.at[1:]))


def _merged(parts: Sequence[Comparison]) -> Comparison:
    """The comparison of a whole from those of its parts."""
    worst = max(parts, key=lambda part: part.margin)
    sums = {name: sum(getattr(part, name) for part in parts) for name in ("wrong", "size", "unclaimed")}
    return replace(worst, **sums)


def _around(
    result: str, at: tuple[Any, ...], computed: Floats, expected: Floats, bound: Floats, margins: Floats
) -> Elements:
    columns = margins.shape[-1] if margins.ndim else 1
    row, column = divmod(int(np.ravel_multi_index(at, margins.shape)), columns)
    rows = slice(max(0, row - REACH), row + REACH + 1)
    across = slice(max(0, column - REACH), column + REACH + 1)
    parts = [a.reshape(-1, columns)[rows, across] for a in (computed, expected, np.asarray(bound), margins)]
    flat = [tuple(float(x) for x in part.ravel()) for part in parts]
    return Elements(result, margins.shape, rows.start, across.start, parts[0].shape[1], *flat)


def elementwise(
    result: str, computed: Floats, expected: Enclosure, bound: Floats, accepted: Iterable[Alternative] = ()
) -> tuple[Floats, tuple[str, ...]]:
    """The margin of each element, over 1 where it is wrong, and the names of the alternatives that were followed."""
    margins = _margins(computed, expected, bound)
    conventions = []
    for alternative in accepted:
        if alternative.result == result:
            allowed = bound if alternative.bound is None else alternative.bound
            others = _margins(computed, Enclosure.exact(alternative.values), allowed)
            others = np.where(alternative.where, others, np.inf)
            if ((others <= 1) & (margins > 1)).any():
                conventions.append(alternative.name)
            elif alternative.otherwise and ((margins < others) & (others > 1))[alternative.where].any():
                conventions.append(alternative.otherwise)
            needed = alternative.where & alternative.required
            margins = np.where(needed, others, np.minimum(margins, others))
    return margins, tuple(conventions)


def _margins(computed: Floats, expected: Enclosure, bound: Floats) -> Floats:
    with np.errstate(all="ignore"):
        error = expected.error_of(computed)
        finite = np.isfinite(computed) & np.isfinite(expected.value)
        # 0/0 is an exact result where no error is allowed; the radius of the truth counts against the layer only there
        ratio = np.where(error == 0, 0.0, error / bound)
        met = (computed == expected.value) | (np.isnan(computed) & np.isnan(expected.value))
        ratio = np.where(finite, ratio, np.where(met, 0.0, np.inf))
        return np.asarray(np.where(np.isinf(bound), 0.0, ratio))
