"""The model of floating-point arithmetic that every bound is derived from: the constants of each dtype.

A basic operation returns (exact)(1 + d) with |d| <= u, in any order, fused or not (Higham 2002, section 2.2); exp and
log are off by at most `EXP_ULPS` and `LOG_ULPS` units in the last place; a division by at most two (a reciprocal and
a product, or CUDA's div.full). Below the normal range a result may be flushed to zero. Products and sums of the
two-byte floats are taken in float32, and each documented step is rounded to the dtype once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Measured or promised: SLEEF (torch) 1, NumPy 2.5 in float32, CUDA's expf 2 and ex2.approx about 2, XLA's polynomial 2
EXP_ULPS = 4
LOG_ULPS = 4
# an ulp is up to two units of roundoff, relative to the value
EXP = 2 * EXP_ULPS
LOG = 2 * LOG_ULPS
DIVISION = 4

# Bounds are evaluated in float64 themselves; this covers the rounding of that
INFLATION = 1 + 2.0**-20


@dataclass(frozen=True)
class Arithmetic:
    """The constants of one dtype.

    u: unit roundoff of products and sums. v: unit roundoff of what is stored. tiny: results of operations below it
    may be flushed. stored_tiny: the error of storing below the normal range. largest: of the dtype. wide_largest: of
    the dtype that products and sums are taken in; smallest: its smallest subnormal number. operand: unit roundoff of
    the operands of a matrix product, where those are rounded first (TF32). products: the arithmetic of matrix products,
    where it is another.
    """

    u: float
    v: float
    tiny: float
    normal: float
    stored_tiny: float
    largest: float
    wide_largest: float
    smallest: float
    operand: float = 0.0
    products: Arithmetic | None = None

    @property
    def half(self) -> bool:
        """Whether steps are stored in less precision than they are computed in."""
        return self.v > self.u

    def gamma(self, k: float | Floats) -> Floats:
        """k u / (1 - k u): the relative error of k operations (Higham 2002, lemma 3.1); inf from k u = 1 on."""
        ku = np.multiply(k, self.u)
        return np.where(ku < 1, ku / np.where(ku < 1, 1 - ku, 1.0), np.inf)

    def holds(self, y: Floats) -> NDArray[np.bool_]:
        """Which numbers the dtype has: storing them changes nothing. Subnormal ones, which may be flushed, are none."""
        mantissa, _ = np.frexp(y)
        whole = mantissa / self.v
        normal = (np.abs(y) >= self.normal) & (np.abs(y) <= self.largest) & (whole == np.trunc(whole))
        return np.asarray(normal | (y == 0))

    def stored(self, size: Floats, bound: Floats) -> Floats:
        """The bound after a result of magnitude `size`, known within `bound`, is rounded to the dtype.

        It may lie anywhere, inf included, where the dtype ends: nothing is claimed there.
        """
        reach = size + bound
        small = np.where(reach < 2 * self.normal, np.minimum(self.stored_tiny, reach + self.stored_tiny / 2**20), 0.0)
        return np.where(reach >= self.largest * (1 - self.v), np.inf, bound + self.v * reach + small)

    def stored_error(self, y: Floats, e: Floats) -> Floats:
        """The error of y once it is stored: what is not finite is met, and what is exact and held already stays so."""
        there = ~np.isfinite(y) | ((e == 0) & self.holds(y))
        return np.where(there, e, self.stored(np.abs(y), e))


def _arithmetic(u: float, v: float, wide: Any, normal: float, stored_tiny: float, largest: float) -> Arithmetic:
    info = np.finfo(wide)
    limits = float(info.max), float(info.smallest_subnormal)
    return Arithmetic(u, v, float(info.smallest_normal), normal, stored_tiny, largest, *limits)


# float16 has subnormals wherever its sums are float32's, and neither framework flushes them: half the smallest of them.
# The other three may be flushed (jax does so on the CPU): their smallest normal number.
_U = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}
ARITHMETIC = {
    "float64": _arithmetic(2.0**-53, 2.0**-53, np.float64, 2.0**-1022, 2.0**-1022, float(np.finfo(np.float64).max)),
    "float32": _arithmetic(2.0**-24, 2.0**-24, np.float32, 2.0**-126, 2.0**-126, float(np.finfo(np.float32).max)),
    "float16": _arithmetic(2.0**-24, 2.0**-11, np.float32, 2.0**-14, 2.0**-25, 65504.0),
    "bfloat16": _arithmetic(2.0**-24, 2.0**-8, np.float32, 2.0**-126, 2.0**-126, float.fromhex("0x1.fep127")),
}

# sums in the dtype itself: what it stores is all there is, and what is small may be flushed at once
NATIVE = {
    name: replace(a, u=a.v, tiny=max(a.tiny, a.normal), stored_tiny=a.normal, wide_largest=a.largest)
    for name, a in ARITHMETIC.items()
}
