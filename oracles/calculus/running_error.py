"""A graph in pairs (value, error): how far any evaluation in some arithmetic may be off, element by element.

Running error analysis: each step carries the errors of what it is made of, with their products, and adds its own.

- Values are float64's; infinities and NaN that an input brings are met exactly, and have no error.
- A result below the normal range may be flushed to zero, and so may an input; one that may leave the range claims
  nothing: its error is infinite, and so is all that is made of it.
- Literals are rounded to the arithmetic, unless they are short enough for any.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .graph import Array, Graph, Node, Program
from .model import Arithmetic, Floats
from .primitives import GIVEN, PRIMITIVES
from .primitives.functions import FUNCTIONS
from .primitives.row import Pair, largest, vanished

SHORT = 2**24  # a whole number below, times a power of two, is a number of every arithmetic that sums in float32


def evaluate(program: Program, arrays: Mapping[str, Array]) -> dict[int, Array]:
    """The wanted nodes in float64."""
    return {number: y for number, (y, _) in evaluate_with_errors(program, arrays, ()).items()}


@dataclass(frozen=True)
class Analysis:
    """What errors are asked for: in which arithmetic, and of which nodes, with all that they stand on.

    rounded: what inputs by name lose before anything else, where they are taken to another dtype.
    """

    arithmetic: Arithmetic
    nodes: frozenset[int]
    rounded: Mapping[str, Floats] = field(default_factory=dict)


def evaluate_with_errors(
    program: Program, arrays: Mapping[str, Array], analyses: Sequence[Analysis]
) -> dict[int, tuple[Array, list[Floats]]]:
    """The wanted nodes in float64, and how far each may be off by every analysis; infinite where nothing is claimed.

    That includes the nodes an analysis was not asked for.
    """
    values: dict[int, Array] = {}
    pairs: list[dict[int, Pair]] = [{} for _ in analyses]
    with np.errstate(all="ignore"):
        for number, step, params, done in program.steps:
            if step.primitive in GIVEN:
                values[number] = y = given(program.graph, step, arrays)
                for of, known in zip(analyses, pairs, strict=True):
                    known[number] = Pair(y, _given_error(of, step, y))
            else:
                args = [values[a] for a in step.args]
                values[number] = y = np.asarray(PRIMITIVES[step.primitive].value(*args, **params))
                for of, known in zip(analyses, pairs, strict=True):
                    if number in of.nodes:
                        known[number] = _with_error(of.arithmetic, step, y, [known[a] for a in step.args], params)
            for gone in done:
                del values[gone]
                for known in pairs:
                    known.pop(gone, None)
    return {
        n: (y, [known[n].error_everywhere if n in known else NOTHING for known in pairs]) for n, y in values.items()
    }


NOTHING = np.full((), np.inf)  # is claimed of what was not asked for


def _with_error(m: Arithmetic, step: Node, y: Array, args: Sequence[Pair], params: Mapping[str, Any]) -> Pair:
    row = PRIMITIVES[step.primitive]
    e = row.error(m, y, *args, **params)
    if e is None:
        return Pair(y)
    if isinstance(e, Pair):
        return e
    pair = Pair(y, e if e.shape == y.shape else np.broadcast_to(e, y.shape))
    return _settled(m, step, pair, args) if step.kind == "real" and row.rounds else pair


def given(graph: Graph, step: Node, arrays: Mapping[str, Array]) -> Array:
    """An input, a literal or a constant: reals as float64, integers and booleans as they are."""
    if step.primitive == "literal":
        return np.asarray(step["value"], np.float64)
    a = arrays[step["name"]] if step.primitive == "input" else graph.constants[step["at"]]
    return a.astype(np.float64) if step.kind == "real" else a


def _given_error(of: Analysis, step: Node, y: Array) -> Array | None:
    if step.kind != "real":
        return None
    m, size = of.arithmetic, np.abs(y)
    if step.primitive == "input":  # a subnormal number may be read as zero
        small = (size < m.tiny) & (size > 0)
        e = np.where(small, size, 0.0) if small.any() else None
        return largest(e, of.rounded.get(step["name"]))
    mantissa, _ = np.frexp(y)
    rounded = (mantissa * SHORT != np.trunc(mantissa * SHORT)) & np.isfinite(y)
    return np.where(rounded, m.u * size, 0.0) if rounded.any() else None


def _settled(m: Arithmetic, step: Node, pair: Pair, args: Sequence[Pair]) -> Pair:
    """A value and its error, with what the ends of the range do to it."""
    y, e = pair.value, pair.off
    limit = m.wide_largest * (1 - m.u)
    reach, size = pair.size, np.abs(y)
    least = size - e
    if reach.max(initial=0.0) < limit and least.min(initial=np.inf) >= m.tiny:  # false where anything is no number
        return pair
    e = np.where(np.isnan(e), np.inf, e)
    finite = np.isfinite(y)
    if not finite.all():  # met exactly where an argument brought it in, or at a pole, and nobody's business elsewhere
        brought = _reached(step, [_special(p) for p in args if p.value.dtype.kind == "f"])
        met = (brought & ~_infinity_times_nothing(step, args)) | _pole(step, y, args)
        e = np.where(finite, e, np.where(met, 0.0, np.inf))
    reach = size + e
    # read or stored as zero, whatever else is lost on the way; or rounded to a subnormal number, by functions to one of
    # the two beside it: NumPy's exp of -104.86 in float32 is 1.4e-45, where 3.8e-46 is right
    unit = m.smallest if step.primitive in FUNCTIONS else m.smallest / 2
    lost = np.maximum(size + vanished(y), e + unit)
    flushed = np.where((size - e < m.tiny) & (reach > 0) & finite, np.minimum(lost, m.tiny + e), 0.0)
    e = np.maximum(e, flushed)
    return Pair(y, np.where(finite & (reach >= limit), np.inf, e))


def _pole(step: Node, y: Array, args: Sequence[Pair]) -> Array:
    """Where a result is infinite, or none, whatever is rounded: 1 / 0, log 0, the root of -1.

    Nothing is claimed of 0 / 0: what has no cotangent may as well be left out.
    """
    if step.primitive not in ("div", "log", "log1p", "sqrt", "power"):
        return np.zeros((), bool)
    if step.primitive == "div":  # of anything but 0, however far it is off
        a, b = args
        return np.asarray((b.value == 0) & (b.off == 0) & (np.abs(a.value) > a.off))
    x = args[0]
    return np.asarray((x.off == 0) & (np.isnan(y) | (np.isinf(y) & ((x.value == 0) | (step.primitive != "power")))))


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
