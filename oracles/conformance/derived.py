"""What follows from an op's declaration for one case: the exact value, and how far any sensible evaluation may be off.

The definition and each form are traced for the shapes of the case and differentiated, once a shape; the bound of an
element is the largest of theirs. A form that claims nothing somewhere (it leaves the range) leaves that to the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ..arrays import FLOAT_DTYPES, Array, widened
from ..ball_arithmetic import enclosure
from ..calculus.balls import enclose as in_balls
from ..calculus.differentiate import vjp
from ..calculus.graph import Graph
from ..calculus.model import ARITHMETIC, INFLATION, NATIVE, Arithmetic, Floats
from ..calculus.namespace import XP
from ..calculus.running_error import errors, evaluate
from ..calculus.trace import Traced
from ..case import Case
from ..enclosure import Enclosure
from ..ops.op import Op
from ..ops.tracing import outputs_of, primals_of

Shapes = tuple[tuple[str, tuple[int, ...]], ...]
Settings = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Derived:
    """One form of an op, traced for some shapes: the nodes of its results by name, some or all of them."""

    graph: Graph
    results: Mapping[str, int]


def forms_of(case: Case) -> tuple[Derived, ...]:
    """The definition of the case's op and its forms, for its shapes; the definition first."""
    shapes = tuple((name, a.shape) for name, a in case.primals.items())
    return _forms(case.signature, shapes, case.cotangent.shape, tuple(case.options.items()))


@lru_cache(maxsize=512)
def _forms(op: Op, shapes: Shapes, cotangent: tuple[int, ...], settings: Settings) -> tuple[Derived, ...]:
    found = []
    options, sizes = dict(settings), dict(shapes)
    for form in (op.definition, *op.forms):
        graph = Graph()
        (output,) = outputs_of(op, form, graph, sizes, options)
        wanted = _wanted(op, graph)
        g = Traced(graph, graph.input("cotangent", cotangent))
        gradients = vjp([output], [g], list(wanted.values()))
        results = {"output": output} | dict(zip(wanted, gradients, strict=True))
        found.append(Derived(graph, {name: node.number for name, node in results.items()}))
    for form in op.vjp_forms:
        graph = Graph()
        g = Traced(graph, graph.input("cotangent", cotangent))
        given = form(XP, g, *primals_of(op, graph, sizes), **options)
        pulled = given if isinstance(given, tuple) else (given,)
        names = [f"d{name}" for name in op.differentiable]
        found.append(Derived(graph, {name: node.number for name, node in zip(names, pulled, strict=True)}))
    return tuple(found)


def _wanted(op: Op, graph: Graph) -> dict[str, Traced]:
    return {f"d{name}": Traced(graph, graph.inputs[name]) for name in op.differentiable}


def bounds(case: Case, *, accumulate: str = "strict") -> dict[str, Floats]:
    """The bound of each element of the output and of every gradient, under the names of `Result.named`."""
    return bounds_in(case, (NATIVE if accumulate == "native" else ARITHMETIC)[case.dtype.name])


def bounds_in(case: Case, m: Arithmetic) -> dict[str, Floats]:
    """Those of an evaluation in some arithmetic, stored in it."""
    arrays, rounded = _arrays(case), _rounded(case)
    found: dict[str, Floats] = {}
    for form in forms_of(case):
        values = evaluate(form.graph, form.results.values(), arrays)
        off = errors(values, list(form.results.values()), m, rounded)
        for (name, number), e in zip(form.results.items(), off, strict=True):
            bound = _stored(m, values[number], e)
            known = found.get(name)
            found[name] = bound if known is None else _larger(known, bound)
    return {name: b * INFLATION for name, b in found.items()}


def enclose(case: Case, *, precision: int) -> dict[str, Enclosure]:
    """Enclosures of the output and of every gradient, in balls."""
    form = forms_of(case)[0]
    found = in_balls(form.graph, list(form.results.values()), _arrays(case), precision)
    return {name: enclosure(list(b.ravel()), b.shape) for name, b in zip(form.results, found, strict=True)}


def enclose_in_float64(case: Case) -> dict[str, Enclosure]:
    """Those of the definition in float64, whose own error is the radius; infinite where float64 proves nothing."""
    form = forms_of(case)[0]
    values = evaluate(form.graph, form.results.values(), _arrays(case))
    radii = errors(values, list(form.results.values()), ARITHMETIC["float64"])
    return {
        name: Enclosure(values[number], np.zeros(r.shape), r)
        for (name, number), r in zip(form.results.items(), radii, strict=True)
    }


def _arrays(case: Case) -> dict[str, Array]:
    """The primals and the cotangent: floats in float64, integers as they are."""
    named = {**case.primals, "cotangent": case.cotangent}
    return {name: widened(a) if a.dtype.name in FLOAT_DTYPES else a for name, a in named.items()}


def _rounded(case: Case) -> dict[str, Floats]:
    """What primals of another dtype lose when they are taken to the case's."""
    found = {}
    for name, a in case.primals.items():
        if a.dtype.name in FLOAT_DTYPES and a.dtype != case.dtype:
            with np.errstate(all="ignore"):
                found[name] = np.abs(widened(a) - widened(a.astype(case.dtype)))
    return found


def _larger(a: Floats, b: Floats) -> Floats:
    """The larger of two bounds; where one claims nothing, the other."""
    return np.where(np.isinf(a), b, np.where(np.isinf(b), a, np.maximum(a, b)))


def _stored(m: Arithmetic, y: Array, e: Floats) -> Floats:
    """The bound of a result once it is in its dtype: half precision rounds it. What is not finite is met."""
    with np.errstate(all="ignore"):
        bound = m.stored(np.abs(y), e) if m.half else e
    return np.where(np.isfinite(y), bound, e)
