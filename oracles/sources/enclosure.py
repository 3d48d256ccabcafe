"""A value known beyond float64: value + residual, off by at most radius, elementwise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Enclosure:
    """The true result lies within `radius` of `value + residual`; three float64 arrays of one shape.

    `value` is the true result rounded to float64, `residual` what that leaves over: together some 106 bits. Where
    `value` is NaN or infinite the other two are 0.
    """

    value: Floats
    residual: Floats
    radius: Floats

    @classmethod
    def exact(cls, value: Floats) -> Enclosure:
        """A value that float64 holds exactly."""
        return cls(value, np.zeros(value.shape), np.zeros(value.shape))

    def or_else(self, other: Enclosure) -> Enclosure:
        """The other, where the value is NaN or infinite here."""
        known = np.isfinite(self.value)
        pairs = zip((self.value, self.residual, self.radius), (other.value, other.residual, other.radius), strict=True)
        return Enclosure(*(np.where(known, a, b) for a, b in pairs))

    def error_of(self, actual: Floats) -> Floats:
        """An upper bound on |actual - truth| where both are finite; callers handle NaN and inf."""
        with np.errstate(all="ignore"):
            return np.abs((actual - self.value) - self.residual) + self.radius
