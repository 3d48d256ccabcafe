"""`xp` as a definition is handed it while it is traced: the array API standard's names, and few more.

`xp.special` holds what the standard lacks: erf, erfc, lgamma, digamma, sigmoid, logsumexp. `xp.stored` marks a step
that half precision rounds to its dtype, `xp.stop_gradient` what the derivative takes for a constant.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from . import standard
from .graph import ROUNDED
from .primitives import choices
from .shapes import axes_of, broadcast_shapes
from .standard import Axis
from .trace import Traced, binary, broadcast, graph_of, lifted, matmul, node, power, reshape, transpose, unary


def maximum(a: Any, b: Any) -> Traced:
    """The larger of two, elementwise."""
    return binary("maximum", a, b)


def minimum(a: Any, b: Any) -> Traced:
    """The smaller of two, elementwise."""
    return -binary("maximum", -_array(a, b), -_array(b, a))


def clip(x: Traced, min: Any = None, max: Any = None) -> Traced:
    """Between two bounds, either of which may be missing."""
    x = x if min is None else maximum(x, min)
    return x if max is None else minimum(x, max)


def where(condition: Traced, a: Any, b: Any) -> Traced:
    """The elements of a where the condition holds, of b elsewhere."""
    graph = graph_of(condition, a, b)
    c, x, y = (lifted(graph, value) for value in (condition, a, b))
    shape = broadcast_shapes("where", c.shape, x.shape, y.shape)
    return choices.where(broadcast(c, shape), broadcast(x, shape), broadcast(y, shape))


def logaddexp(a: Any, b: Any) -> Traced:
    """log(exp(a) + exp(b)), by the larger and the distance."""
    return maximum(a, b) + unary("log1p", unary("exp", -abs(_array(a, b) - b)))


def logsumexp(x: Traced, /, *, axis: Axis = None, keepdims: bool = False) -> Traced:
    """log(sum(exp(x))), by the largest, which is taken for a constant."""
    top = stop_gradient(standard.max_(x, axis=axis, keepdims=True))
    found = unary("log", standard.sum_(unary("exp", within(x - top, -math.inf, 0)), axis=axis, keepdims=True)) + top
    return found if keepdims else standard.squeeze(found, axes_of("logsumexp", x.ndim, axis))


def stop_gradient(x: Traced, /) -> Traced:
    """The same, which the derivative takes for a constant."""
    return node("stop", (x,), {}, x.shape, x.kind)


def stored(x: Traced, /) -> Traced:
    """The same, which half precision rounds to its dtype here."""
    return node("stored", (x,), {}, x.shape, x.kind)


def as_given(x: Traced, /) -> Traced:
    """An input for a comparison that is decided by the number it is, although it may be read as zero elsewhere."""
    return node("as_given", (x,), {}, x.shape, x.kind)


def within(x: Traced, low: float, high: float, /) -> Traced:
    """The same, of which every sensible evaluation lies between two numbers, to some roundings."""
    return node("within", (x,), {"low": float(low), "high": float(high)}, x.shape)


def rounded(value: float, like: Traced, /) -> Traced:
    """A number as the dtype of the array has it: what others are compared with."""
    graph = like.graph
    return Traced(graph, graph.input(f"{ROUNDED}{value!r}", ()))


def among(x: Traced, terms: int, /) -> Traced:
    """The same, as one of so many terms that a product of matrices adds up one by one."""
    return node("among", (x,), {"terms": terms}, x.shape)


def product(a: Traced, b: Traced, /, *, further: int) -> Traced:
    """a @ b, of two matrices, with so many further terms among those that are added up."""
    return node("matmul", (a, b), {"further": further}, (*a.shape[:-1], b.shape[-1]))


def flushed(x: Traced, weight: Traced, most: Traced, /) -> Traced:
    """The same, as a sum of products whose first factor may be below the normal range, and lost.

    weight: the sum of the other factors' magnitudes; most: what all the products amount to.
    """
    others = (broadcast(stop_gradient(a), x.shape) for a in (weight, most))
    return node("flushed", (x, *others), {}, x.shape)


def rounded_at(x: Traced, size: Traced, /) -> Traced:
    """The same, with the roundings of two numbers of that size: what a difference of such numbers has lost."""
    constant = stop_gradient(size)
    return x + (constant - constant)


def _array(a: Any, other: Any) -> Traced:
    return lifted(graph_of(a, other), a)


def _of(name: str, **params: Any) -> Callable[[Any], Any]:
    """A function of the table; of a constant of the definition's own it is NumPy's."""

    def apply(x: Any, /) -> Any:
        return unary(name, x, **params) if isinstance(x, Traced) else getattr(np, name)(x)

    apply.__name__ = name
    return apply


def _binary(primitive: str, kind: Any = "real", *, swapped: bool = False) -> Callable[[Any, Any], Any]:
    def apply(a: Any, b: Any, /) -> Any:
        return binary(primitive, b, a, kind=kind) if swapped else binary(primitive, a, b, kind=kind)

    return apply


SPECIAL = SimpleNamespace(
    erf=_of("erf"),
    erfc=_of("erfc"),
    lgamma=_of("lgamma"),
    digamma=_of("polygamma", order=0),
    sigmoid=_of("sigmoid"),
    logsumexp=logsumexp,
)
XP = SimpleNamespace(
    special=SPECIAL,
    stop_gradient=stop_gradient,
    stored=stored,
    as_given=as_given,
    within=within,
    rounded=rounded,
    among=among,
    product=product,
    flushed=flushed,
    rounded_at=rounded_at,
    # functions of a number
    **{name: _of(name) for name in ("exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tanh", "abs", "sign")},
    log2=lambda x, /: unary("log", x) / math.log(2),
    log10=lambda x, /: unary("log", x) / math.log(10),
    sinh=lambda x, /: (unary("expm1", x) + unary("expm1", x) / (unary("expm1", x) + 1)) / 2,
    square=lambda x, /: x * x,
    reciprocal=lambda x, /: 1 / x,
    negative=lambda x, /: -x,
    positive=lambda x, /: x,
    isnan=lambda x, /: x != x,
    isinf=lambda x, /: abs(x) == math.inf,
    isfinite=lambda x, /: abs(x) < math.inf,
    logical_not=lambda x, /: ~x,
    # of two
    add=_binary("add"),
    subtract=_binary("sub"),
    multiply=_binary("mul"),
    divide=_binary("div"),
    pow=power,
    maximum=maximum,
    minimum=minimum,
    clip=clip,
    where=where,
    logaddexp=logaddexp,
    less=_binary("less", "boolean"),
    greater=_binary("less", "boolean", swapped=True),
    less_equal=_binary("less_equal", "boolean"),
    greater_equal=_binary("less_equal", "boolean", swapped=True),
    equal=_binary("equal", "boolean"),
    not_equal=lambda a, b, /: ~binary("equal", a, b, kind="boolean"),
    logical_and=_binary("and", "boolean"),
    logical_or=_binary("or", "boolean"),
    # of whole arrays
    sum=standard.sum_,
    mean=standard.mean,
    var=standard.var,
    std=lambda x, /, **options: unary("sqrt", standard.var(x, **options)),
    max=standard.max_,
    min=standard.min_,
    any=standard.any_,
    all=standard.all_,
    cumulative_sum=standard.cumulative_sum,
    matmul=matmul,
    vecdot=standard.vecdot,
    tensordot=standard.tensordot,
    reshape=lambda x, /, shape: reshape(x, shape),
    permute_dims=lambda x, /, axes: transpose(x, axes),
    matrix_transpose=lambda x, /: x.mT,
    expand_dims=standard.expand_dims,
    squeeze=standard.squeeze,
    broadcast_to=lambda x, /, shape: broadcast(x, tuple(shape)),
    concat=standard.concat,
    stack=standard.stack,
    flip=standard.flip,
    take=standard.take,
    take_along_axis=standard.take_along_axis,
    astype=standard.astype,
    # constants of the definition's own
    zeros_like=lambda x, /: np.zeros(x.shape),
    ones_like=lambda x, /: np.ones(x.shape),
    full_like=lambda x, /, value: np.full(x.shape, float(value)),
    **{name: getattr(np, name) for name in ("arange", "zeros", "ones", "full", "eye", "linspace", "tril", "triu")},
    **{name: getattr(np, name) for name in ("float64", "float32", "int64", "bool_", "pi", "e", "inf", "nan")},
)
