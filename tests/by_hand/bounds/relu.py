"""Bounds of ReLU: exact, to the bit, but for subnormals, which may be flushed."""

from __future__ import annotations

import numpy as np

from oracles.data.case import Case

from .arithmetic import Arithmetic, Floats, floats


def bound(case: Case, a: Arithmetic) -> dict[str, Floats]:
    """0; where the input or the cotangent is subnormal, its size."""
    tiny = a.tiny
    x, g = floats(case, "inputs"), floats(case, "cotangent")
    return {
        # flushed in the comparison with 0 too: a negative subnormal may be passed on
        "output": np.where(np.abs(x) < tiny, np.abs(x), 0.0),
        "dinputs": np.where((x > 0) & (np.abs(g) < tiny), np.abs(g), 0.0),
    }
