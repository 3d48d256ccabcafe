"""What a mutant is, the two decorators that enter a class in the table, and what the classes share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from oracles import Layer

SEVERITIES = ("gross", "shape-dependent", "value-dependent", "precision", "state", "aliasing", "layout", "dtype")

Class = TypeVar("Class", bound=type)


@dataclass(frozen=True)
class Right:
    """A right layer that rounds differently, or takes another way."""

    op: str
    make: type

    @property
    def layer(self) -> Layer:
        """A subclass of its own, so that what a class remembers starts anew."""
        return Layer.from_class(self.op, type(self.make.__name__, (self.make,), {}))

    def __str__(self) -> str:
        return f"{self.op}-{self.make.__name__}"


@dataclass(frozen=True)
class Mutant(Right):
    """A wrong layer: the claim that must be among those it breaks, the true cause, and the kind of fault.

    only: no other claim sees it, and this is part of what that claim says. dtype: one in which it can be seen.
    """

    check: str
    cause: str
    severity: str
    only: str
    dtype: str

    __str__ = Right.__str__


MUTANTS: list[Mutant] = []
RIGHT: list[Right] = []


def wrong(check: str, cause: str, severity: str, *, only: str = "", dtype: str = "float32") -> Callable[[Class], Class]:
    """Enter a class in MUTANTS."""
    assert severity in SEVERITIES, severity

    def enter(make: Class) -> Class:
        MUTANTS.append(Mutant(make.op, make, check, cause, severity, only, dtype))
        return make

    return enter


def right(make: Class) -> Class:
    """Enter a class in RIGHT."""
    RIGHT.append(Right(make.op, make))
    return make


def class_ids(labels):
    """Labels as class ids, from either form."""
    labels = np.asarray(labels)
    return labels.argmax(axis=1) if labels.ndim == 2 else labels.astype(np.int64)


def one_hot(labels, like):
    """Labels as rows with a single one, in the shape and dtype of `like`."""
    rows = np.zeros(like.shape, like.dtype)
    rows[np.arange(len(rows)), class_ids(labels)] = 1
    return rows


def as_memory_lies(a):
    """The elements in the order they have in memory, taken for C order."""
    return np.ravel(a, order="K").reshape(a.shape)


def a_little_more(a):
    """Off by a relative 1e-6 in float64, 3e-5 in shorter dtypes: far below the usual tolerances."""
    return a * a.dtype.type(1 + (1e-6 if a.dtype == np.float64 else 3e-5))


def through_half(a):
    """Rounded to float16 and back."""
    with np.errstate(over="ignore"):
        return a.astype(np.float16).astype(a.dtype)
