"""Gradients by central differences of the definition alone: no derivative is written down here, nor a rule of one.

In ball arithmetic, with steps of 2^-100 and enough bits to take them in, truncation and cancellation both lie far
below any float64 bound: the result serves as an oracle, where textbook differences (`reference.numerical_gradient`)
give ten digits.
It abstains (UnsupportedCase) at kinks, on values that are not finite, and on cases that would take too long.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import flint
import numpy as np
from flint import arb

from ...calculus.balls import balls
from ...calculus.balls import enclose as in_balls
from ...calculus.graph import Program
from ...calculus.model import ARITHMETIC
from ...data.arrays import Array
from ...data.case import Case
from ...data.result import Result
from ..ball_arithmetic import enclosure, total, working_precision
from ..derived import arrays_of, forms_of
from ..enclosure import Enclosure
from ..registry import UnsupportedCase

INSTALL = "pip install python-flint"
OWN_ARITHMETIC = True

BITS = (600, 2400, 9600)  # raised until the differences are sharp
STEP = -100  # of two: relative to the element, whose kinks and poles are at 0 mostly; absolute where it is 0
SHARP = 2.0**-60  # of a gradient, or far below anything that the dtype holds
KINK = 2.0**-40  # how far the slopes of both sides differ, relative to the larger, where there is a derivative
LIMIT = 20_000  # elements of the case times evaluations


def version() -> str:
    """The version of python-flint."""
    return f"python-flint {flint.__version__}"


def devices() -> tuple[str, ...]:
    """Balls live on the CPU."""
    return ("cpu",)


def vjp(case: Case, device: str = "cpu") -> Result:
    """Output and gradients rounded to the dtype of the case. Raises UnsupportedCase."""
    with np.errstate(all="ignore"):
        rounded = {name: np.asarray(e.value.astype(case.dtype)) for name, e in enclose(case).items()}
    return Result.of(case.signature, rounded)


def enclose(case: Case) -> dict[str, Enclosure]:
    """Output and gradients; the radius adds what halving the step changes, an estimate of the truncation.

    Raises UnsupportedCase.
    """
    _check(case)
    arithmetic = ARITHMETIC[case.dtype.name]
    least = max(arithmetic.normal * arithmetic.v * SHARP, 2.0**-1073)
    for bits in BITS:
        with working_precision(bits), np.errstate(all="ignore"):
            found = _differences(case, bits)
        if not all(np.isfinite(e.value).all() for e in found.values()):
            raise UnsupportedCase("finite_difference: no differences where the output is not finite")
        if all((e.radius <= np.maximum(np.abs(e.value) * SHARP, least)).all() for e in found.values()):
            return found
    raise UnsupportedCase(f"finite_difference: {BITS[-1]} bits do not make the differences sharp")


def _differences(case: Case, bits: int) -> dict[str, Enclosure]:
    forms = forms_of(case)
    arrays, numbers = arrays_of(case), {name: forms.definition[name] for name in case.signature.outputs}
    program = Program(forms.graph, tuple(dict.fromkeys(numbers.values())))
    weights = [balls(arrays[name]) for name in case.cotangents]

    def product(at: Mapping[int, Array]) -> Any:
        parts = [np.asarray(at[n] * w, object).ravel() for n, w in zip(numbers.values(), weights, strict=True)]
        return total(np.concatenate(parts))

    def inner(moved: dict[str, Array]) -> Any:
        return product(in_balls(program, {**arrays, **moved}, bits))

    middle = in_balls(program, arrays, bits)
    here = product(middle)
    found = {name: enclosure(list(middle[n].ravel()), middle[n].shape) for name, n in numbers.items()}
    for name in case.signature.differentiable:
        gradient, truncation = [], []
        for at in range(arrays[name].size):
            (wide, bend), (narrow, less) = (_slope(inner, here, name, arrays[name], at, n) for n in (STEP, STEP - 1))
            # the bend of what is smooth halves with the step
            if less.lower() > KINK * abs(narrow).upper() and less.lower() > 0.75 * bend.upper():
                value = float(arrays[name].flat[at])
                raise UnsupportedCase(f"finite_difference: no derivative by {name} at {value!r}, a kink")
            gradient.append(narrow)
            truncation.append(float(abs(wide - narrow).mid()))
        e = enclosure(gradient, arrays[name].shape)
        found[f"d{name}"] = Enclosure(e.value, e.residual, e.radius + np.reshape(truncation, e.radius.shape))
    return found


def _slope(inner: Any, here: Any, name: str, a: Array, at: int, exponent: int) -> tuple[Any, Any]:
    """(f(x + h e) - f(x - h e)) / 2h for f the inner product of output and cotangent, and how far the sides differ."""
    x = arb(float(a.flat[at]))
    step = arb(2) ** exponent * (abs(x) if x != 0 else 1)
    ends = []
    for sign in (1, -1):
        moved = balls(a)
        moved.flat[at] = x + sign * step
        ends.append(inner({name: moved}))
    return (ends[0] - ends[1]) / (2 * step), abs(ends[0] - 2 * here + ends[1]) / step


def _check(case: Case) -> None:
    if case.signature.definition is None:
        raise UnsupportedCase(f"finite_difference: {case.op} has no definition")
    moving = [case.primals[name] for name in case.signature.differentiable]
    if not sum(a.size for a in moving) or not any(g.size for g in case.cotangents.values()):
        raise UnsupportedCase("finite_difference: nothing to perturb in an empty case")
    if not all(np.isfinite(a.astype(np.float64)).all() for a in case.arrays.values()):
        raise UnsupportedCase("finite_difference: no differences of values that are not finite")
    work = case.size * sum(a.size for a in moving)
    if work > LIMIT:
        raise UnsupportedCase(f"finite_difference: {work} evaluations for this case, more than {LIMIT}")
