"""What the hand-derived bounds share, beside the model of arithmetic (`oracles.calculus.model`)."""

from __future__ import annotations

import numpy as np

from oracles.calculus.model import ARITHMETIC, DIVISION, EXP, INFLATION, LOG, NATIVE, Arithmetic, Floats
from oracles.data.wide import floats

__all__ = ["ARITHMETIC", "DIVISION", "EXP", "INFLATION", "LOG", "NATIVE", "Arithmetic", "Floats", "floats"]


def unclaimed_from(bound: Floats, sizes: Floats, limit: float) -> Floats:
    """The bound, but inf where an intermediate result of that size may overflow, or is not a number."""
    return np.where(sizes < limit / 2, bound, np.inf)
