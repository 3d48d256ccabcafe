"""Every error rule, by errors put in: each step is moved by up to its own rounding, in balls, with the signs that hurt.

What comes out must stay within the bound. And with the error of any argument taken out of a rule, it must not: then a
term is there for a reason, and a missing one is found.
"""

from dataclasses import replace

import numpy as np
import pytest
from calculus_samples import GRAPHS, SAMPLES, enclose, errors, evaluate
from flint import ctx

from oracles.calculus.balls import balls
from oracles.calculus.differentiate import vjp
from oracles.calculus.graph import Graph
from oracles.calculus.model import ARITHMETIC
from oracles.calculus.namespace import XP as xp  # noqa: N811  (as definitions call it)
from oracles.calculus.primitives import GIVEN, PRIMITIVES
from oracles.calculus.primitives.row import Pair
from oracles.calculus.trace import Traced

# so coarse that the second-order terms count
COARSE = replace(ARITHMETIC["float32"], u=2.0**-7, v=2.0**-7)
EVERY = {**SAMPLES, **{f"{name}, whole": sample for name, sample in GRAPHS.items()}}


def own_roundings(graph, values, wanted, m):
    """What each step adds by itself, of arguments that are exact; as many signs as elements are to be chosen."""
    found = {}
    with np.errstate(all="ignore"):
        for number in graph.needed(wanted):
            step = graph.nodes[number]
            if step.primitive not in GIVEN and step.kind == "real" and PRIMITIVES[step.primitive].rounds:
                pairs = [Pair(values[a]) for a in step.args]
                e = PRIMITIVES[step.primitive].error(m, values[number], *pairs, **dict(step.params))
                if e is not None and np.any(e):
                    e = np.broadcast_to(e, step.shape)
                    found[number] = np.where(np.isfinite(e), e, 0.0)
    return found


def with_roundings(graph, wanted, arrays, moves):
    """The graph in balls, with steps moved."""
    found = {}
    for number in graph.needed(wanted):
        step = graph.nodes[number]
        if step.primitive in GIVEN:
            (found[number],) = enclose(graph, [number], arrays, 200)
            continue
        made = PRIMITIVES[step.primitive].ball(*(found[a] for a in step.args), **dict(step.params))
        made = np.asarray(made, object) if step.kind != "integer" else made
        found[number] = np.asarray(made + balls(moves[number]), object) if number in moves else made
    return [found[n] for n in wanted]


def worst_signs(graph, y, roundings, arrays, seed):
    """Signs that push one element of the result one way, by the derivative with respect to every step."""
    rng = np.random.default_rng(seed)
    steps = [Traced(graph, n) for n in roundings]
    if not steps or not y.size:
        return {}
    at = np.zeros(y.shape)
    at.flat[rng.integers(y.size)] = 1
    pulled = vjp([y], [Traced(graph, graph.constant(at))], steps)
    slopes = evaluate(graph, [d.number for d in pulled], arrays)
    signs = {n: np.where(slopes[d.number] >= 0, 1.0, -1.0) for n, d in zip(roundings, pulled, strict=True)}
    if seed % 3 == 2:  # some at random
        signs = {n: np.where(rng.random(s.shape) < 0.5, -s, s) for n, s in signs.items()}
    return {n: signs[n] * roundings[n] * rng.choice([1.0, 1.0, 0.5]) for n in signs}


def largest_share(sample, seed, m, *, gradients=False):
    """The largest |what the moves did| / bound over the results, for signs against one element."""
    rng = np.random.default_rng(seed)
    graph, inputs, y = sample.traced()
    arrays = sample.draw(rng)
    results = [y]
    if gradients:
        arrays["g"] = rng.integers(-3, 4, y.shape) / 2
        g = Traced(graph, graph.input("g", y.shape))
        results += vjp([y], [g], [x for x in inputs if x.kind == "real"])
    share = 0.0
    for r in results:
        values = evaluate(graph, graph.needed([r.number]), arrays)
        roundings = own_roundings(graph, values, [r.number], m)
        (bound,) = errors(graph, [r.number], arrays, m)
        moves = worst_signs(graph, r, roundings, arrays, seed)
        with ctx.workprec(200):
            (moved,), (right,) = (
                with_roundings(graph, [r.number], arrays, moves),
                enclose(graph, [r.number], arrays, 200),
            )
            for a, b, allowed in zip(moved.ravel(), right.ravel(), bound.ravel(), strict=True):
                off = float(abs(a - b).upper())
                share = max(share, off / allowed if allowed else np.inf if off > 0 else 0.0)
    return share


