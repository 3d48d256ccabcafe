import numpy as np
from calculus_samples import GRAPHS, SAMPLES, enclose, errors, evaluate
from flint import arb

from oracles.calculus.balls import balls
from oracles.calculus.graph import Graph
from oracles.calculus.model import ARITHMETIC
from oracles.calculus.namespace import XP as xp  # noqa: N811  (as definitions call it)
from oracles.calculus.trace import Traced


def test_float64_lies_in_the_ball_widened_by_its_own_error():
    for name, sample in {**SAMPLES, **GRAPHS}.items():
        graph, _, y = sample.traced()
        arrays = sample.draw(np.random.default_rng(0))
        values = evaluate(graph, [y.number], arrays)
        (allowed,) = errors(graph, [y.number], arrays, ARITHMETIC["float64"])
        (exact,) = enclose(graph, [y.number], arrays)
        for a, b, e in zip(values[y.number].ravel(), exact.ravel(), allowed.ravel(), strict=True):
            assert float(abs(b - float(a)).upper()) <= e, name


def enclosed(f, a):
    graph = Graph()
    y = f(Traced(graph, graph.input("x", a.shape)))
    return enclose(graph, [y.number], {"x": a})[0]


def test_what_is_undecided_is_the_union():
    wide = np.array([arb(1, 0.5), arb(3)], object)
    found = enclosed(lambda x: xp.where(x < 1.25, 0.0, 10.0), wide)
    assert found[0].contains(0)
    assert found[0].contains(10)
    assert found[1] == 10


def test_limits_at_infinities_are_taken():
    x = np.array([-np.inf, np.inf, np.nan])
    for f, expected in (
        (xp.exp, [0, np.inf, np.nan]),
        (xp.tanh, [-1, 1, np.nan]),
        (xp.special.erf, [-1, 1, np.nan]),
        (xp.special.sigmoid, [0, 1, np.nan]),
        (xp.expm1, [-1, np.inf, np.nan]),
    ):
        found = [float(b) for b in enclosed(f, x)]
        assert np.array_equal(found, expected, equal_nan=True)
    assert [float(b) for b in enclosed(xp.log, np.array([0.0, np.inf]))] == [-np.inf, np.inf]
    assert float(enclosed(lambda x: xp.sum(xp.where(x > 0, x, 0.0)), np.array([-np.inf, 2.0]))) == 2


def test_precision_is_what_was_asked_for():
    graph = Graph()
    x = Traced(graph, graph.input("x", ()))
    y = xp.exp(x)
    (narrow,), (wide,) = (enclose(graph, [y.number], {"x": np.array(1.0)}, bits) for bits in (60, 600))
    assert float(wide.item().rad()) < 2.0**-500 < 2.0**-70 < float(narrow.item().rad())
    assert balls(np.array(2.0)).item() == 2


def test_nothing_of_nothing():
    found = enclosed(lambda x: xp.sum(x, axis=0), np.zeros((0, 2)))
    assert [float(b) for b in found] == [0, 0]
    assert enclosed(lambda x: x @ x.T, np.zeros((2, 0))).shape == (2, 2)
