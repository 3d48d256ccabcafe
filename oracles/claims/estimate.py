"""How far a right evaluation of an op may be off, where no bound can be derived: docs/bounds.md, "Ops of your own".

What is known of the op is a function in float64 alone. The effect of roundings is measured: every entry is moved by
some units of roundoff, up or down, and the results are watched.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..calculus.model import ARITHMETIC, Arithmetic, Floats
from ..data.arrays import Array

Named = Mapping[str, Array]  # the primals by name, and "cotangent"
Results = Mapping[str, Floats]  # under the names of Result.named
Function = Callable[[Named], Results]

DIRECTIONS = 8  # random vectors of signs along which every entry is moved at once
STEP = 2.0**-26  # how far, relative: the root of float64's epsilon, where a difference of results is sharpest
FUNCTIONS = 16  # units of roundoff that exp, log, divisions and the like may add to the n of the sums
SAFETY = 4.0  # for what the directions tried do not show
OWN = 64.0  # for what the points tried do not show: an error may be 0 by luck at all of them
# a framework's own error is measured at the case, and where its entries are multiplied by numbers from these ranges
SPREAD = ((1 - 2.0**-20, 1 + 2.0**-20), (15 / 16, 17 / 16), (15 / 16, 17 / 16), (1 / 2, 1.0))


@dataclass(frozen=True)
class Effects:
    """On each result: the first-order effect of moving all entries, and how many entries go into one element."""

    moved: Results
    terms: Mapping[str, float]

    def allowed(self, name: str, value: Floats, u: float) -> Floats:
        """(n + 16) u times the effect of moving the entries, and 16 u of the value, with the safety factor on both."""
        steps = (self.terms[name] + FUNCTIONS) * u
        return np.asarray(SAFETY * (steps / max(1 - steps, 0.5) * self.moved[name] + FUNCTIONS * u * np.abs(value)))


def effects(function: Function, arrays: Named, value: Results, names: tuple[str, ...]) -> Effects:
    """The effects of moving the named entries of the arrays, at which the function has that value."""
    rng, total = np.random.default_rng(0), sum(arrays[n].size for n in names)
    moved = {r: np.zeros(v.shape) for r, v in value.items()}
    for _ in range(DIRECTIONS):
        there = function({**arrays, **{n: _moved(arrays[n], rng.choice((-1.0, 1.0), arrays[n].shape)) for n in names}})
        for r, v in value.items():
            moved[r] = np.maximum(moved[r], np.abs(there[r] - v) / STEP)  # a NaN stays: nothing is claimed there
    terms = {r: float(total) for r in value}
    for share in _shares(total):
        there = function({**arrays, **{n: _moved(arrays[n], rng.random(arrays[n].shape) < share) for n in names}})
        for r, v in value.items():
            terms[r] = min(terms[r], _count((there[r] != v)[v != 0], share))
    return Effects(moved, terms)


def own_error(
    exactly: Function,
    roughly: Function,
    arrays: Named,
    dtype: np.dtype[Any],
    names: tuple[str, ...],
    *,
    nearby_alone: bool = False,
) -> Results:
    """The largest error seen of an evaluation in that dtype, in its units of roundoff, at the arrays and near them."""
    worst: dict[str, Floats] = {}
    u = ARITHMETIC[dtype.name].v
    for point in list(_points(arrays, names))[nearby_alone:]:
        rounded = {n: a.astype(dtype) if n in names else a for n, a in point.items()}
        near = exactly({n: a.astype(np.float64) if n in names else a for n, a in rounded.items()})
        for r, v in roughly(rounded).items():
            error = np.abs(v - near[r]) / u
            worst[r] = np.fmax(worst.get(r, 0.0), np.where(np.isfinite(error), error, 0.0))
    return worst


def stored(arithmetic: Arithmetic, value: Floats, allowed: Floats) -> Floats:
    """The bound once the result is stored; inf where nothing is claimed of a finite value."""
    bound = arithmetic.stored(np.abs(value), allowed)
    return np.where(np.isnan(bound), np.where(np.isfinite(value), np.inf, 0.0), bound)


def _points(arrays: Named, names: tuple[str, ...]) -> Iterator[Named]:
    rng = np.random.default_rng(1)
    yield arrays
    for low, high in SPREAD:
        yield {n: np.asarray(a * rng.uniform(low, high, a.shape)) if n in names else a for n, a in arrays.items()}


def _moved(a: Array, direction: Array) -> Array:
    return np.asarray(a * (1 + STEP * direction))


def _shares(total: int) -> list[float]:
    return [0.25**i for i in range(1, 5) if total * 0.25**i >= 1]


def _count(changed: Array, share: float) -> float:
    """How many entries go into an element, from above, where a share of them moved and these elements changed."""
    rate = float(changed.mean()) + 1 / changed.size if changed.size else 1.0
    return max(1.0, math.log1p(-rate) / math.log1p(-share)) if rate < 1 else math.inf