@pytest.mark.parametrize(
    "m", [COARSE, ARITHMETIC["float32"], ARITHMETIC["float64"]], ids=["coarse", "float32", "float64"]
)
@pytest.mark.parametrize("name", EVERY)
def test_what_roundings_do_stays_within_the_bound(name, m):
    for seed in range(6):
        assert largest_share(EVERY[name], seed, m, gradients=True) <= 1


# each with something before it that rounds, in every argument
INEXACT = {
    "add": lambda a, b: a * a + b * b,
    "sub": lambda a, b: a * a - b * b,
    "mul": lambda a, b: (a + b) * (a - b),
    "div": lambda a, b: (a + b) / (a * b),
    "neg": lambda a, b: -(a * b),
    "abs": lambda a, b: abs(a * b),
    "maximum": lambda a, b: xp.maximum(a * b, b * b),
    "where": lambda a, b: xp.where(a < b, a * b, b * b),
    **{name: (lambda f: lambda a, b: f(a * b))(getattr(xp, name)) for name in ("exp", "expm1", "log", "log1p", "sqrt")},
    **{name: (lambda f: lambda a, b: f(a * b))(getattr(xp, name)) for name in ("sin", "cos", "tanh")},
    **{name: (lambda f: lambda a, b: f(a * b))(getattr(xp.special, name)) for name in ("sigmoid", "erf", "erfc")},
    "lgamma": lambda a, b: xp.special.lgamma(a * b + 3),
    "polygamma": lambda a, b: xp.special.digamma(a * b),
    "power": lambda a, b: (a * b) ** 2.5,
    "broadcast": lambda a, b: xp.broadcast_to((a * b)[:1], (3, 3)),
    "reshape": lambda a, b: xp.reshape(a * b, (3, 2)),
    "transpose": lambda a, b: (a * b).T,
    "slice": lambda a, b: (a * b)[:, 1:],
    "concat": lambda a, b: xp.concat([a * b, b * b]),
    "take": lambda a, b: xp.take(a * b, [1, 1, 0], axis=0),
    "sum": lambda a, b: xp.sum(a * b, axis=1),
    "cumsum": lambda a, b: xp.cumulative_sum(a * b, axis=1),
    "matmul": lambda a, b: (a * b) @ (b * b).T,
    "amax": lambda a, b: xp.max(a * b, axis=1),
}


@pytest.mark.parametrize("name", INEXACT)
def test_no_argument_of_a_rule_can_be_left_out(name, monkeypatch):
    from calculus_samples import Sample

    sample = Sample(INEXACT[name], ((2, 3), (2, 3)), 0.3, 1.2)
    row = PRIMITIVES[name]
    arguments = {"where": (1, 2), "concat": (0, 1), "take": (0,)}.get(name) or range(
        2 if name in ("add", "sub", "mul", "div", "maximum", "matmul") else 1
    )
    assert max(largest_share(sample, seed, COARSE) for seed in range(12)) <= 1
    for left_out in arguments:

        def forgetful(m, y, *pairs, left_out=left_out, **params):
            return row.error(m, y, *(Pair(p.value) if i == left_out else p for i, p in enumerate(pairs)), **params)

        with monkeypatch.context() as patched:
            patched.setitem(PRIMITIVES, name, replace(row, error=forgetful))
            assert max(largest_share(sample, seed, COARSE) for seed in range(12)) > 1, f"argument {left_out}"


def bound_of(f, arrays, m="float32"):
    graph = Graph()
    inputs = [Traced(graph, graph.input(f"x{i}", np.shape(a))) for i, a in enumerate(arrays)]
    y = f(*inputs)
    given = {f"x{i}": np.asarray(a) for i, a in enumerate(arrays)}
    return evaluate(graph, [y.number], given)[y.number], errors(graph, [y.number], given, ARITHMETIC[m])[0]


def test_what_is_exact_has_no_error():
    for f in (lambda x: -x, lambda x: 2 * x, lambda x: x / 4, lambda x: xp.maximum(x, 0), lambda x: abs(x)):
        assert not bound_of(f, [[1.0, -3.0, 0.1]])[1].any()
    _, e = bound_of(lambda x: xp.sum(xp.where(x > 0, x, 0.0)), [[0.1, -3.0, -2.0]])
    assert e == 0  # one term that is not 0
    assert not bound_of(lambda x: x + 0 * x, [[0.1, 3.0]])[1].any()


