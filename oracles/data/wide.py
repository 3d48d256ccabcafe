"""What a case holds, in float64: its arrays, labels as rows of weights, the cotangent of each sample."""

from __future__ import annotations

import numpy as np

from ..calculus.model import Floats
from .arrays import Array
from .case import Case

SMALLEST = 2.0**-1074  # of float64


def floats(case: Case, name: str) -> Floats:
    """A primal, or the cotangent."""
    return case.arrays[name].astype(np.float64)


def label_weights(case: Case) -> Floats:
    """The targets as rows of weights (N, C): one-hot where they are class ids."""
    return weights_of(case.primals[case.signature.labels], case.primals[case.signature.differentiable[0]].shape[1])


def weights_of(targets: Array, classes: int) -> Floats:
    """Class ids or rows of weights as rows of weights."""
    if targets.ndim == 2:
        return targets.astype(np.float64)
    weights = np.zeros((len(targets), classes))
    weights[np.arange(len(targets)), targets.astype(np.int64)] = 1
    return weights


def signed_scales(case: Case, n: int) -> Floats:
    """What each of n samples' loss gets of the cotangent, over n under the mean: (n, 1)."""
    g = floats(case, "cotangent").reshape(-1, 1)
    if case.options["reduction"] == "mean" and n:
        share = g / n
        g = np.where((share == 0) & (g != 0), np.copysign(SMALLEST, g), share)  # in float64 it may vanish
    return np.broadcast_to(g, (n, 1))
