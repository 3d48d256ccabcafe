"""The truth of an op without a definition: the frameworks' own functions of it, differentiated in float64.

The frameworks are compared with each other first. Nothing can be derived: the allowed error is an estimate
(`estimate.py`), and reports say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from itertools import combinations
from typing import Any

import numpy as np

from reference import InputError

from ..calculus.model import ARITHMETIC, Floats
from ..candidates.contain import said
from ..data.arrays import FLOAT_DTYPES, Array
from ..data.case import Case
from ..ops import Op
from ..sources.enclosure import Enclosure
from ..sources.registry import OracleUnavailable, load
from .estimate import OWN, Effects, Results, effects, own_error, stored
from .truth import Truth


@lru_cache(maxsize=64)
def sources(op: Op) -> tuple[str, ...]:
    """The frameworks with a function of the op that can run here, in the order they were declared."""
    found = []
    for name in op.frameworks:
        try:
            load(name)
        except OracleUnavailable:
            continue
        found.append(name)
    return tuple(found)


def framework_truth(op: Op, case: Case) -> Truth:
    """The truth of a case by the op's framework primals: that of the first, unclaimed where another disagrees.

    Raises InputError where a primal raises, or the case is none of the op.
    """
    check_case(op, case)
    shape = shape_of(op, case.primals)
    if shape != case.cotangent.shape:
        wanted = f"{shape}, that of the output of {op.name}"
        raise InputError(f"cotangent: expected shape {wanted}, got {case.cotangent.shape}")
    arrays, names = widened(case), _moving(case)
    found = {name: _results(name, case, arrays) for name in sources(op)}
    first = sources(op)[0]
    value = found[first]
    function = partial(_results, first, case)
    effect = effects(function, arrays, value, names)
    own, lost, unknown = _own_errors(op, case, arrays, names, value)
    wide, narrow = ARITHMETIC["float64"], ARITHMETIC[case.dtype.name]
    bounds, disputes = {}, unknown
    for r, v in value.items():
        exact = _allowed(effect, r, v, own, wide.v)
        bound = np.where(lost[r], np.inf, stored(narrow, v, exact + _allowed(effect, r, v, own, narrow.v)))
        for one, other in combinations(found, 2):
            a, b = found[one][r], found[other][r]
            apart = _apart(a, b, 2 * stored(wide, v, exact))
            if apart.any():
                at = tuple(int(i) for i in np.argwhere(apart)[0])
                where = f"at {apart.sum()} of {apart.size} elements; at {at}: {float(a[at])!r} and {float(b[at])!r}"
                about = f"{one} and {other} disagree on {r} of {op.name}"
                disputes.append((about, f", {where}; a layer is not judged there"))
                bound = np.where(apart, np.inf, bound)
        bounds[r] = bound
    enclosures = {r: Enclosure.exact(v) for r, v in value.items()}
    # what no framework agrees on is no truth: a number stands there, which an infinite bound leaves unjudged
    for r, e in enclosures.items():
        unclaimed = np.isinf(bounds[r]) & ~np.isfinite(e.value)
        enclosures[r] = Enclosure.exact(np.where(unclaimed, 0.0, e.value))
    return Truth(case, enclosures, bounds, (), lambda changed: function({**arrays, **changed}), tuple(disputes))


def shape_of(op: Op, arrays: Mapping[str, Array]) -> tuple[int, ...]:
    """The shape of the output for these primals, by the first framework. InputError where it raises."""
    key = (op, *((n, a.shape) for n, a in arrays.items()))
    if key not in _SHAPES:
        name = sources(op)[0]
        adapter: Any = load(name).module
        try:
            given = {n: adapter.share(_wide(arrays[n]), "cpu") for n in op.primals}
            _SHAPES[key] = tuple(adapter.tracer(op, op.function_in(name), "cpu")(given, op.options)[0].shape)
        except Exception as error:
            raise InputError(_raised(op, name, error, arrays)) from error
    return _SHAPES[key]


_SHAPES: dict[object, tuple[int, ...]] = {}


def check_case(op: Op, case: Case) -> None:
    """InputError unless the case is one of the op."""
    signature = case.signature
    if (case.op, signature.primals, signature.differentiable) != (op.name, op.primals, op.differentiable):
        raise InputError(f"case: expected one of {op.name} of {', '.join(op.primals)}, got {case!r}")


def arrays_of(case: Case) -> dict[str, Array]:
    """The case's arrays as plain copies."""
    return {n: np.array(a, order="C") for n, a in case.arrays.items()}


def widened(case: Case) -> dict[str, Array]:
    """The case's arrays in float64, integers as they are."""
    return {n: _wide(a) for n, a in arrays_of(case).items()}


def _wide(a: Array) -> Array:
    return np.array(a, np.float64 if a.dtype.name in FLOAT_DTYPES else None, order="C")


def _moving(case: Case) -> tuple[str, ...]:
    """The names of the arrays of floats."""
    return tuple(n for n, a in arrays_of(case).items() if a.dtype.name in FLOAT_DTYPES)


def _own_errors(
    op: Op, case: Case, arrays: Mapping[str, Array], names: tuple[str, ...], value: Results
) -> tuple[dict[str, Floats], dict[str, Array], list[tuple[str, str]]]:
    """The frameworks' own errors in units of roundoff, where they leave the range, and whose could not be had.

    Nothing is claimed where they leave it. Of float64 nothing wider is at hand: its errors are those of float32, which
    to first order differ by the roundoff.
    """
    dtype = np.dtype(np.float32) if case.dtype == np.float64 else case.dtype
    unknown: list[tuple[str, str]] = []
    own = {r: np.zeros(v.shape) for r, v in value.items()}
    lost = {r: np.zeros(v.shape, bool) for r, v in value.items()}
    for source in sources(op):
        function = partial(_results, source, case)
        try:
            for r, error in own_error(function, function, arrays, dtype, names).items():
                own[r] = np.maximum(own[r], error)
            if dtype == case.dtype:
                there = function(arrays_of(case))
                lost |= {r: lost[r] | (np.isfinite(v) & ~np.isfinite(there[r])) for r, v in value.items()}
        except InputError as refused:  # most often it has no such op in that dtype
            unknown.append((f"{source}'s own error in {dtype} is not known", f": {refused}"))
    return own, lost, unknown


def _allowed(effect: Effects, r: str, value: Floats, own: Results, u: float) -> Floats:
    return np.asarray(effect.allowed(r, value, u) + OWN * u * own[r])


def _apart(a: Floats, b: Floats, allowed: Floats) -> Array:
    same = (a == b) | (np.isnan(a) & np.isnan(b)) | (np.abs(a - b) <= allowed)
    return np.asarray(~same)


def _results(name: str, like: Case, arrays: Mapping[str, Array]) -> dict[str, Floats]:
    """What a framework gives, in float64. InputError where its function raises: the op was declared wrongly."""
    op = like.signature
    try:
        with np.errstate(all="ignore"):
            case = Case(op, {n: arrays[n] for n in op.primals}, arrays["cotangent"], like.options)
            return {n: a.astype(np.float64) for n, a in load(name).vjp(case).named().items()}
    except Exception as error:
        raise InputError(_raised(op, name, error, arrays)) from error


def _raised(op: Op, name: str, error: Exception, arrays: Mapping[str, Array]) -> str:
    shapes = ", ".join(f"{n} {a.shape} {a.dtype}" for n, a in arrays.items())
    return f"{op.name}: its {name} function {said(error)} on {shapes}"
