"""Derivatives of a function in float64 by central differences, extrapolated, with an estimate of their error.

Ridders' method: steps halved, the differences extrapolated to a step of 0 (Neville's scheme in the step squared), the
entry kept whose neighbours it is closest to (Ridders 1982; Press et al., Numerical Recipes, section 5.7).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

LEVELS = 7  # steps tried, each half of the one before
FIRST = 2.0**-4  # the first, relative to the entry; never across 0, where many functions have a kink or a pole
AT_ZERO = 2.0**-8  # the first where the entry is 0
EPS = 2.0**-52


@dataclass(frozen=True)
class Slope:
    """A derivative and the estimated error of it; inf at a kink, where differences from either side differ."""

    value: float
    error: float


def slope(function: Callable[[float], float], x: float, scale: float) -> Slope:
    """The derivative of a function at x; `scale`: the size of the terms that it sums."""
    first = FIRST * abs(x) if x else AT_ZERO
    middle, best = function(x), Slope(float("nan"), float("inf"))
    table: list[list[float]] = []
    bends: list[tuple[float, float]] = []  # the difference from the right less that from the left, and its noise
    for level in range(LEVELS):
        step = (x + first / 2**level) - x  # what is really added
        if not step:
            break
        up, down = function(x + step), function(x - step)
        noise = 4 * EPS * scale / step
        row = [(up - down) / (2 * step)]
        bends.append(((up - 2 * middle + down) / step, 4 * noise))
        for j, before in enumerate(table[-1] if table else []):
            row.append(row[j] + (row[j] - before) / (4 ** (j + 1) - 1))
            error = max(abs(row[j + 1] - row[j]), abs(row[j + 1] - before)) + noise
            if error <= best.error:
                best = Slope(row[j + 1], error)
        table.append(row)
    return best if not _kinked(bends, best.value) else Slope(best.value, float("inf"))


def _kinked(bends: list[tuple[float, float]], value: float) -> bool:
    """Whether the two sides stay apart as the step shrinks: without a kink their difference halves with it."""
    if len(bends) < 2:
        return True
    (wide, _), (narrow, noise) = bends[-2:]
    return abs(2 * narrow - wide) > 0.1 * abs(wide) + 4 * noise + 1e-9 * abs(value)
