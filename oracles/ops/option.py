"""A setting of an op."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from reference import InputError

from ..words import did_you_mean


@dataclass(frozen=True)
class Option:
    """A setting of an op: its default, the other values there are, and what else a value must be, in words and as code.

    choices: all that there are, the default among them; those are drawn. drawn: others that are drawn, where any may be
    given.
    """

    default: Any
    choices: tuple[Any, ...] = ()
    drawn: tuple[Any, ...] = ()
    expected: str = ""
    holds: Callable[[Any], bool] = field(default=lambda value: True)

    def check(self, name: str, value: Any) -> None:
        """InputError where the op has no such value."""
        if self.choices and value not in self.choices:
            listed = ", ".join(map(str, self.choices))
            raise InputError(f"{name}: expected one of {listed}, got {value!r}{did_you_mean(value, self.choices)}")
        if value is not None and not self.holds(value):
            raise InputError(f"{name}: expected {self.expected}, got {value!r}")


def as_option(value: Any) -> Option:
    """What an op is declared with: an Option, all values with the default first, or a default."""
    if isinstance(value, Option):
        return value
    return Option(value[0], choices=value) if isinstance(value, tuple) and value else Option(value)
