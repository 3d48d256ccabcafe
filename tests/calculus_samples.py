"""A small use of every primitive, away from its kinks, and graphs that put them together."""

from dataclasses import dataclass

import numpy as np

from oracles.calculus import balls, running_error
from oracles.calculus.graph import Graph, Program
from oracles.calculus.namespace import XP
from oracles.calculus.trace import Traced, binary, node, unary

xp = XP


def evaluate(graph, wanted, arrays):
    """The wanted nodes in float64, by their numbers."""
    return running_error.evaluate(Program(graph, tuple(wanted)), arrays)


def errors(graph, wanted, arrays, m):
    """How far the wanted nodes may be off, in their order."""
    program = Program(graph, tuple(wanted))
    analysis = running_error.Analysis(m, program.numbers)
    found = running_error.evaluate_with_errors(program, arrays, [analysis])
    return [found[number][1][0] for number in wanted]


def enclose(graph, wanted, arrays, precision=balls.PRECISION):
    """The wanted nodes as arrays of balls, in their order."""
    found = balls.enclose(Program(graph, tuple(wanted)), arrays, precision)
    return [found[number] for number in wanted]


@dataclass(frozen=True)
class Sample:
    """f of arrays of these shapes, drawn from an interval each, or whole numbers below a bound."""

    f: object
    shapes: tuple
    low: float = -2.0
    high: float = 2.0
    integers: tuple = ()  # of those arrays the largest

    def traced(self):
        """The graph, the arrays and f of them."""
        graph = Graph()
        arrays = [
            Traced(graph, graph.input(f"x{i}", shape, "integer" if i in dict(self.integers) else "real"))
            for i, shape in enumerate(self.shapes)
        ]
        return graph, arrays, self.f(*arrays)

    def draw(self, rng, dtype=np.float64):
        """Arrays that float32 holds."""
        given = dict(self.integers)
        return {
            f"x{i}": rng.integers(0, given[i] + 1, shape)
            if i in given
            else rng.uniform(self.low, self.high, shape).astype(np.float32).astype(dtype)
            for i, shape in enumerate(self.shapes)
        }


def one(name, low=-2.0, high=2.0, **params):
    return Sample(lambda x: unary(name, x, **params), ((2, 3),), low, high)


def two(name, low=-2.0, high=2.0):
    return Sample(lambda a, b: binary(name, a, b), ((2, 3), (2, 3)), low, high)


def compared(name):
    return Sample(lambda a, b: xp.where(binary(name, a, b, kind="boolean"), a * a, b * a), ((2, 3), (2, 3)))


def decided(f):
    """A choice by booleans that an error may turn."""
    return Sample(lambda a, b: xp.where(f(a < b, a < 0.5), a * a, b * a), ((2, 3), (2, 3)))


