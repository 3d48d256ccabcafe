"""Certified bounds: the largest error that any sensible evaluation of a case can make, element by element.

Derived, never tuned: docs/bounds.md gives each derivation and its source. A bound of inf claims nothing (a result or
a step on the way to it leaves the dtype's range); where the truth is NaN or infinite there is nothing to bound, and
it must be met.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from oracles.data.case import Case
from oracles.sources.registry import EXACT, Products

from . import cross_entropy, dense, relu, softmax, softmax_cross_entropy
from .arithmetic import ARITHMETIC as ARITHMETIC
from .arithmetic import INFLATION, NATIVE, Arithmetic
from .arithmetic import Floats as Floats

BOUNDS: dict[str, Callable[[Case, Arithmetic], dict[str, Floats]]] = {
    "dense": dense.bound,
    "relu": relu.bound,
    "softmax": softmax.bound,
    "cross_entropy": cross_entropy.bound,
    "softmax_cross_entropy": softmax_cross_entropy.bound,
}


def bounds(case: Case, *, accumulate: str = "strict", products: Products = EXACT) -> dict[str, Floats]:
    """The bound of each element of the output and of every gradient, under the names of `Result.named`.

    accumulate: "strict" where products and sums of the two-byte floats are taken in float32, "native" for their own.
    products: what less a framework promises of matrix products.
    """
    arithmetic = (NATIVE if accumulate == "native" else ARITHMETIC)[case.dtype.name]
    if products != EXACT:
        of_products = NATIVE[case.dtype.name] if products.sums == "native" else arithmetic
        arithmetic = replace(arithmetic, products=replace(of_products, operand=products.operand))
    return bounds_in(case, arithmetic)


def bounds_in(case: Case, arithmetic: Arithmetic) -> dict[str, Floats]:
    """Those of an evaluation in another arithmetic than the case's own."""
    with np.errstate(all="ignore"):
        found = BOUNDS[case.op](case, arithmetic)
        return {name: _claimed(b * INFLATION) for name, b in found.items()}


def _claimed(bound: Floats) -> Floats:
    bound = np.asarray(bound)
    bound[np.isnan(bound)] = np.inf
    return bound
