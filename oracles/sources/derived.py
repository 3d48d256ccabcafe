"""What follows from an op's declaration for one case: the exact value, and how far any sensible evaluation may be off.

The definition and each form are traced for the shapes of the case and differentiated, once a shape, in one graph: what
they have in common is done once. The bound of an element is the largest of theirs. A form that claims nothing somewhere
(it leaves the range) leaves that to the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from ..calculus import running_error
from ..calculus.balls import enclose as in_balls
from ..calculus.differentiate import vjp
from ..calculus.graph import ROUNDED, Graph, Program
from ..calculus.model import ARITHMETIC, INFLATION, NATIVE, Arithmetic, Floats
from ..calculus.namespace import XP
from ..calculus.running_error import Analysis, evaluate_with_errors
from ..calculus.trace import Traced
from ..data.arrays import FLOAT_DTYPES, Array, widened
from ..data.case import Case
from ..ops.op import Op
from ..ops.tracing import outputs_of, primals_of
from .ball_arithmetic import PRECISION, enclosure
from .enclosure import Enclosure
from .registry import EXACT, Products

Shapes = tuple[tuple[str, tuple[int, ...]], ...]
Settings = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Forms:
    """An op traced for some shapes: the nodes of the definition's results by name, and those of every other form."""

    graph: Graph
    definition: Mapping[str, int]
    others: tuple[Mapping[str, int], ...]
    programs: tuple[Program, Program]  # of the definition alone, and of all
    limited: tuple[str, ...]  # for each of `every`: "too" and "alone" as `leaves_range` says, "" for others

    @property
    def every(self) -> tuple[Mapping[str, int], ...]:
        """The definition's results, and the others'."""
        return (self.definition, *self.others)


def forms_of(case: Case) -> Forms:
    """The definition of the case's op and its forms, for its shapes."""
    shapes = tuple((name, a.shape) for name, a in case.primals.items())
    cotangents = tuple((name, g.shape) for name, g in case.cotangents.items())
    return _forms(case.signature, shapes, cotangents, tuple(case.options.items()))


@lru_cache(maxsize=512)
def _forms(op: Op, shapes: Shapes, cotangents: Shapes, settings: Settings) -> Forms:
    graph, options, sizes = Graph(), dict(settings), dict(shapes)
    g = tuple(Traced(graph, graph.input(name, shape)) for name, shape in cotangents)
    primals = dict(zip(op.primals, primals_of(op, graph, sizes), strict=True))
    wanted = {f"d{name}": primals[name] for name in op.differentiable}
    found = []
    for form in (op.definition, *op.forms):
        outputs = outputs_of(op, form, graph, sizes, options)
        gradients = vjp(outputs, list(g), list(wanted.values()))
        results = dict(zip((*op.outputs, *wanted), (*outputs, *gradients), strict=True))
        found.append({name: node.number for name, node in results.items()})
    for form in op.vjp_forms:
        given = form(XP, g if len(g) > 1 else g[0], *primals.values(), **options)
        pulled = given if isinstance(given, tuple) else (given,)
        found.append({name: node.number for name, node in zip(wanted, pulled, strict=True)})
    definition, *others = found
    numbers = dict.fromkeys(number for results in found for number in results.values())
    programs = Program(graph, tuple(definition.values())), Program(graph, tuple(numbers))
    limited = tuple(getattr(form, "leaves_range", "") for form in (op.definition, *op.forms, *op.vjp_forms))
    return Forms(graph, definition, tuple(others), programs, limited)


def bounds(case: Case, *, accumulate: str = "strict", products: Products = EXACT) -> dict[str, Floats]:
    """The bound of each element of the output and of every gradient, under the names of `Result.named`.

    accumulate: "strict" where products and sums of the two-byte floats are taken in float32, "native" for their own.
    products: what less a framework promises of matrix products.
    """
    return bounds_in(case, arithmetic_of(case, accumulate, products))


def arithmetic_of(case: Case, accumulate: str = "strict", products: Products = EXACT) -> Arithmetic:
    """The arithmetic that a case is evaluated in; the arguments are those of `bounds`."""
    m = (NATIVE if accumulate == "native" else ARITHMETIC)[case.dtype.name]
    if products == EXACT:
        return m
    of_products = NATIVE[case.dtype.name] if products.sums == "native" else m
    return replace(m, products=replace(of_products, operand=products.operand))


