"""What the hand-derived bounds share, beside the model of arithmetic (`oracles.calculus.model`)."""

from __future__ import annotations

import numpy as np

from ...calculus.model import ARITHMETIC, DIVISION, EXP, INFLATION, LOG, NATIVE, Arithmetic, Floats
from ...case import Case

__all__ = ["ARITHMETIC", "DIVISION", "EXP", "INFLATION", "LOG", "NATIVE", "Arithmetic", "Floats"]


def floats(case: Case, name: str) -> Floats:
    """A primal, or the cotangent, in float64."""
    return (case.cotangent if name == "cotangent" else case.primals[name]).astype(np.float64)


def unclaimed_from(bound: Floats, sizes: Floats, limit: float) -> Floats:
    """The bound, but inf where an intermediate result of that size may overflow, or is not a number."""
    return np.where(sizes < limit / 2, bound, np.inf)
