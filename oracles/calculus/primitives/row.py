"""What a row of the table of primitives holds, and what several rows share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..graph import Array
from ..model import Floats
from ..trace import Traced, node

Tangent = Traced | None
Gradients = tuple[Tangent, ...]
Axes = tuple[int, ...]


@dataclass(frozen=True)
class Pair:
    """A value and how far a computed one may be off; None where it is exact.

    Of booleans the error marks those that the errors of what is compared leave undecided. top: what no computed value
    is above.
    """

    value: Array
    error: Array | None = None
    top: float = np.inf

    @property
    def exact(self) -> bool:
        """Whether every evaluation has these very numbers."""
        return self.error is None

    @property
    def off(self) -> Floats:
        """The error, 0 where it is exact."""
        return np.zeros(()) if self.error is None else self.error

    @property
    def error_everywhere(self) -> Floats:
        """The error of each element, in an array of its own."""
        return np.zeros(self.value.shape) if self.error is None else np.array(self.error)

    @cached_property
    def size(self) -> Floats:
        """The largest absolute value that a computed one may have."""
        return np.abs(self.value) if self.error is None else np.abs(self.value) + self.error


@dataclass(frozen=True)
class Primitive:
    """One row. Every function takes the arguments and then the parameters of the node, by name.

    value: of NumPy's arrays. error: (arithmetic, value, pairs) -> how far a sensible evaluation may be off; None where
    it is exact; a pair where more is known. vjp: (cotangent, output, arguments) -> a gradient an argument, None for
    none. jvp: (tangents, output, arguments) -> the tangent, where an argument's tangent is None if it has none. ball:
    of arrays of balls. kink: where the derivative is a convention, in words. rounds: whether a result may leave the
    range or be flushed.
    """

    value: Callable[..., Array]
    error: Callable[..., Array | Pair | None]
    vjp: Callable[..., Gradients]
    jvp: Callable[..., Tangent]
    ball: Callable[..., Array]
    kink: str = ""
    rounds: bool = True


def no_vjp(g: Traced, y: Traced, *args: Traced, **params: Any) -> Gradients:
    """That of what has no derivative: a comparison, a whole number."""
    return (None,) * len(args)


def no_jvp(tangents: Gradients, y: Traced, *args: Traced, **params: Any) -> None:
    """Likewise."""


def again(name: str) -> Callable[..., Tangent]:
    """The jvp of what is linear in its first argument: the same of the tangent."""

    def jvp(t: Gradients, y: Traced, x: Traced, *others: Traced, **params: Any) -> Tangent:
        return None if t[0] is None else node(name, (t[0], *others), params, y.shape, y.kind)

    return jvp


def largest(*errors: Array | None) -> Array | None:
    """The elementwise maximum; None where all are exact."""
    given = [e for e in errors if e is not None]
    if not given:
        return None
    found = given[0]
    for e in given[1:]:
        found = np.maximum(found, e)
    return found


def some(*pairs: Pair) -> bool:
    """Whether any is not exact."""
    return any(p.error is not None for p in pairs)


def plain_zero(p: Pair) -> Array:
    """Where a value is exactly 0, in every evaluation."""
    zero = np.asarray(p.value == 0)
    return zero if p.error is None else zero & (p.error == 0)


def vanished(y: Array) -> Floats:
    """What float64 itself loses below its normal range, in which a number that is not 0 may be."""
    return np.where(np.abs(y) < 2.0**-1022, 2.0**-1074, 0.0)


def is_power_of_two(p: Pair) -> bool:
    """Whether it is one exact power of two everywhere: to multiply with it, or divide by it, is exact."""
    if p.error is not None or p.value.dtype.kind == "b":
        return False
    a = p.value
    one = a.ravel()[:1] if a.size and not any(a.strides) else a if a.size == 1 else np.empty(0)
    return bool(one.size) and bool(np.isfinite(one[0])) and abs(float(np.frexp(float(one.ravel()[0]))[0])) == 0.5
