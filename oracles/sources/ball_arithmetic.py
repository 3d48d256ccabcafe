"""Between NumPy arrays and python-flint's balls: midpoints with a rigorous radius that every operation carries on."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from flint import arb, arb_mat, ctx

from ..data.arrays import Array
from .enclosure import Enclosure, Floats

Balls = list[Any]  # of arb, which has no type information

# float64 operands have 53 bits and their products 106: this leaves some 50 more for sums to lose
PRECISION = 160

SMALLEST = 2.0**-1074


def working_precision(bits: int) -> AbstractContextManager[Any]:
    """Balls with that many bits inside the block; outside it the process keeps its own setting."""
    context: AbstractContextManager[Any] = ctx.workprec(bits)
    return context


def balls(values: Array) -> Balls:
    """Each element as a ball of radius 0, in C order."""
    return [arb(v) for v in values.astype(np.float64).ravel().tolist()]


def matrix(values: Array) -> Any:
    """A two-dimensional array as a matrix of balls of radius 0."""
    rows, columns = values.shape
    return arb_mat(rows, columns, values.astype(np.float64).ravel().tolist())


def total(terms: Iterable[Any]) -> Any:
    """The sum, 0 of none."""
    return sum(terms, arb(0))


def enclosure(terms: Balls, shape: tuple[int, ...]) -> Enclosure:
    """Balls as value, residual and radius; a value beyond float64 is infinite."""
    nearest = [float(ball) for ball in terms]
    rests = [ball - v for ball, v in zip(terms, nearest, strict=True)]
    value, residual, radius = (
        np.array(a, np.float64) for a in (nearest, [float(r) for r in rests], [float(r.rad()) for r in rests])
    )
    with np.errstate(all="ignore"):
        # the roundings of the two floats just made, below the normal range too
        radius = radius * (1 + 2**-50) + np.abs(residual) * 2**-52 + SMALLEST
    exact = [i for i in np.flatnonzero(residual == 0).tolist() if rests[i].is_zero()]
    radius[exact] = 0.0
    known = np.isfinite(value)
    enclosed = (value, np.where(known, residual, 0.0), np.where(known, radius, 0.0))
    return Enclosure(*(a.reshape(shape) for a in enclosed))


def overwritten(enclosed: Enclosure, where: Array, values: Floats) -> Enclosure:
    """The enclosure with exact `values` (NaN and infinities mostly) put in at `where`."""
    return Enclosure(
        np.where(where, values, enclosed.value),
        np.where(where, 0.0, enclosed.residual),
        np.where(where, 0.0, enclosed.radius),
    )