def test_a_literal_that_is_no_short_number_is_rounded():
    assert not bound_of(lambda x: xp.maximum(x, 0.75), [[0.0]])[1].any()
    assert bound_of(lambda x: xp.maximum(x, 0.1), [[0.0]])[1] == 0.1 * 2.0**-24


def test_what_may_be_flushed_is_off_by_its_size():
    tiny = 2.0**-126
    assert bound_of(lambda x: x * 0.5, [[tiny]])[1][0] >= tiny / 2
    assert bound_of(lambda x: x * 3, [[tiny / 4]])[1][0] >= 3 * tiny / 4  # read as zero
    assert not bound_of(lambda x: x * 0, [[tiny / 4]])[1].any()
    assert bound_of(lambda x: xp.exp(x), [[-90.0]])[1][0] >= np.exp(-90.0)


def test_nothing_is_claimed_beyond_the_range():
    assert np.isinf(bound_of(lambda x: x * x / x, [[1e30]])[1]).all()
    assert np.isinf(bound_of(lambda x: xp.sum(x) - xp.sum(x), [[2e38, 2e38]])[1])
    assert np.isinf(bound_of(lambda x: 1 / x, [[1e-39]])[1]).all()
    assert np.isfinite(bound_of(lambda x: x * x / x, [[1e30]], "float64")[1]).all()


def test_what_is_undecided_is_either():
    def step(x):
        return xp.where(x * 3 - 1 > 0, 5.0, 2.0)

    _, e = bound_of(step, [[1 / 3, 0.25, 0.5]])
    assert list(e) == [3.0, 0.0, 0.0]
    _, e = bound_of(lambda x: xp.max(x * 3, axis=0) * 0 + xp.where(x * 3 >= 1, 1.0, 0.0), [[1 / 3]])
    assert e == 1


def test_infinities_and_nan_that_are_given_are_met():
    value, e = bound_of(lambda x: xp.exp(x - xp.max(x, axis=-1, keepdims=True)), [[[-np.inf, 1.0, 2.0]]])
    assert value[0, 0] == e[0, 0] == 0
    value, e = bound_of(lambda x: x - x, [[np.inf, np.nan, 1.0]])
    assert np.isnan(value[:2]).all()
    assert not e[:2].any()
    value, e = bound_of(lambda a, b: a * b, [[np.inf, np.inf], [1e-39, 2.0]])
    assert np.isinf(e[0]), "read as zero, it makes NaN of the infinity"
    assert e[1] == 0
    value, e = bound_of(lambda a, b: a @ b, [[[np.inf, 1.0], [1.0, 1.0]], [[1.0], [2.0]]])
    assert (value[0, 0], e[0, 0]) == (np.inf, 0)
    assert np.isfinite(value[1, 0])


def test_at_a_tie_that_is_exact_the_shares_are():
    graph = Graph()
    x = Traced(graph, graph.input("x", (3,)))
    y = xp.max(x, axis=0)
    (d,) = vjp([y], [Traced(graph, graph.input("g", ()))], [x])
    given = {"x": np.array([2.0, 2.0, 1.0]), "g": np.array(3.0)}
    assert list(evaluate(graph, [d.number], given)[d.number]) == [1.5, 1.5, 0]
    assert errors(graph, [d.number], given, ARITHMETIC["float32"])[0].max() < 1e-6


def test_one_pass_variance_is_outside_two_pass_layer_norm():
    """The fault that a bound which is too wide would hide."""
    rng = np.random.default_rng(0)
    x = (rng.standard_normal((40, 8)) + 100).astype(np.float32)
    _, allowed = bound_of(
        lambda x: (x - xp.mean(x, axis=-1, keepdims=True)) / xp.sqrt(xp.var(x, axis=-1, keepdims=True) + 1e-5), [x]
    )
    wide = x.astype(np.float64)
    right = (wide - wide.mean(-1, keepdims=True)) / np.sqrt(wide.var(-1, keepdims=True) + 1e-5)
    mean = x.mean(-1, keepdims=True)
    one_pass = (x - mean) / np.sqrt((x * x).mean(-1, keepdims=True) - mean * mean + np.float32(1e-5))
    two_pass = (x - mean) / np.sqrt(((x - mean) ** 2).mean(-1, keepdims=True) + np.float32(1e-5))
    assert (np.abs(two_pass - right) / allowed).max() <= 1
    assert (np.abs(one_pass - right) / allowed).max() > 3
