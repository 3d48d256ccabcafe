"""Functions of one number: a row each, with all that is known of it.

value       in float64. NumPy has no erf and no gamma: those are the C library's, or a ball's midpoint.
ball        of a ball of python-flint.
derivative  d(y, x) as a graph, with y = f(x): both modes differentiate by it, as often as asked.
divides     whether that is what a cotangent is divided by instead, as everybody does: 0 / 0 is not 0 times infinity.
reach       how far f may move where x is off by e: the argument is perturbed, never f scaled by e / |f|.
ulps        how far libraries are off, in units in the last place.
argument    whether they round the argument first, as 2 ** (c x) does for exp(x): its error is then that of the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb

from ..model import EXP_ULPS, LOG_ULPS, Floats
from ..trace import Traced, unary

OfFloats = Callable[[Floats], Floats]
Reach = Callable[[Floats, Floats, Floats], Floats]  # x, e, f(x) -> how far


@dataclass(frozen=True)
class Function:
    """A row: the module says what its columns are. pole: where it has no derivative, in words."""

    value: Callable[..., Floats]
    ball: Callable[..., Any]
    derivative: Callable[..., Traced]
    reach: Reach
    ulps: float
    argument: bool = False
    pole: str = ""
    divides: bool = False

    def slope(self, g: Traced, y: Traced, x: Traced) -> Traced:
        """A cotangent, or a tangent, times the derivative."""
        d = self.derivative(y, x)
        return g / d if self.divides else g * d


def each(f: Callable[[float], float]) -> OfFloats:
    """A function of Python's numbers, elementwise."""
    elementwise = np.frompyfunc(f, 1, 1)
    return lambda x: np.asarray(elementwise(x), np.float64)


def _log_gamma(x: float) -> float:
    try:
        return math.lgamma(x)
    except (ValueError, OverflowError):  # a pole, or past the range
        return math.inf


def _polygamma(x: Any, order: int) -> Any:
    """The derivative of that order of digamma: (-1)^(n+1) n! zeta(n + 1, x)."""
    return x.digamma() if order == 0 else (-1) ** (order + 1) * math.factorial(order) * arb(order + 1).zeta(x)


def _polygamma_value(x: Floats, order: int) -> Floats:
    return each(lambda v: float(_polygamma(arb(v), order).mid()) if math.isfinite(v) else v if v > 0 else math.nan)(x)


def _falling_from_0(slope: OfFloats) -> Reach:
    """|f'| is largest at the point that is nearest to 0: tanh, erf, the sigmoid, which move by 2 at most."""
    return lambda x, e, y: np.minimum(slope(np.maximum(np.abs(x) - e, 0.0)) * e, np.where(np.isfinite(e), 2.0, e))


def _falling(slope: OfFloats) -> Reach:
    """|f'| falls, and is infinite at 0 and below."""
    return lambda x, e, y: np.where(x - e > 0, slope(np.where(x - e > 0, x - e, 1.0)), np.inf) * e


def _root(x: Floats, e: Floats, y: Floats) -> Floats:
    """|sqrt(x - e) - sqrt(x)|, or down to 0: whether less than 0 can occur is the graph's to say."""
    below = np.sqrt(np.maximum(x - e, 0.0))
    return np.where(x > 0, e / np.where(x > 0, y + below, 1.0), np.sqrt(e))


def _exp_reach(x: Floats, e: Floats, y: Floats) -> Floats:
    """exp(x) (exp(e) - 1); exp(x + e) where that is beyond the range: what has underflowed may stay 0."""
    moved = np.expm1(e)
    return np.where(np.isfinite(moved), y * moved, np.exp(x + e))


def _gamma_reach(x: Floats, e: Floats, y: Floats) -> Floats:
    """|digamma| is largest at one of the ends, of positive numbers."""
    low = np.where(x - e > 0, x - e, 1.0)
    steepest = np.maximum(np.abs(_polygamma_value(low, 0)), np.abs(_polygamma_value(x + e, 0)))
    return np.where(x - e > 0, steepest * e, np.inf)


def _sigmoid(x: Floats) -> Floats:
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))


def _sigmoid_slope(distance: Floats) -> Floats:
    small = np.exp(-distance)
    return np.asarray(small / (1 + small) ** 2)


_ERF = 2 / math.sqrt(math.pi)
# numbers that no float is: by name, so that balls have all their digits
NAMED: dict[str, tuple[float, Callable[[], Any]]] = {"2/sqrt(pi)": (_ERF, lambda: 2 / arb.pi().sqrt())}


