"""A graph in ball arithmetic: the exact value, enclosed as tightly as asked.

python-flint's balls in NumPy's arrays of objects; products of matrices by its own matrices. What is undecided within
the radii is the union of what it may be, so that an enclosure is one at every precision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from flint import arb, ctx

from .graph import Array, Graph
from .primitives import GIVEN, PRIMITIVES
from .primitives.functions import NAMED
from .running_error import given, steps

PRECISION = 160  # float64 operands have 53 bits and their products 106: this leaves some 50 more for sums to lose


def enclose(
    graph: Graph, wanted: Sequence[int], arrays: Mapping[str, Array], precision: int = PRECISION
) -> list[Array]:
    """The wanted nodes as arrays of balls, for arrays of numbers, or of balls."""
    found: dict[int, Array] = {}
    with ctx.workprec(precision), np.errstate(all="ignore"):
        for number, step in steps(graph, wanted):
            if step.primitive not in GIVEN:
                args = [found[a] for a in step.args]
                made = PRIMITIVES[step.primitive].ball(*args, **dict(step.params))
                found[number] = np.asarray(made, object) if step.kind != "integer" else np.asarray(made)
            elif step.primitive == "input" and arrays[step["name"]].dtype == object:
                found[number] = arrays[step["name"]]
            elif "name" in dict(step.params) and step.primitive == "literal":
                found[number] = np.asarray(NAMED[step["name"]][1](), object)
            else:
                a = given(graph, step, arrays)
                found[number] = balls(a) if step.kind == "real" else a
    return [found[number] for number in wanted]


def balls(a: Array) -> Array:
    """Numbers as balls of radius 0."""
    out = np.empty(a.shape, object)
    out.ravel()[:] = [arb(v) for v in a.ravel().tolist()]
    return out
