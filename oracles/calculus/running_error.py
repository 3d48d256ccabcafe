"""A graph in pairs (value, error): how far any evaluation in some arithmetic may be off, element by element.

Running error analysis: each step carries the errors of what it is made of, with their products, and adds its own.

- Values are float64's; infinities and NaN that an input brings are met exactly, and have no error.
- A result below the normal range may be flushed to zero, and so may an input; one that may leave the range claims
  nothing: its error is infinite, and so is all that is made of it.
- Literals are rounded to the arithmetic, unless they are short enough for any.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .graph import Array, Graph, Node
from .model import Arithmetic, Floats
from .primitives import GIVEN, PRIMITIVES
from .primitives.row import Pair, largest

SHORT = 2**24  # a whole number below, times a power of two, is a number of every arithmetic that sums in float32


@dataclass(frozen=True)
class Values:
    """What every node of a graph is in float64, for the arrays it was given."""

    graph: Graph
    at: Mapping[int, Array]

    def __getitem__(self, number: int) -> Array:
        return self.at[number]


def evaluate(graph: Graph, wanted: Iterable[int], arrays: Mapping[str, Array]) -> Values:
    """The nodes that the wanted ones stand on, in float64."""
    found: dict[int, Array] = {}
    with np.errstate(all="ignore"):
        for number in graph.needed(wanted):
            step = graph.nodes[number]
            if step.primitive in GIVEN:
                found[number] = given(graph, step, arrays)
            else:
                params = dict(step.params)
                made = PRIMITIVES[step.primitive].value(*(found[a] for a in step.args), **params)
                found[number] = np.asarray(made)
    return Values(graph, found)


def given(graph: Graph, step: Node, arrays: Mapping[str, Array]) -> Array:
    """An input, a literal or a constant: reals as float64, integers and booleans as they are."""
    if step.primitive == "literal":
        return np.asarray(step["value"], np.float64)
    a = arrays[step["name"]] if step.primitive == "input" else graph.constants[step["at"]]
    return a.astype(np.float64) if step.kind == "real" else a


def errors(
    values: Values, wanted: Sequence[int], m: Arithmetic, rounded: Mapping[str, Floats] | None = None
) -> list[Floats]:
    """How far the wanted nodes may be off in that arithmetic; infinite where nothing is claimed.

    rounded: what inputs by name lose before anything else, where they are taken to another dtype.
    """
    graph, found = values.graph, dict[int, Array | None]()
    with np.errstate(all="ignore"):
        for number, step in steps(graph, wanted):
            y = values[number]
            if step.primitive in GIVEN:
                found[number] = _given_error(m, step, y)
                if step.primitive == "input" and rounded and step["name"] in rounded:
                    found[number] = largest(found[number], rounded[step["name"]])
                continue
            row = PRIMITIVES[step.primitive]
            pairs = [Pair(values[a], found[a]) for a in step.args]
            e = row.error(m, y, *pairs, **dict(step.params))
            if e is not None and step.kind == "real" and row.rounds:
                e = _settled(m, step, y, np.where(np.isnan(e), np.inf, e), pairs)
            found[number] = e if e is None else np.broadcast_to(e, y.shape)
    return [np.zeros(values[n].shape) if (e := found[n]) is None else np.array(e) for n in wanted]


def steps(graph: Graph, wanted: Iterable[int]) -> Iterator[tuple[int, Node]]:
    """The nodes that the wanted ones stand on, in order."""
    return ((number, graph.nodes[number]) for number in graph.needed(wanted))


def _given_error(m: Arithmetic, step: Node, y: Array) -> Array | None:
    if step.kind != "real":
        return None
    if step.primitive == "input":  # a subnormal number may be read as zero
        size = np.abs(y)
        small = (size < m.tiny) & (size > 0)
        return np.where(small, size, 0.0) if small.any() else None
    mantissa, _ = np.frexp(y)
    rounded = (mantissa * SHORT != np.trunc(mantissa * SHORT)) & np.isfinite(y)
    return np.where(rounded, m.u * np.abs(y), 0.0) if rounded.any() else None


def _settled(m: Arithmetic, step: Node, y: Array, e: Array, pairs: Sequence[Pair]) -> Array:
    """An error with what the ends of the range do to it."""
    finite = np.isfinite(y)
    if not finite.all():  # met exactly where an argument brought it in, and nobody's business elsewhere
        brought = _reached(step, [_special(p) for p in pairs if p.value.dtype.kind == "f"])
        e = np.where(finite, e, np.where(brought & ~_infinity_times_nothing(step, pairs), 0.0, np.inf))
    size = np.abs(y)
    reach = size + e
    # read or stored as zero; what is not flushed there is off by less
    flushed = np.where((size - e < m.tiny) & (reach > 0) & finite, np.minimum(size, m.tiny + e), 0.0)
    e = np.maximum(e, flushed)
    return np.where(finite & (reach >= m.wide_largest * (1 - m.u)), np.inf, e)


def _infinity_times_nothing(step: Node, pairs: Sequence[Pair]) -> Array:
    """Where an infinity meets a number that may be read as zero: their product is infinite, or NaN."""
    if step.primitive not in ("mul", "matmul"):
        return np.zeros((), bool)
    infinite = [np.isinf(p.value) for p in pairs]
    nothing = [(np.abs(p.value) <= p.off) & (p.off > 0) for p in pairs]
    if step.primitive == "mul":
        return np.asarray((infinite[0] & nothing[1]) | (nothing[0] & infinite[1]))
    return np.asarray((infinite[0] @ nothing[1]) | (nothing[0] @ infinite[1]))


def _special(p: Pair) -> Array:
    """The elements that are exactly infinite, or not a number."""
    return np.asarray(~np.isfinite(p.value) & (p.off == 0))


def _reached(step: Node, marks: Sequence[Array]) -> Array:
    """The elements of a step that a marked element of an argument goes into."""
    if not marks:
        return np.zeros(step.shape, bool)
    if step.primitive == "matmul":
        a, b = marks if len(marks) == 2 else (marks[0], marks[0])
        return np.asarray(np.expand_dims(a.any(-1), -1) | np.expand_dims(b.any(-2), -2))
    if step.primitive == "sum":
        return np.asarray(marks[0].any(step["axes"]))
    if step.primitive == "cumsum":
        return np.asarray(np.logical_or.accumulate(marks[0], step["axis"]))
    if step.primitive == "put_add":  # rare, and of no matter: nothing is claimed there
        return np.zeros(step.shape, bool)
    return np.asarray(np.logical_or.reduce([np.broadcast_to(mark, step.shape) for mark in marks]))
