"""Which truth a layer of a user's own op is held against, and what a report says of it.

Framework primals where one can run here; the layer's own forward pass otherwise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

import numpy as np

from reference import InputError

from ..arrays import Array
from ..case import Case
from ..custom import CustomOp
from ..registry import Oracle, OracleUnavailable, available, load
from .custom_cases import own_frame as frame_with
from .custom_truth import custom_truth, oracle_of, shape_of, sources
from .frames import Frame
from .layer import Layer
from .report import EXACT
from .self_truth import linear, own_shape, self_truth
from .truth import Truth

ITSELF = "itself"  # the oracle of a layer whose op has no framework primal
LEFT_TO_CASES = ("sizes", "special_values")  # the op's own strategy says which there are


def own_truth(layer: Layer, op: CustomOp, case: Case) -> Truth:
    """The truth by the primals; by the layer itself where none can run. Raises InputError, Disagreement."""
    for known_layer, truth in _RECENT:  # a claim asks for that of one case several times
        if known_layer is layer and truth.case is case:
            return truth
    with np.errstate(all="ignore"):
        if op.declared is not None:
            truth = Truth.of(case, convention=layer.convention, accumulate=layer.accumulate)
        else:
            truth = custom_truth(op, case) if sources(op) else self_truth(layer, op, case)
    _RECENT.append((layer, truth))
    return truth


_RECENT: deque[tuple[Layer, Truth]] = deque(maxlen=4)


def own_claims(layer: Layer, case: Case) -> None:
    """What needs no truth: where there is none. Raises Disagreement."""
    if layer.custom is not None and layer.custom.declared is None and not sources(layer.custom):
        with np.errstate(all="ignore"):
            linear(layer, layer.custom, case)


def own_frame(layer: Layer, op: CustomOp) -> Frame:
    """The frame of the layer's cases, whose cotangents have the shape of the output."""

    def shape(arrays: Mapping[str, Array]) -> tuple[int, ...]:
        if op.declared is not None:
            found = op.declared.output_shape({n: a.shape for n, a in arrays.items()}, op.declared.options)
            assert found is not None
            return found
        return shape_of(op, arrays) if sources(op) else own_shape(layer, op, arrays)

    return frame_with(op, shape)


def judged_by(layer: Layer) -> str:
    """The oracle's name in verdicts on the layer: "exact", the frameworks by name, or "itself". Nothing is imported."""
    if layer.custom is None or layer.custom.declared is not None:
        return "exact"
    return "+".join(n for n in layer.custom.frameworks if n in available()) or ITSELF


def why_not_tried(layer: Layer, check: str) -> str:
    """Why a claim is not tried on a layer; "" where it is."""
    op = layer.custom
    if op is None or check not in LEFT_TO_CASES or (op.declared is not None and op.cases is None):
        return ""
    return f"{check}: {layer.op} is no op of the suite, which ones there are is up to its own cases"


def oracle_names(layer: Layer, wanted: Sequence[str] | None, known: Sequence[str]) -> tuple[str, ...]:
    """The names of the oracles that have something to say on the layer; InputError for one that has not."""
    op = layer.custom
    if op is None:
        return tuple(wanted or known)
    there = (*(("exact",) if op.declared is not None else ()), *op.frameworks)
    for name in wanted or ():
        if name not in there:
            has = f"primals in {', '.join(op.frameworks)}" if op.frameworks else "no framework primal"
            raise InputError(f"oracle: {op.name} has {has}, got {name!r}")
    return tuple(wanted or there)


def own_oracles(
    op: CustomOp, names: Sequence[str], device: str, *, insist: bool
) -> tuple[tuple[Oracle, ...], dict[str, str]]:
    """The op's primals as oracles, and why others cannot run; those raise OracleUnavailable if one insists."""
    loaded, absent = [], {}
    for name in names:
        try:
            loaded.append(oracle_of(op, name, device) if name in op.frameworks else load(name))
        except OracleUnavailable as reason:
            if insist:
                raise
            absent[name] = str(reason)
    return tuple(loaded), absent


def oracle_for(layer: Layer, name: str, device: str) -> Oracle | None:
    """The primal of that framework as an oracle; None for a name that `judged_by` made up. Raises OracleUnavailable."""
    op = layer.custom
    return oracle_of(op, name, device) if op is not None and name in op.frameworks else None


def own_notes(op: CustomOp) -> tuple[str, ...]:
    """What a report says of such an op."""
    if op.declared is not None:
        return ()
    estimated = f"The bounds are estimated, not derived: {op.name} is no op of the suite (docs/bounds.md)."
    found = [source.name for source in sources(op)]
    if not found:
        why = "has no framework primal" if not op.frameworks else "has framework primals, and none can run here"
        return (
            f"Self-consistency, not agreement: {op.name} {why}. The layer was held against differences of its own "
            "forward pass: a gradient that agrees with a wrong forward passes.",
            estimated,
        )
    alone = f"The truth is {found[0]}'s alone: no second framework has vouched for the primal of {op.name}."
    return (alone, estimated) if len(found) == 1 else (estimated,)


def truth_of(layer: Layer) -> str:
    """What a report says that the layer is held against."""
    if layer.custom is None or layer.custom.declared is not None:
        return EXACT
    frameworks = judged_by(layer)
    return "its own forward pass" if frameworks == ITSELF else f"{' and '.join(frameworks.split('+'))} in float64"


def title_of(layer: Layer) -> str:
    """What a report is called."""
    return f"{layer.name} as {layer.op}" + (", self-consistency" if judged_by(layer) == ITSELF else "")