SAMPLES = {
    "add": two("add"),
    "sub": two("sub"),
    "mul": two("mul"),
    "div": two("div", 0.5, 3.0),
    "neg": one("neg"),
    "abs": one("abs"),
    "sign": Sample(lambda x: unary("sign", x) * x, ((2, 3),)),
    "maximum": two("maximum"),
    "less": compared("less"),
    "less_equal": compared("less_equal"),
    "equal": Sample(lambda a, b: xp.where(a == b, a * a, b * a), ((2, 3), (2, 3))),
    "and": decided(lambda a, b: a & b),
    "or": decided(lambda a, b: a | b),
    "not": decided(lambda a, b: ~a),
    "where": Sample(lambda a, b: xp.where(a < b, a * a, b * a), ((2, 3), (2, 3))),
    "exp": one("exp"),
    "expm1": one("expm1"),
    "log": one("log", 0.1, 4.0),
    "log1p": one("log1p", -0.5, 4.0),
    "sqrt": one("sqrt", 0.1, 4.0),
    "sin": one("sin"),
    "cos": one("cos"),
    "tanh": one("tanh"),
    "sigmoid": one("sigmoid", -6.0, 6.0),
    "erf": one("erf"),
    "erfc": one("erfc"),
    "lgamma": one("lgamma", 0.2, 6.0),
    "polygamma": one("polygamma", 0.3, 6.0, order=0),
    "power": Sample(lambda x: x**2.5, ((2, 3),), 0.2, 3.0),
    "broadcast": Sample(lambda a, b: a * b, ((3, 1), (2, 3, 4))),
    "reshape": Sample(lambda x: xp.reshape(x * x, (3, 2)), ((2, 3),)),
    "transpose": Sample(lambda x: xp.permute_dims(x * x, (2, 0, 1)), ((2, 3, 4),)),
    "slice": Sample(lambda x: (x * x)[1:, ::-1][..., None, :2], ((3, 4),)),
    "unslice": Sample(
        lambda x: node("unslice", (x * x,), {"slices": ((3, -1, -2),), "shape": (5,)}, (5,)),
        ((2,),),
    ),
    "concat": Sample(lambda a, b: xp.concat([a * a, b, a], axis=1), ((2, 1), (2, 3))),
    "take": Sample(lambda x, at: xp.take(x * x, at, axis=1), ((2, 3), (2, 2)), integers=((1, 2),)),
    "put_add": Sample(
        lambda x, at: node("put_add", (x * x, at), {"axis": 1, "size": 3}, (2, 3)),
        ((2, 5), (5,)),
        integers=((1, 2),),
    ),
    "sum": Sample(lambda x: xp.sum(x * x, axis=(0, 2)), ((2, 3, 2),)),
    "cumsum": Sample(lambda x: xp.cumulative_sum(x * x, axis=0), ((4, 2),)),
    "among": Sample(lambda x: xp.among(x * x, 5) * x, ((2, 3),)),
    "matmul": Sample(lambda a, b: (a * a) @ (b * b), ((2, 3, 4), (2, 4, 2))),
    "amax": Sample(lambda x: xp.max(x * x * x, axis=1), ((2, 4),)),
    "at_max": Sample(lambda x: node("at_max", (x * x,), {"axes": (1,)}, (2, 4)) * x, ((2, 4),)),
    "any": Sample(lambda x: xp.where(xp.any(x > 1.0, axis=1), 1.0, 2.0) * x[:, 0], ((2, 3),)),
    "as_given": Sample(lambda x: xp.where(xp.as_given(x) > 0.1, x * x, x), ((2, 3),)),
    "within": Sample(lambda x: xp.within(x * x, 0, 4) * x + xp.exp(xp.within(-x * x, -np.inf, 0)), ((2, 3),)),
    "flushed": Sample(lambda x: xp.flushed(x * x, xp.abs(x), x * x) * x, ((2, 3),)),
    "stop": Sample(lambda x: xp.stop_gradient(x) * xp.stop_gradient(x * 3), ((2, 3),)),
    "stored": Sample(lambda x: xp.stored(x * x) * x, ((2, 3),)),
}


def layer_norm(inputs, weight, bias):
    centred = inputs - xp.mean(inputs, axis=-1, keepdims=True)
    return weight * (centred / xp.sqrt(xp.mean(centred * centred, axis=-1, keepdims=True) + 1e-5)) + bias


def attention(q, k, v):
    scores = (q @ k.mT) / np.sqrt(q.shape[-1])
    seen = xp.arange(scores.shape[-2])[:, None] >= xp.arange(scores.shape[-1])
    scores = xp.where(seen, scores, -xp.inf)
    e = xp.exp(scores - xp.stop_gradient(xp.max(scores, axis=-1, keepdims=True)))
    return (e / xp.sum(e, axis=-1, keepdims=True)) @ v


# several primitives together, whose errors meet
GRAPHS = {
    "layer_norm": Sample(layer_norm, ((2, 5), (5,), (5,))),
    "attention": Sample(attention, ((2, 3, 2), (2, 3, 2), (2, 3, 2))),
    "log_softmax": Sample(lambda x: x - xp.special.logsumexp(x, axis=-1, keepdims=True), ((2, 4),), -5.0, 5.0),
    "gelu": Sample(lambda x: 0.5 * x * (1 + xp.special.erf(x / 2**0.5)), ((2, 4),), -4.0, 4.0),
    "swiglu": Sample(lambda a, b: a * xp.special.sigmoid(a) * b, ((2, 3), (2, 3)), -4.0, 4.0),
    "bce": Sample(
        lambda z, y: xp.mean(xp.maximum(z, 0) - z * y + xp.log1p(xp.exp(-xp.abs(z)))), ((2, 3), (2, 3)), -4.0, 4.0
    ),
}
