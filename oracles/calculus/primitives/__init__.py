"""The table of primitives: what a graph is made of, one row each.

`functions` has the rows of functions of a number, which `arithmetic` takes in; `choices`, `movement` and `sums` have
the others, and `row` says what a row holds. Inputs, literals and constants are no rows: they are given.
"""

from __future__ import annotations

from .arithmetic import ARITHMETIC
from .choices import CHOICES
from .movement import MOVEMENT
from .row import Primitive
from .sums import SUMS

GIVEN = ("input", "literal", "constant")
PRIMITIVES: dict[str, Primitive] = ARITHMETIC | CHOICES | MOVEMENT | SUMS
