"""Who judges a layer, and what a report says of that.

The exact value, where the op has a definition; else the frameworks' own functions of it, where one can run here; else
the layer's own forward pass.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import numpy as np

from ..candidates.layer import Layer
from ..cases.frames import Frame
from ..cases.own_cases import own_frame
from ..data.arrays import Array
from ..data.case import Case
from ..sources.registry import available
from .framework_truth import framework_truth, shape_of, sources
from .self_truth import linear, own_shape, self_truth
from .truth import Truth, promised
from .verdicts import EXACT

ITSELF = "itself"  # the oracle of a layer of which nothing is known but what it does
LEFT_TO_CASES = ("sizes", "special_values")  # an op's own strategy says which there are


def truth_for(layer: Layer, case: Case) -> Truth:
    """The truth that this layer is held against: the book's losses may clip, and it may have asked for more.

    Raises InputError for a case that is none of the op, Disagreement where the layer itself is asked, and raises.
    """
    for known, truth in _RECENT:  # a claim asks for that of one case several times
        if known is layer and truth.case is case:
            return truth
    op = layer.declaration
    with np.errstate(all="ignore"):
        if op.definition is not None:
            truth = Truth.of(
                case,
                book=not layer.has_cotangent,
                convention=layer.convention,
                accumulate=layer.accumulate,
                products=promised(layer.framework, case),
            )
        else:
            truth = framework_truth(op, case) if sources(op) else self_truth(layer, op, case)
    _RECENT.append((layer, truth))
    return truth


_RECENT: deque[tuple[Layer, Truth]] = deque(maxlen=4)


def own_claims(layer: Layer, case: Case) -> None:
    """What needs no truth: where there is none. Raises Disagreement."""
    if judged_by(layer) == ITSELF:
        with np.errstate(all="ignore"):
            linear(layer, layer.declaration, case)


def drawn_frame(layer: Layer) -> Frame:
    """The frame of the layer's cases where the op's own strategy draws them; cotangents have the output's shape."""
    op = layer.declaration

    def shapes(arrays: Mapping[str, Array]) -> tuple[tuple[int, ...], ...]:
        said = op.output_shapes({n: a.shape for n, a in arrays.items()}, op.options)
        known = tuple(shape for shape in said if shape is not None)
        if len(known) == len(said):  # with a definition, that is
            return known
        return (shape_of(op, arrays) if sources(op) else own_shape(layer, op, arrays),)

    return own_frame(op, shapes)


def judged_by(layer: Layer) -> str:
    """The oracle's name in verdicts on the layer: "exact", the frameworks by name, or "itself". Nothing is imported."""
    op = layer.declaration
    return "exact" if op.definition is not None else "+".join(n for n in op.frameworks if n in available()) or ITSELF


def why_not_tried(layer: Layer, check: str) -> str:
    """Why a claim is not tried on a layer; "" where it is."""
    if layer.declaration.cases is None or check not in LEFT_TO_CASES:
        return ""
    return f"{check}: which ones there are of {layer.op} is up to its own cases"


def notes(layer: Layer) -> tuple[str, ...]:
    """What a report says of an op without a definition."""
    op = layer.declaration
    if op.definition is not None:
        return ()
    estimated = f"The bounds are estimated, not derived: {op.name} has no definition (docs/bounds.md)."
    found = sources(op)
    if not found:
        why = (
            "has no function of a framework" if not op.frameworks else "has functions of frameworks, none of them here"
        )
        return (
            f"Self-consistency, not agreement: {op.name} {why}. The layer was held against differences of its own "
            "forward pass: a gradient that agrees with a wrong forward passes.",
            estimated,
        )
    alone = f"The truth is {found[0]}'s alone, in float64: no second framework has vouched for its {op.name}."
    return (alone, estimated) if len(found) == 1 else (estimated,)


def truth_of(layer: Layer) -> str:
    """What a report says that the layer is held against."""
    name = judged_by(layer)
    if name == "exact":
        return EXACT
    return "its own forward pass" if name == ITSELF else f"{' and '.join(name.split('+'))} in float64"


def title_of(layer: Layer) -> str:
    """What a report is called."""
    return f"{layer.name} as {layer.op}" + (", self-consistency" if judged_by(layer) == ITSELF else "")
