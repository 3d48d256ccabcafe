"""What values a primal takes. Without a domain: any real number.

    domains={"targets": ids("C"), "mask": booleans, "p": probabilities}

Integers and booleans have no gradient and keep a dtype of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference import InputError
from reference._arrays import shown


@dataclass(frozen=True)
class Domain:
    """kind: "real", "integer" or "boolean". low, high: the bounds, which may be the name of an axis, not itself taken.

    rows: numbers along the last axis that are drawn together: "one_hot", "probabilities", "logits" or each by itself.
    forms: where a primal comes in several forms (labels as ids or as rows), their names.
    """

    name: str
    kind: str = "real"
    low: float = -np.inf
    high: float | str = np.inf
    rows: str = ""
    differentiable: bool = True
    forms: tuple[str, ...] = ()

    @property
    def is_bounded(self) -> bool:
        """Whether numbers end somewhere, by themselves."""
        return not self.rows and not self.forms and (self.low > -np.inf or self.high != np.inf)

    def shapes(self, sizes: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
        """The shapes a primal in several forms may have, by what that says; none where the signature has its axes."""
        if not self.forms:
            return {}
        (n, *_), c = sizes.values(), sizes[str(self.high)]
        return {"class ids": (n,), "weights": (n, c)}

    def check(self, name: str, a: NDArray[Any], sizes: Mapping[str, int]) -> None:
        """InputError where an array holds what the domain does not."""
        kinds = {"integer": "iu", "boolean": "b", "real": "fiu"}[self.kind]
        if a.dtype.kind not in kinds and not (self.kind == "real" and a.dtype.name == "bfloat16"):
            raise InputError(f"{name}: expected {self.kind} numbers, got dtype {a.dtype} in {shown(a)}")
        if self.kind == "integer" and a.size:
            high = sizes.get(self.high, np.inf) - 1 if isinstance(self.high, str) else self.high
            for odd in (int(a.min()), int(a.max())):
                if not self.low <= odd <= high:
                    raise InputError(f"{name}: expected integers from {self.low:g} to {high:g}, got {odd}")


REAL = Domain("real")
booleans = Domain("booleans", "boolean", differentiable=False)
probabilities = Domain("probabilities", low=0.0, high=1.0, rows="probabilities")
positive = Domain("positive", low=0.0)
logits = Domain("logits", rows="logits")  # masked with -inf, saturated, near the ends of the range


def ids(axis: str) -> Domain:
    """Indices into an axis: whole numbers from 0, below its size; of any integer dtype, and no gradient."""
    return Domain(f"ids of {axis}", "integer", 0, axis, differentiable=False)


def integers(low: int, high: int) -> Domain:
    """Whole numbers from low to high, both included. Raises InputError."""
    if low > high:
        raise InputError(f"integers: expected low <= high, got {low} and {high}")
    return Domain(f"integers from {low} to {high}", "integer", low, high, differentiable=False)


def one_hot(axis: str) -> Domain:
    """Rows along an axis with a single one; no gradient."""
    return Domain(f"one-hot rows of {axis}", low=0.0, high=1.0, rows="one_hot", differentiable=False)


def labels(axis: str) -> Domain:
    """Labels in any form: ids of an axis, a sample each, or rows of weights along it; no gradient."""
    return Domain(f"labels of {axis}", high=axis, differentiable=False, forms=("ids", "one_hot", "soft"))
