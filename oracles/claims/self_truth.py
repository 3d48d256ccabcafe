"""Self-consistency: a layer of an op that no framework knows, held against differences of its own forward pass.

It says less than agreement: a gradient that agrees with a wrong forward pass passes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from zlib import crc32

import numpy as np

from ..calculus.model import ARITHMETIC, Floats
from ..candidates.contain import contained
from ..candidates.layer import Layer
from ..candidates.run import forward, run
from ..data.arrays import FLOAT_DTYPES, Array
from ..data.case import Case
from ..ops import Op
from ..sources.enclosure import Enclosure
from .differences import slope
from .disagreement import Disagreement, Kind, raising_is_wrong
from .estimate import OWN, SAFETY, effects, own_error, stored
from .framework_truth import check_case, widened
from .truth import Truth

ELEMENTS = 24  # of the gradients of a case, at which differences are taken


def self_truth(layer: Layer, op: Op, case: Case) -> Truth:
    """The layer's own output in float64, and its gradients: differences at some elements, its own float64 elsewhere.

    Raises InputError where the case is none of the op, Disagreement where the layer raises in float64.
    """
    check_case(op, case)
    arrays, names = widened(case), _floats(case)
    function = partial(_results, layer, case)
    value = function(arrays)
    effect = effects(function, arrays, value, names)
    # of float64 nothing wider is at hand: its errors are those of float32, which to first order differ by the roundoff
    lower = np.dtype(np.float32) if case.dtype == np.float64 else case.dtype
    own = own_error(function, function, arrays, lower, names, nearby_alone=True)  # not what is judged
    u = ARITHMETIC["float64"].v + ARITHMETIC[case.dtype.name].v
    allowed = {r: effect.allowed(r, v, u) + OWN * u * own[r] for r, v in value.items()}
    for n, at in _chosen(op, case):
        found, error = _difference(layer, case, arrays, n, at)
        value[f"d{n}"].flat[at] = found
        allowed[f"d{n}"].flat[at] += SAFETY * error
    bounds = {r: stored(ARITHMETIC[case.dtype.name], v, allowed[r]) for r, v in value.items()}
    values = {r: np.where(np.isinf(bounds[r]) & ~np.isfinite(v), 0.0, v) for r, v in value.items()}
    return Truth(case, {r: Enclosure.exact(v) for r, v in values.items()}, bounds, ())


def linear(layer: Layer, op: Op, case: Case) -> None:
    """The gradients are linear in the cotangent: those of a sum are the sum of those. Raises Disagreement."""
    arrays = widened(case)
    function = partial(_results, layer, case)
    g = arrays["cotangent"]
    h = 0.75 * np.roll(g.ravel(), 1).reshape(g.shape) + 0.5
    parts = [{**arrays, "cotangent": one} for one in (g, h)]
    values = [function(part) for part in parts]
    both = function({**arrays, "cotangent": g + h})
    found = [effects(function, part, value, _floats(case)) for part, value in zip(parts, values, strict=True)]
    own = [own_error(function, function, part, np.dtype(np.float32), _floats(case)) for part in parts]
    u = ARITHMETIC["float64"].v
    for n in op.differentiable:
        r = f"d{n}"
        allowed = sum(e.allowed(r, v[r], u) + OWN * u * o[r] for e, v, o in zip(found, values, own, strict=True))
        expected = values[0][r] + values[1][r]
        wrong = np.isfinite(expected) & ~(np.abs(both[r] - expected) <= 2 * allowed)
        if wrong.any():
            at = tuple(int(i) for i in np.argwhere(wrong)[0])
            message = (
                f"{r}: not linear in the cotangent: that of the sum of two is {float(both[r][at])!r} at {at}, "
                f"the sum of those of each {float(expected[at])!r}"
            )
            raise Disagreement(case, message, kind=Kind.LINEAR, names=[r])


def own_shape(layer: Layer, op: Op, arrays: Mapping[str, Array]) -> tuple[int, ...]:
    """The shape of the layer's output; that of the first primal where it raises, which the claims then show."""
    case = Case(op.name, dict(arrays), np.zeros((), arrays[op.differentiable[0]].dtype))
    try:
        with contained():
            return np.shape(np.asarray(forward(layer.start(), layer, case, widened(case))))
    except Exception:
        return arrays[op.primals[0]].shape


def _results(layer: Layer, case: Case, arrays: Mapping[str, Array]) -> dict[str, Floats]:
    given = Case(case.signature, {n: arrays[n] for n in case.primals}, arrays["cotangent"])
    with raising_is_wrong(case, call=given):
        result = run(layer, given)
    return {n: a.astype(np.float64) for n, a in result.named().items()}


def _difference(layer: Layer, case: Case, arrays: Mapping[str, Array], name: str, at: int) -> tuple[float, float]:
    """The difference of <output, cotangent> along one entry, and its error."""
    g = arrays["cotangent"]
    moved = np.array(arrays[name])

    def inner(x: float) -> float:
        moved.flat[at] = x
        given = {**{n: a.copy() for n, a in arrays.items()}, name: moved.copy()}
        with np.errstate(all="ignore"):
            output = np.asarray(forward(layer.start(), layer, case, given), np.float64)
            return float((output * g).sum())

    with contained():
        output = np.asarray(forward(layer.start(), layer, case, {n: a.copy() for n, a in arrays.items()}), np.float64)
        with np.errstate(all="ignore"):
            found = slope(inner, float(arrays[name].flat[at]), float(np.abs(output * g).sum()))
    return (found.value, found.error) if np.isfinite(found.value) else (0.0, np.inf)


def _chosen(op: Op, case: Case) -> list[tuple[str, int]]:
    """The elements of gradients at which differences are taken: all of a small case, others in another one."""
    every = [(n, at) for n in op.differentiable for at in range(case.primals[n].size)]
    rng = np.random.default_rng(crc32(np.ascontiguousarray(case.cotangent).tobytes()))
    return every if len(every) <= ELEMENTS else [every[i] for i in rng.choice(len(every), ELEMENTS, replace=False)]


def _floats(case: Case) -> tuple[str, ...]:
    named = case.arrays.items()
    return tuple(n for n, a in named if a.dtype.name in FLOAT_DTYPES)
