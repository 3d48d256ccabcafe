"""The rules of both modes, proved: against differences in balls of 640 bits, with a step that leaves no error."""

import numpy as np
import pytest
from calculus_samples import GRAPHS, SAMPLES, enclose
from flint import arb, ctx

from oracles.calculus.balls import balls
from oracles.calculus.differentiate import jvp, vjp
from oracles.calculus.primitives import PRIMITIVES
from oracles.calculus.trace import Traced

BITS = 640
STEP = 128  # differences over 2^-128: what they cut off is of the order of 2^-256
LEFT = arb(2) ** -200

EVERY = {**SAMPLES, **{f"{name}, whole": sample for name, sample in GRAPHS.items()}}


def test_every_primitive_has_a_sample():
    assert set(SAMPLES) == set(PRIMITIVES)
    for name, sample in SAMPLES.items():
        graph, _, y = sample.traced()
        assert name in {graph.nodes[n].primitive for n in graph.needed([y.number])}, name


def moved(arrays, tangents, sign):
    """Along the tangents, in balls, by the step."""
    return {
        name: np.asarray(balls(a) + sign * arb(2) ** -STEP * balls(tangents[name]), object) if name in tangents else a
        for name, a in arrays.items()
    }


def dot(a, b):
    return sum((x * y for x, y in zip(a.ravel(), b.ravel(), strict=True)), arb(0))


def slope(graph, y, arrays, tangents):
    """The derivative along the tangents, by central differences."""
    up, down = (enclose(graph, [y], moved(arrays, tangents, sign), BITS)[0] for sign in (1, -1))
    return np.asarray((up - down) / (2 * arb(2) ** -STEP), object)


def assert_same(found, expected):
    for a, b in zip(np.ravel(found), np.ravel(expected), strict=True):
        assert abs(a - b) < LEFT * (1 + abs(b)), f"{a} is not {b}"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", EVERY)
def test_both_modes_are_the_differences(name, seed):
    sample, rng = EVERY[name], np.random.default_rng(seed)
    graph, inputs, y = sample.traced()
    arrays = sample.draw(rng)
    real = [x for x in inputs if x.kind == "real"]
    names = {x.number: f"x{i}" for i, x in enumerate(inputs)}
    tangents = {x.number: Traced(graph, graph.input(f"t{x.number}", x.shape)) for x in real}
    g = Traced(graph, graph.input("g", y.shape))
    (pushed,) = jvp([y], tangents)
    pulled = vjp([y], [g], real)
    given = {f"t{x.number}": rng.integers(-3, 4, x.shape) / 2 for x in real} | {"g": rng.integers(-3, 4, y.shape) / 2}
    along = {names[x.number]: given[f"t{x.number}"] for x in real}
    with ctx.workprec(BITS):
        forward, *back = enclose(graph, [pushed.number, *(d.number for d in pulled)], arrays | given, BITS)
        stopped = name == "stop"  # whose derivative is taken for 0
        expected = slope(graph, y.number, arrays, along) if not stopped else np.full(y.shape, arb(0))
        assert_same(forward, expected)
        total = sum(dot(d, balls(given[f"t{x.number}"])) for d, x in zip(back, real, strict=True))
        assert_same(total, dot(balls(given["g"]), expected))


@pytest.mark.parametrize(
    "name", ["exp", "tanh", "erf", "div", "matmul", "polygamma", "layer_norm, whole", "gelu, whole"]
)
@pytest.mark.parametrize("nesting", ["rr", "fr", "rf", "ff"])
def test_second_derivatives_are_the_differences_of_the_first_in_all_four_nestings(name, nesting):
    sample, rng = EVERY[name], np.random.default_rng(1)
    graph, inputs, y = sample.traced()
    arrays = sample.draw(rng)
    t = {x.number: Traced(graph, graph.input(f"t{i}", x.shape)) for i, x in enumerate(inputs)}
    s = {x.number: Traced(graph, graph.input(f"s{i}", x.shape)) for i, x in enumerate(inputs)}
    g = Traced(graph, graph.input("g", y.shape))
    given = {f"{k}{i}": rng.integers(-3, 4, x.shape) / 2 for k in "ts" for i, x in enumerate(inputs)}
    given["g"] = rng.integers(-3, 4, y.shape) / 2
    first = jvp([y], t) if nesting[1] == "f" else vjp([y], [g], inputs)
    if nesting[0] == "f":
        second = jvp(first, s)
    else:
        weights = [g] if nesting[1] == "f" else list(t.values())
        second = vjp(first, weights, inputs)
    along = {f"x{i}": given[f"s{i}"] for i in range(len(inputs))}
    with ctx.workprec(BITS):
        found = enclose(graph, [d.number for d in second], arrays | given, BITS)
        differences = [slope(graph, d.number, arrays | given, along) for d in first]
        if nesting == "ff":
            assert_same(found[0], differences[0])
            return
        # the same number twice: the tangents t and s, and the cotangent g
        if nesting[0] == "f":
            others = [balls(given[f"t{i}"]) for i in range(len(inputs))]
            value = sum((dot(a, b) for a, b in zip(found, others, strict=True)), arb(0))
        else:
            value = sum((dot(a, balls(given[f"s{i}"])) for i, a in enumerate(found)), arb(0))
        if nesting[1] == "f":
            expected = dot(balls(given["g"]), differences[0])
        else:
            expected = sum((dot(balls(given[f"t{i}"]), d) for i, d in enumerate(differences)), arb(0))
        assert_same(value, expected)


def test_a_wrong_rule_is_seen(monkeypatch):
    from dataclasses import replace

    wrong = replace(PRIMITIVES["tanh"], vjp=lambda g, y, x: (g * (1 - y),))
    monkeypatch.setitem(PRIMITIVES, "tanh", wrong)
    with pytest.raises(AssertionError, match="is not"):
        test_both_modes_are_the_differences("tanh", 0)


def test_what_nothing_depends_on_has_a_gradient_of_zeros():
    graph, (a, b), y = SAMPLES["add"].traced()
    unused = Traced(graph, graph.input("unused", (2, 2)))
    (zero,) = vjp([y], [Traced(graph, graph.input("g", y.shape))], [unused])
    assert zero.shape == (2, 2)
    assert all(b == 0 for b in enclose(graph, [zero.number], {})[0].ravel())
    (nothing,) = vjp([a * 2, b * 3], [None, None], [a])
    assert all(b == 0 for b in enclose(graph, [nothing.number], {})[0].ravel())