def bounds_in(case: Case, m: Arithmetic) -> dict[str, Floats]:
    """Those of an evaluation in some arithmetic, stored in it."""
    return _bounds(case, m)[0]


def bounds_and_enclosures(case: Case, m: Arithmetic) -> tuple[dict[str, Floats], dict[str, Enclosure]]:
    """The bounds, and float64's enclosures, whose radius is its own error: infinite where float64 proves nothing."""
    return _bounds(case, m, Analysis(ARITHMETIC["float64"], forms_of(case).programs[0].numbers))


def _bounds(case: Case, m: Arithmetic, *float64: Analysis) -> tuple[dict[str, Floats], dict[str, Enclosure]]:
    forms = forms_of(case)
    program = forms.programs[1]
    found = evaluate_with_errors(program, arrays_of(case), [Analysis(m, program.numbers, _rounded(case)), *float64])
    allowed: dict[str, Floats] = {}
    beyond: dict[str, Array] = {}
    for results, limited in zip(forms.every, forms.limited, strict=True):
        for name, number in results.items():
            y, (e, *_) = found[number]
            bound = e if forms.graph.nodes[number].primitive == "stored" else _stored(m, y, e)
            if limited != "alone":
                allowed[name] = _larger(allowed[name], bound) if name in allowed else bound
            if limited:
                beyond[name] = beyond.get(name, False) | np.isinf(bound)
            if case.signature.special_values != "all":  # an infinity or NaN is claimed where all forms give it
                right = found[forms.definition[name]][0]
                beyond[name] = beyond.get(name, False) | _other_specials(y, right)
    allowed |= {name: np.where(there, np.inf, allowed[name]) for name, there in beyond.items()}
    enclosures = {name: _narrow(found[n][0], found[n][1][1:]) for name, n in forms.definition.items() if float64}
    return {name: b * INFLATION for name, b in allowed.items()}, enclosures


def _other_specials(y: Array, right: Array) -> Array:
    """Where one is an infinity or NaN and the other something else."""
    same = (y == right) | (np.isnan(y) & np.isnan(right))
    return np.asarray(~same & ~(np.isfinite(y) & np.isfinite(right)))


def _narrow(y: Array, radii: Sequence[Floats]) -> Enclosure:
    """What float64 has, and its own error."""
    (radius,) = radii
    return Enclosure(y, np.zeros(y.shape), radius)


def evaluate(case: Case, arrays: Mapping[str, Array]) -> dict[str, Floats]:
    """The definition and its gradients in float64, where some arrays of the case are others of their shapes."""
    forms = forms_of(case)
    found = running_error.evaluate(forms.programs[0], {**arrays_of(case), **arrays})
    return {name: found[number] for name, number in forms.definition.items()}


def enclose(case: Case, *, precision: int = PRECISION) -> dict[str, Enclosure]:
    """Enclosures of the output and of every gradient, in balls.

    What no ball holds (an infinity, or a radius of any size) is as float64 has it, whose error is then the radius.
    """
    forms = forms_of(case)
    balls = in_balls(forms.programs[0], arrays_of(case), precision)
    found = {n: enclosure(list(balls[at].ravel()), balls[at].shape) for n, at in forms.definition.items()}
    if all(np.isfinite(e.value).all() for e in found.values()):
        return found
    own, arrays = forms.programs[0], arrays_of(case)
    narrow = evaluate_with_errors(own, arrays, [Analysis(ARITHMETIC["float64"], own.numbers)])
    return {name: e.or_else(_narrow(*narrow[forms.definition[name]])) for name, e in found.items()}


def arrays_of(case: Case) -> dict[str, Array]:
    """What a graph is given, floats in float64: the primals, the cotangent, and numbers that the dtype rounds."""
    named = case.arrays
    for name in forms_of(case).graph.inputs:
        if name.startswith(ROUNDED):
            named[name] = np.asarray(float(name.removeprefix(ROUNDED))).astype(case.dtype)
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
    """The bound of a result once it is in its dtype: half precision rounds it."""
    with np.errstate(all="ignore"):
        return m.stored_error(y, e) if m.half else e
