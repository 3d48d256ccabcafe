"""Rows of arithmetic, and of the functions of `functions`, element by element.

Arguments have one shape: what is broadcast is so by a node of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph import Array
from ..model import DIVISION, Arithmetic, Floats
from ..trace import Traced, unary
from .functions import row
from .row import Gradients, Pair, Primitive, Tangent, again, is_power_of_two, no_jvp, no_vjp, plain_zero, some, vanished


def plus(a: Tangent, b: Tangent) -> Tangent:
    """The sum of what may be missing."""
    return b if a is None else a if b is None else a + b


def _add_error(m: Arithmetic, y: Array, a: Pair, b: Pair) -> Array | None:
    """u (|a| + |b|), which admits rearrangements; nothing where one of them is 0."""
    zero = plain_zero(a) | plain_zero(b)
    own = np.where(zero, 0.0, m.u * (a.size + b.size))
    return np.asarray(a.off + b.off + own)


def _mul_error(m: Arithmetic, y: Array, a: Pair, b: Pair) -> Array | None:
    exact = is_power_of_two(a) or is_power_of_two(b)
    own = np.zeros(()) if exact else m.u * (a.size * b.size)
    carried = np.abs(a.value) * b.off + a.off * b.size if some(a, b) else np.zeros(())
    beyond = np.isinf(a.off) | np.isinf(b.off)  # 0 times what may be infinite may be NaN
    error = np.where(plain_zero(a) | plain_zero(b), 0.0, carried + own + vanished(y))
    return np.where(beyond, np.inf, error)


def _div_error(m: Arithmetic, y: Array, a: Pair, b: Pair) -> Array | None:
    """(e_a + |y| e_b) / (|b| - e_b), and two units in the last place: a reciprocal and a product.

    Nothing is claimed where the divisor may be 0, or its reciprocal beyond the range; where that may be flushed to
    zero, so may the quotient.
    """
    size, below = np.abs(y), np.abs(b.value) - b.off
    carried = (a.off + size * b.off) / below if some(a, b) else np.zeros(())
    own = np.zeros(()) if is_power_of_two(b) else DIVISION * m.u * (size + carried)
    flushed = np.where(b.size > 0.5 / m.tiny, size + carried, 0.0)
    error = np.where(plain_zero(a), 0.0, carried + own + flushed + vanished(y))
    hopeless = (below < 2 / m.wide_largest) & ~np.isinf(a.value) & (b.value != 0)
    return np.where(hopeless | ((below <= 0) & (b.off > 0)), np.inf, error)


def _mul_jvp(t: Gradients, y: Traced, a: Traced, b: Traced) -> Tangent:
    return plus(None if t[0] is None else t[0] * b, None if t[1] is None else a * t[1])


def _div_jvp(t: Gradients, y: Traced, a: Traced, b: Traced) -> Tangent:
    return plus(None if t[0] is None else t[0] / b, None if t[1] is None else -(y * t[1]) / b)


def _sign_error(m: Arithmetic, y: Array, x: Pair) -> Array | None:
    return None if x.error is None else np.where((np.abs(x.value) <= x.error) & (x.error > 0), 2.0, 0.0)


def each_ball(f: Callable[..., Any], n: int) -> Callable[..., Array]:
    """A function of n balls, elementwise."""
    many = np.frompyfunc(f, n, 1)
    return lambda *args, **params: np.asarray(many(*args), object)


def _function(name: str) -> Primitive:
    def error(m: Arithmetic, y: Array, x: Pair, **params: Any) -> Floats:
        """The argument is off by its error, and by a rounding where libraries do that; they by their own."""
        f = row(name, **params)
        finite = np.isfinite(x.value)
        at = np.where(finite, x.value, 1.0)
        moved = x.off + m.u * np.abs(at) if f.argument else x.off
        off = np.asarray(f.reach(at, moved, np.where(finite, y, 0.0)))
        if name == "exp" and x.top < np.inf:
            off = np.minimum(off, np.maximum(np.exp(x.top) - y, y))
        lost = vanished(y) if name in ("exp", "sigmoid", "erfc") else 0.0
        return np.where(finite, off + 2 * f.ulps * m.u * (np.abs(y) + off) + lost, x.off)

    def vjp(g: Traced, y: Traced, x: Traced, **params: Any) -> Gradients:
        return (row(name, **params).slope(g, y, x),)

    def jvp(t: Gradients, y: Traced, x: Traced, **params: Any) -> Tangent:
        return None if t[0] is None else row(name, **params).slope(t[0], y, x)

    def ball(x: Array, **params: Any) -> Array:
        f = row(name, **params)

        def one(b: Any) -> Any:
            y = f.ball(b)
            if not y.is_nan() or not b.is_exact():  # a number, or no limit to take
                return y
            return type(b)(float(f.value(np.asarray(float(b)))))

        return each_ball(one, 1)(x)

    kink = f"at {row(name, order=0, exponent=0.5).pole}" if name != "polygamma" else "at 0, -1, -2, ..."
    return Primitive(lambda x, **params: row(name, **params).value(x), error, vjp, jvp, ball, kink)


ARITHMETIC: dict[str, Primitive] = {
    "add": Primitive(
        lambda a, b: a + b, _add_error, lambda g, y, a, b: (g, g), lambda t, y, a, b: plus(*t), lambda a, b: a + b
    ),
    "sub": Primitive(
        lambda a, b: a - b,
        _add_error,
        lambda g, y, a, b: (g, -g),
        lambda t, y, a, b: plus(t[0], None if t[1] is None else -t[1]),
        lambda a, b: a - b,
    ),
    "mul": Primitive(lambda a, b: a * b, _mul_error, lambda g, y, a, b: (g * b, g * a), _mul_jvp, lambda a, b: a * b),
    "div": Primitive(
        lambda a, b: a / b,
        _div_error,
        lambda g, y, a, b: (g / b, -(g * y) / b),
        _div_jvp,
        lambda a, b: a / b,
        "where the divisor is 0",
    ),
    "neg": Primitive(
        lambda x: -x, lambda m, y, x: x.error, lambda g, y, x: (-g,), again("neg"), lambda x: -x, rounds=False
    ),
    "abs": Primitive(
        np.abs,
        lambda m, y, x: x.error,
        lambda g, y, x: (g * unary("sign", x),),
        lambda t, y, x: None if t[0] is None else t[0] * unary("sign", x),
        each_ball(abs, 1),
        "at 0, where it is taken for 0",
        rounds=False,
    ),
    "sign": Primitive(np.sign, _sign_error, no_vjp, no_jvp, each_ball(lambda x: x.sgn(), 1), "at 0", rounds=False),
    **{
        name: _function(name)
        for name in (
            *("exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tanh", "sigmoid", "erf", "erfc", "lgamma"),
            *("polygamma", "power"),
        )
    },
}
