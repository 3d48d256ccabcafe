"""What an op is: one declaration, a file each. Nothing else in the project needs to ask for an op by name.

The package is also the names of the ops there are: `"gelu" in ops`, `for name in ops`, `len(ops)`.
"""

import sys
from collections.abc import Iterator
from types import ModuleType

from .domains import booleans as booleans
from .domains import ids as ids
from .domains import integers as integers
from .domains import labels as labels
from .domains import one_hot as one_hot
from .domains import positive as positive
from .domains import probabilities as probabilities
from .op import Op as Op
from .option import Option as Option
from .registry import DECLARATIONS as DECLARATIONS
from .registry import OPS as OPS
from .registry import declare as declare
from .registry import get_op as get_op
from .registry import known_ops as known_ops
from .registry import undeclared as undeclared


class _Names(ModuleType):
    """A package that is the names of what it knows."""

    def __iter__(self) -> Iterator[str]:
        return iter(known_ops())

    def __contains__(self, name: object) -> bool:
        return name in known_ops()

    def __len__(self) -> int:
        return len(known_ops())


sys.modules[__name__].__class__ = _Names
