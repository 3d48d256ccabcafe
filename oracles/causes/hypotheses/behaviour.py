"""Causes that show in what a layer does from call to call: with a copy, after another call, twice, in dirty memory."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...candidates.interchange import as_array
from ...candidates.layer import Layer
from ...candidates.run import backward, forward, hand_over, parameters
from ...candidates.sessions import ClassSession
from ...cases.variations import contiguous
from ...claims.checks import with_integers
from ...claims.disagreement import Disagreement, Kind
from ...claims.referee import run_layer
from ...claims.state_checks import right_elsewhere
from ...data.arrays import Array, is_plain, same_bits
from ...data.case import Case
from ...sources.registry import LayerError
from ..evidence import Evidence, same
from ..telling_cases import plain_case
from .history import adds_up

_READ = ("output", "weights", "biases")  # by whoever uses the layer; what else it keeps is for its own backward pass
_METHODS = ("forward", "backward")
PATTERNS = (1234.5, -4321.25)


def of_attributes(layer: Layer, found: Disagreement) -> str:
    """A method or attribute that is not there, inputs never stored, a parameter replaced."""
    case = found.origin if "did not set" in found.message else plain_case(layer, found.origin.dtype.name)
    session, arrays = layer.start(), hand_over(case)
    try:
        done = run_layer(layer, case, session, arrays)
    except Disagreement as raised:
        error = raised.__cause__
        if isinstance(error, LayerError) and "did not set" in str(error):
            return str(error)
        if isinstance(session, ClassSession):
            if session.object is None and isinstance(error, TypeError):
                first = next(iter(case.signature.parameters), "")
                how = f"the sizes of its {first}" if first else "no arguments"
                return f"it cannot be made with {how}"
            if isinstance(error, AttributeError) and error.obj is session.object and error.name in _METHODS:
                return f"it has no method {error.name}"
            if isinstance(error, AttributeError) and error.obj is session.object:
                return f"its attribute {error.name!r} is read and was never set"
            if isinstance(error, AttributeError) and _holds(session, error.obj) and not _stored(session, arrays):
                return "forward does not store its inputs, which backward needs"
        return ""
    for name, (held, now) in parameters(session).items():
        gradient = done.result.gradients[name]
        if held is not arrays[name] and np.array_equal(now, gradient, equal_nan=True):
            return f"its parameter {name} was replaced by its gradient"
        if (found.second or found.kind in (Kind.PARAMETER, Kind.REPEAT)) and not same_bits(now, done.before[name]):
            return f"its parameter {name} was replaced"
    return ""


def _holds(session: ClassSession, value: object) -> bool:
    """Whether an attribute is that very value: something else than what should have been stored there."""
    return any(v is value for v in getattr(session.object, "__dict__", {}).values())


def _stored(session: ClassSession, arrays: Mapping[str, Array]) -> bool:
    """Whether a forward pass leaves its first argument, a copy or a mask of it, in an attribute."""
    if not hasattr(session.object, "__dict__"):
        return True
    first = next(iter(arrays.values()))
    kept = [v for n, v in vars(session.object).items() if isinstance(v, np.ndarray) and n not in _READ]
    if session.op.has_one_primal and any(v.shape == first.shape for v in kept):
        return True
    return any(np.shares_memory(v, first) or np.array_equal(v, first, equal_nan=True) for v in kept)


def of_writes(layer: Layer, case: Case) -> str:
    """An argument that either pass writes to."""
    try:
        done = run_layer(layer, case, layer.start())
    except Disagreement:
        return ""
    changed = [name for name, a in done.handed.items() if not same_bits(a, done.before[name])]
    return f"overwrote its argument {changed[0]}" if changed else ""


def of_output(layer: Layer, case: Case) -> str:
    """An output that is right until the backward pass writes to it."""
    session, arrays = layer.start(), hand_over(case)
    try:
        output = forward(session, layer, case, arrays)
        before = as_array("output", output).copy()
        backward(session, layer, case, arrays, output)
        after = as_array("output", output)
    except Exception:
        return ""
    return "" if same_bits(before, after) else "backward overwrote the output of forward"


def of_cache(layer: Layer, case: Case) -> str:
    """Elements that become right when a value changes that they do not depend on: in another row."""
    run = Evidence.of(layer, case)
    if (
        case.signature.parameters
        or case.signature.special_values != "all"
        or run.first.ndim != 2
        or len(run.first) < 2
        or run.raised
    ):
        return ""
    r = next((r for r in run.actual if run.wrong(r).shape == run.first.shape and run.wrong(r)[1:].any()), None)
    if r is None or not right_elsewhere(layer, case):
        return ""
    return f"{r} is that of an earlier call: right once a value in another row changes, as with a cache"


def of_layout(layer: Layer, case: Case) -> str:
    """The arrays of which a contiguous copy makes the layer right; it may say itself that it takes no others."""
    run = Evidence.of(layer, case)
    if not _is_wrong(run):
        return ""
    guilty = []
    arrays = case.arrays
    odd = [name for name, a in arrays.items() if not is_plain(a)]
    if not layer.has_cotangent:
        odd = [name for name in odd if name != "cotangent"]
    for name in odd:
        if not _is_wrong(Evidence.of(layer, contiguous(case, [name]))):
            guilty.append(name)
    if not guilty and odd and not _is_wrong(Evidence.of(layer, contiguous(case, odd))):
        guilty = odd
    if guilty and run.raised:
        return f"{run.raised.partition(':')[0]} where an array is not contiguous: it refuses such arrays"
    return f"reads raw memory: right for a contiguous copy of the {' or the '.join(guilty)}" if guilty else ""


def _is_wrong(run: Evidence) -> bool:
    return bool(run.raised) or any(run.wrong(r).any() for r in run.actual)


def of_memory(layer: Layer, case: Case) -> str:
    """Results that hold what was left in memory, or that differ from one run to the next."""
    found = [_after_dirt(layer, case, pattern) for pattern in PATTERNS]
    if any(run.raised for run in found):
        return ""
    for r in found[0].actual:
        a, b = (run.computed(r) for run in found)
        if a.shape != b.shape or np.array_equal(a, b, equal_nan=True):
            continue
        if any((run.computed(r) == p).any() for run, p in zip(found, PATTERNS, strict=True)):
            return f"{r} is uninitialised: it holds what was left in memory"
        return f"{r} differs between runs on the same arguments"
    return ""


def _after_dirt(layer: Layer, case: Case, pattern: float) -> Evidence:
    """A run whose backward pass finds memory that arrays of the sizes of its results, full of a pattern, gave back."""
    truth, session, arrays = Evidence.of(layer, case).truth, layer.start(), hand_over(case)
    try:
        output = forward(session, layer, case, arrays)
        shapes = {a.shape for a in (*case.primals.values(), case.cotangent)} | {()}
        dirt = [np.full(shape, pattern, case.dtype) for shape in shapes for _ in range(16)]
        del dirt
        return Evidence(case, truth, backward(session, layer, case, arrays, output).result)
    except Exception as error:
        return Evidence(case, truth, None, str(error))


def of_repetition(layer: Layer, case: Case) -> str:
    """What a second backward pass gives, where it gives something else than the first."""
    session, arrays = layer.start(), hand_over(case)
    try:
        output = forward(session, layer, case, arrays)
        once = backward(session, layer, case, arrays, output).result.named()
        twice = backward(session, layer, case, arrays, output).result.named()
    except Exception:
        return ""
    for r, first in once.items():
        a, b = first.astype(np.float64), twice[r].astype(np.float64)
        doubled = a.shape == b.shape and (a != b).any() and same(b, 2 * a, np.abs(a) * 1e-2).all()
        if r not in case.signature.outputs and doubled and adds_up(layer, case, r):
            return f"{r} accumulates: a second backward adds to what the first one left"
    return of_memory(layer, case)


def of_counting(layer: Layer, case: Case) -> str:
    """What is another result each time the same instance is called on the same arguments."""
    session, arrays = layer.start(), hand_over(case)
    try:
        once, twice = (run_layer(layer, case, session, arrays).result.named() for _ in range(2))
    except Exception:
        return ""
    changed = [r for r, a in once.items() if not same_bits(a, twice[r])]
    return f"{changed[0]} is another one each time it is called, on the same arguments" if changed else ""


def of_integers(layer: Layer, case: Case) -> str:
    """Gradients truncated because the inputs were integers."""
    try:
        integers, result = with_integers(layer, case)
    except Disagreement as found:
        return f"{found.message.partition(':')[0]} with integer inputs"
    run = Evidence(integers, Evidence.of(layer, integers).truth, result)
    for r in run.actual:
        if not run.wrong(r).any():
            continue
        a, t = run.computed(r), run.expected(r)
        if result.named()[r].dtype.kind in "iu" and a.shape == t.shape and (np.abs(a - t) < 1).all():
            return f"{r} is truncated: it is allocated with the dtype of the integer inputs"
        if a.shape == t.shape and (a == np.trunc(a)).all() and (np.abs(a - t) < 1).all():
            return f"{r} is truncated to integers with integer inputs"
    return ""
