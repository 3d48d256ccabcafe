"""The truth: each op's definition, and its gradients, in rigorous ball arithmetic.

`vjp(case)` rounds what `derived.enclose` gives to the dtype of the case. What vouches for it: every primitive's rule is
held against differences; finite_difference_oracle differentiates the definitions alone; formulas and gradients derived
by hand say the same; and the frameworks agree within bounds that only the truth can meet.
"""

from __future__ import annotations

import flint
import numpy as np

from ...data.case import Case
from ...data.result import Result
from ..ball_arithmetic import PRECISION
from ..derived import enclose
from ..registry import UnsupportedCase

INSTALL = "pip install python-flint"
OWN_ARITHMETIC = True

# raised until cancellation leaves every value correctly rounded; the last holds any sum of float64 products exactly
PRECISIONS = (PRECISION, 640, 5000)


def version() -> str:
    """The version of python-flint."""
    return f"python-flint {flint.__version__}"


def devices() -> tuple[str, ...]:
    """Balls live on the CPU."""
    return ("cpu",)


def vjp(case: Case, device: str = "cpu") -> Result:
    """Output and gradients, each correctly rounded to float64 and then to the dtype. Raises UnsupportedCase."""
    if case.signature.definition is None:
        raise UnsupportedCase(f"exact: {case.op} has no definition")
    for precision in PRECISIONS:
        enclosures = enclose(case, precision=precision)
        if all((e.radius <= np.maximum(np.abs(e.value) * 2.0**-60, 2.0**-1073)).all() for e in enclosures.values()):
            break
    with np.errstate(all="ignore"):
        rounded = {name: np.asarray(e.value.astype(case.dtype)) for name, e in enclosures.items()}
    return Result.of(case.signature, rounded)
