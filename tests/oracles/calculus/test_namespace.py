"""What `xp` computes is what NumPy computes, under the standard's names."""

import math

import numpy as np
import pytest
from calculus_samples import evaluate

from oracles.calculus.graph import Graph
from oracles.calculus.namespace import XP as xp  # noqa: N811  (as definitions call it)
from oracles.calculus.shapes import TraceError
from oracles.calculus.trace import Traced

RNG = np.random.default_rng(0)
X, Y = RNG.uniform(0.1, 2.0, (3, 4)), RNG.uniform(0.1, 2.0, (3, 4))
ONE = {
    **{
        name: getattr(np, name)
        for name in ("exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tanh", "abs", "sign")
    },
    **{name: getattr(np, name) for name in ("log2", "log10", "sinh", "square", "reciprocal", "negative", "positive")},
    **{name: getattr(np, name) for name in ("isnan", "isinf", "isfinite", "sum", "mean", "var", "std", "max", "min")},
}
TWO = ("add", "subtract", "multiply", "divide", "maximum", "minimum", "logaddexp")
TWO += ("less", "greater", "less_equal", "greater_equal", "equal", "not_equal")


def value(f, *given, kinds=None):
    graph = Graph()
    kinds = kinds or ["real"] * len(given)
    inputs = [
        Traced(graph, graph.input(f"x{i}", np.shape(a), k)) for i, (a, k) in enumerate(zip(given, kinds, strict=True))
    ]
    y = f(*inputs)
    found = evaluate(graph, [y.number], {f"x{i}": np.asarray(a) for i, a in enumerate(given)})[y.number]
    assert found.shape == y.shape
    return found


def close(a, b):
    """The same to the last digits, in which one library's functions may differ from another's."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    assert a.shape == b.shape
    with np.errstate(invalid="ignore"):
        assert ((np.abs(a - b) <= 2.0**-48 * (1 + np.abs(b))) | (a == b)).all()


@pytest.mark.parametrize("name", ONE)
def test_functions_of_one(name):
    close(value(getattr(xp, name), X), ONE[name](X))


@pytest.mark.parametrize("name", TWO)
def test_functions_of_two(name):
    y = np.where(X > 1, X, Y)
    close(value(getattr(xp, name), X, y), getattr(np, name)(X, y))


SPECIAL = {"erf": math.erf, "erfc": math.erfc, "lgamma": math.lgamma, "sigmoid": lambda x: 1 / (1 + math.exp(-x))}


@pytest.mark.parametrize("name", SPECIAL)
def test_special_functions(name):
    close(value(getattr(xp.special, name), X), np.vectorize(SPECIAL[name])(X))


def test_logsumexp_and_digamma():
    close(value(lambda x: xp.special.logsumexp(x, axis=-1), X), np.log(np.exp(X).sum(-1)))
    close(value(lambda x: xp.special.logsumexp(x, axis=0, keepdims=True), X), np.log(np.exp(X).sum(0, keepdims=True)))
    step = 1e-6
    differences = (np.vectorize(math.lgamma)(X + step) - np.vectorize(math.lgamma)(X - step)) / (2 * step)
    assert np.abs(value(xp.special.digamma, X) - differences).max() < 1e-6


def test_clip_and_where():
    close(value(lambda x: xp.clip(x, 0.5, 1.0), X), X.clip(0.5, 1.0))
    close(value(lambda x: xp.clip(x, max=1.0), X), X.clip(None, 1.0))
    close(value(lambda x, y: xp.where(xp.logical_and(x > y, x > 1), x, 0.0), X, Y), np.where((X > Y) & (X > 1), X, 0))
    close(value(lambda x: xp.where(xp.arange(4) > 1, x, -xp.inf), X), np.where(np.arange(4) > 1, X, -np.inf))


def test_constants_of_ones_own_are_numpys():
    assert xp.exp(1.0) == np.exp(1.0)
    assert (xp.arange(3)[:, None] >= xp.arange(3)).sum() == 6
    close(value(lambda x: x * xp.ones_like(x) + xp.full_like(x, 2), X), X + 2)


def test_a_mistake_is_said():
    with pytest.raises(TraceError, match="expected an array of the definition"):
        xp.add(1.0, 2.0)
    with pytest.raises(AttributeError, match="softmax"):
        xp.softmax  # noqa: B018  (that it is not there is the point)
