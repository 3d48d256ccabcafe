"""The referee: the truth of a case with its bounds, and the verdict on any result of it, layer's or oracle's alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from reference import InputError

from ..calculus.model import Floats
from ..data.arrays import Array
from ..data.case import Case
from ..data.result import Result
from ..sources.derived import arithmetic_of, bounds, bounds_and_enclosures, bounds_in, enclose
from ..sources.enclosure import Enclosure
from ..sources.registry import EXACT, Oracle, Products
from .alternatives import Alternative, alternatives
from .compare import Comparison, compare

# the truth is known when its radius is this far below every bound
SHARPNESS = 2.0**-10
PRECISIONS = (160, 640, 2560)


@dataclass(frozen=True)
class Truth:
    """Everything a result of the case is held against.

    instead: for an op of a user's own, what it gives of other arrays in float64. disputes: what oracles disagree on,
    where the truth is theirs, with where and how far. in_balls: whether the enclosures are the final ones, or
    float64's, which decide passes.
    """

    case: Case
    enclosures: Mapping[str, Enclosure]
    bounds: Mapping[str, Floats]
    accepted: tuple[Alternative, ...]
    instead: Callable[[Mapping[str, Array]], Mapping[str, Floats]] | None = None
    disputes: tuple[tuple[str, str], ...] = ()
    in_balls: bool = True

    @classmethod
    def of(
        cls,
        case: Case,
        *,
        book: bool = False,
        convention: str | None = None,
        accumulate: str = "strict",
        products: Products = EXACT,
    ) -> Truth:
        """The truth of a case, in float64 where that is far sharper than the bounds, else in balls.

        book: a layer in the book's interface is judged, whose losses may clip probabilities. convention, accumulate:
        as in Layer. products: as in `bounds`.
        """
        arithmetic = arithmetic_of(case, accumulate, products)
        accepted = alternatives(case, book=book, convention=convention)
        if case.dtype.itemsize == 8:  # float64 proves nothing of itself
            allowed = bounds_in(case, arithmetic)
        else:
            allowed, quick = bounds_and_enclosures(case, arithmetic)
            if _sharp(quick, allowed):
                return cls(case, quick, allowed, accepted, in_balls=False)
        enclosures = _balls(case, allowed)
        # what even balls do not hold is nobody's fault
        claimed = {n: np.where(np.isinf(enclosures[n].radius), np.inf, bound) for n, bound in allowed.items()}
        return cls(case, enclosures, claimed, accepted)

    def for_oracle(self, oracle: Oracle) -> Truth:
        """The same truth, within what the oracle's settings promise of matrix products."""
        products = promised(oracle, self.case)
        return self if products == EXACT else replace(self, bounds=bounds(self.case, products=products))

    def final(self) -> Truth:
        """The same truth in balls, whose values are correctly rounded."""
        return self if self.in_balls else replace(self, enclosures=_balls(self.case, self.bounds), in_balls=True)

    def judge(self, result: Result) -> dict[str, Comparison]:
        """Each of the result's arrays against the truth, under the names of `Result.named`; what fails, in balls.

        Raises InputError for a result that is not whole, or holds what is no array of real numbers.
        """
        named = result.named()
        if set(named) != set(self.bounds):
            raise InputError(f"result: expected {', '.join(self.bounds)}, got {', '.join(named)}")
        for name, value in named.items():
            dtype = getattr(value, "dtype", np.dtype(object))
            if type(value) is not np.ndarray or (dtype.kind not in "iubf" and dtype.name != "bfloat16"):
                raise InputError(f"{name}: expected an array of real numbers, got {type(value).__name__}")
        comparisons = {
            name: compare(name, actual, self.enclosures[name], self.bounds[name], self.accepted)
            for name, actual in named.items()
        }
        if self.in_balls or all(comparison.passed for comparison in comparisons.values()):
            return comparisons
        return self.final().judge(result)


def promised(framework: Oracle | None, case: Case) -> Products:
    """What a framework, where there is one, promises of the case's matrix products."""
    return EXACT if framework is None else framework.products(case.dtype.name)


def _balls(case: Case, allowed: Mapping[str, Floats]) -> Mapping[str, Enclosure]:
    """Balls whose precision is raised until they are far smaller than the bounds."""
    for precision in PRECISIONS:
        enclosures = enclose(case, precision=precision)
        if _sharp(enclosures, allowed):
            break
    return enclosures


def _sharp(enclosures: Mapping[str, Enclosure], allowed: Mapping[str, Floats]) -> bool:
    return all((enclosures[name].radius <= SHARPNESS * bound).all() for name, bound in allowed.items())
