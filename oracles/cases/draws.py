"""Where the choices of a case come from: plain random numbers, Hypothesis, or the simplest of each.

Random ones are the rule: a seed gives the same cases in every process, whatever version of Hypothesis is there and
whatever is loaded, and no two are alike. Hypothesis draws what a user's own strategy makes, and what tests ask for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol, TypeVar
from zlib import crc32

from hypothesis import strategies as st

T = TypeVar("T")


class Draws(Protocol):
    """What makes choices."""

    def integer(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""

    def among(self, options: Sequence[T]) -> T:
        """One of the options."""


@dataclass(frozen=True)
class AtRandom:
    """Each choice as likely as the others."""

    random: Random

    def integer(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return self.random.randint(low, high)

    def among(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[self.random.randrange(len(options))]


class Simplest:
    """The lowest number, and the first of the options."""

    def integer(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low

    def among(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[0]


@dataclass(frozen=True)
class ByHypothesis:
    """What the `draw` of a composite strategy gives."""

    draw: Callable[[st.SearchStrategy[Any]], Any]

    def integer(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return int(self.draw(st.integers(low, high)))

    def among(self, options: Sequence[T]) -> T:
        """One of the options."""
        found: T = self.draw(st.sampled_from(options))
        return found


def number_of(*what: object) -> int:
    """A seed from what a search is of: the same in every process, as hash() is not."""
    return crc32(repr(what).encode())


def seed(draws: Draws) -> int:
    """The seed of a recipe."""
    return draws.integer(0, 2**32 - 1)
