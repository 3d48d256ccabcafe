"""A graph in ball arithmetic: the exact value, enclosed as tightly as asked.

python-flint's balls in NumPy's arrays of objects; products of matrices by its own matrices. What is undecided within
the radii is the union of what it may be, so that an enclosure is one at every precision.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from flint import arb, ctx

from .graph import Array, Program
from .primitives import GIVEN, PRIMITIVES
from .primitives.functions import NAMED
from .running_error import given

PRECISION = 160  # float64 operands have 53 bits and their products 106: this leaves some 50 more for sums to lose


def enclose(program: Program, arrays: Mapping[str, Array], precision: int = PRECISION) -> dict[int, Array]:
    """The wanted nodes as arrays of balls, for arrays of numbers, or of balls."""
    found: dict[int, Array] = {}
    with ctx.workprec(precision), np.errstate(all="ignore"):
        for number, step, params, done in program.steps:
            if step.primitive not in GIVEN:
                args = [found[a] for a in step.args]
                made = PRIMITIVES[step.primitive].ball(*args, **params)
                found[number] = np.asarray(made, object) if step.kind != "integer" else np.asarray(made)
            elif step.primitive == "input" and arrays[params["name"]].dtype == object:
                found[number] = arrays[params["name"]]
            elif "name" in params and step.primitive == "literal":
                found[number] = np.asarray(NAMED[params["name"]][1](), object)
            else:
                a = given(program.graph, step, arrays)
                found[number] = balls(a) if step.kind == "real" else a
            for gone in done:
                del found[gone]
    return found


def balls(a: Array) -> Array:
    """Numbers as balls of radius 0."""
    out = np.empty(a.shape, object)
    out.ravel()[:] = [arb(v) for v in a.ravel().tolist()]
    return out