def named(like: Traced, name: str) -> Traced:
    """A number by its name, as a node."""
    graph = like.graph
    return Traced(graph, graph.add("literal", (), {"value": NAMED[name][0], "name": name}, (), "real"))


def _density(x: Traced) -> Traced:
    return named(x, "2/sqrt(pi)") * unary("exp", -(x * x))


def _density_slope(distance: Floats) -> Floats:
    return np.asarray(_ERF * np.exp(-distance * distance))


FUNCTIONS: dict[str, Function] = {
    "exp": Function(np.exp, lambda x: x.exp(), lambda y, x: y, _exp_reach, EXP_ULPS, True),
    "expm1": Function(
        np.expm1,
        lambda x: x.expm1(),
        lambda y, x: unary("exp", x),
        lambda x, e, y: _exp_reach(x, e, np.exp(x)),
        6,
        True,
    ),
    "log": Function(
        np.log, lambda x: x.log(), lambda y, x: x, _falling(lambda x: 1 / x), LOG_ULPS, pole="0", divides=True
    ),
    "log1p": Function(
        np.log1p,
        lambda x: x.log1p(),
        lambda y, x: 1 + x,
        lambda x, e, y: _falling(lambda z: 1 / z)(1 + x, e, y),
        4,
        pole="-1",
        divides=True,
    ),
    "sqrt": Function(np.sqrt, lambda x: x.sqrt(), lambda y, x: 2 * y, _root, 1, pole="0", divides=True),
    "sin": Function(
        np.sin,
        lambda x: x.sin(),
        lambda y, x: unary("cos", x),
        lambda x, e, y: e * np.minimum(1.0, np.abs(np.cos(x)) + e),
        4,
    ),
    "cos": Function(
        np.cos,
        lambda x: x.cos(),
        lambda y, x: -unary("sin", x),
        lambda x, e, y: e * np.minimum(1.0, np.abs(np.sin(x)) + e),
        4,
    ),
    "tanh": Function(
        np.tanh,
        lambda x: x.tanh(),
        lambda y, x: 1 - y * y,
        _falling_from_0(lambda d: 4 * _sigmoid_slope(2 * d)),
        6,
        True,
    ),
    "sigmoid": Function(
        _sigmoid,
        lambda x: 1 / (1 + (-x).exp()),
        lambda y, x: y * (1 - y),
        _falling_from_0(_sigmoid_slope),
        6,
        True,
    ),
    "erf": Function(
        each(math.erf), lambda x: x.erf(), lambda y, x: _density(x), _falling_from_0(_density_slope), 6, True
    ),
    "erfc": Function(
        each(math.erfc), lambda x: x.erfc(), lambda y, x: -_density(x), _falling_from_0(_density_slope), 12, True
    ),
    "lgamma": Function(
        each(_log_gamma),
        lambda x: x.lgamma(),
        lambda y, x: unary("polygamma", x, order=0),
        _gamma_reach,
        8,
        True,
        "0, -1, -2, ...",
    ),
}


def polygamma(order: int) -> Function:
    """The row of digamma (order 0) and its derivatives, for positive numbers."""
    above = np.frompyfunc(lambda v: abs(float(_polygamma(arb(v), order + 1).mid())), 1, 1)
    return Function(
        lambda x: _polygamma_value(x, order),
        lambda x: _polygamma(x, order),
        lambda y, x: unary("polygamma", x, order=order + 1),
        _falling(lambda x: np.asarray(above(x), np.float64)),
        16,
        True,
        "0, -1, -2, ...",
    )


def root_power(exponent: float) -> Function:
    """The row of x ** exponent, for positive numbers."""

    def reach(x: Floats, e: Floats, y: Floats) -> Floats:
        ends = [np.where(x - e > 0, x - e, np.nan) ** (exponent - 1), (x + e) ** (exponent - 1)]
        return np.where(x - e > 0, abs(exponent) * np.maximum(*ends) * e, np.where(e > 0, np.inf, 0.0))

    return Function(
        lambda x: x**exponent,
        lambda x: x ** arb(exponent),
        lambda y, x: exponent * x ** (exponent - 1),
        reach,
        8,
        True,
        "0",
    )


def row(primitive: str, **params: Any) -> Function:
    """The row of a function, with its parameters."""
    if primitive == "polygamma":
        return polygamma(params["order"])
    return root_power(params["exponent"]) if primitive == "power" else FUNCTIONS[primitive]
