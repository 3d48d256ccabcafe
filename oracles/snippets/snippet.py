"""A failure as code that shows it in a fresh interpreter, with NumPy, the candidate, and nothing of this project."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..candidates.layer import Layer
from ..claims.checks import as_integers
from ..claims.disagreement import Disagreement, Kind
from ..claims.judges import judged_by, truth_for
from ..claims.state_checks import MANY, later_calls
from ..data.arrays import code
from ..data.case import Case
from .code_of_calls import Calls, calls_of
from .snippet_helpers import HELPERS

LIMIT = 400  # elements of an array that is written out


def snippet(layer: Layer, found: Disagreement) -> str:
    """Code that fails as the layer did; "" where gradients are not linear: of three calls none is wrong alone."""
    if found.kind == Kind.LINEAR:
        return ""
    candidate = calls_of(layer)
    candidate.run(layer, found.call)
    body = "\n".join(_body(layer, candidate, found))
    parts = [*candidate.lines]
    needed = {name for name in HELPERS if f"{name}(" in body}
    needed |= {"host"} if "memory" in needed else set()
    helpers = [text for name, text in HELPERS.items() if name in needed]
    imports = ["import base64", "import zlib"] if "packed(" in body else []
    imports += ["import ml_dtypes  # NumPy's bfloat16"] if "bfloat16" in body else []
    names = [n for n in ("array", "inf", "nan") if n in body]
    imports += ["import numpy as np", *([f"from numpy import {', '.join(names)}"] if names else [])]
    # what the candidate's lines import is imported once
    kept = [line for i, line in enumerate(parts) if not (line.startswith("import ") and line in parts[:i])]
    return "\n".join([*imports, *kept, "", *helpers, body]) + "\n"


def _body(layer: Layer, candidate: Calls, found: Disagreement) -> Iterator[str]:
    case = found.call
    if candidate.make(case):
        yield candidate.make((*found.earlier, case)[0])
    for i, earlier in enumerate(found.earlier):
        yield f"# an earlier call of the same instance{'' if len(found.earlier) == 1 else f', {i + 1}'}"
        yield from _arrays(layer, earlier)
        yield from _call(candidate, earlier)
    if found.earlier:
        yield f"# the call that then fails{', with other values in the same arrays' if found.refilled else ''}"
    for line in _arrays(layer, case, integers=found.kind == Kind.INTEGERS):
        yield line.replace(" = ", "[...] = ", 1) if found.refilled else line
    writer = {
        Kind.ARGUMENT: _argument,
        Kind.PARAMETER: _parameter,
        Kind.ALIAS: _alias,
        Kind.REPEAT: _repeat,
        Kind.NARROW: _narrow,
        Kind.RAISED: _raised,
    }.get(found.kind, _value if found.names else _raised)
    yield from writer(layer, candidate, found)


def _names(case: Case) -> dict[str, str]:
    names = {n: n for n in case.arrays}
    names["predictions"] = case.signature.primals[0] if case.signature.rows == "probabilities" else "predictions"
    return names


def _gradients(case: Case) -> dict[str, str]:
    return {n: f"d{n}" for n in case.signature.differentiable}


def _arrays(layer: Layer, case: Case, *, integers: bool = False) -> Iterator[str]:
    for name, a in case.arrays.items():
        if name in case.cotangents and not layer.has_cotangent:
            continue
        if integers and name == case.signature.primals[0]:
            a = as_integers(case)
        yield f"{name} = {code(a, limit=LIMIT)}"


def _call(candidate: Calls, case: Case) -> Iterator[str]:
    yield from candidate.forward(case, _names(case), "output")
    yield from candidate.backward(case, _names(case), _gradients(case))


def _passes(layer: Layer, candidate: Calls, found: Disagreement) -> Iterator[str]:
    """The two passes of the call that fails, with what came between them."""
    case = found.call
    yield from candidate.forward(case, _names(case), "output")
    if found.between is not None:
        whose = " of another instance" if found.elsewhere else ""
        yield f"# a forward pass{whose} on other arguments in between"
        if found.elsewhere and candidate.make(found.between):
            yield from ("mine = layer", candidate.make(found.between))
        renamed = {n: f"other_{n}" for n in _names(found.between)}
        for line in _arrays(layer, found.between):
            yield f"other_{line}"
        yield from candidate.forward(found.between, renamed, "other_output")
        if found.elsewhere and candidate.make(found.between):
            yield "layer = mine"
    if found.second:
        first = {name: f"first_{name}" for name in case.cotangents}
        for name, g in found.case.cotangents.items():
            yield f"{first[name]} = {code(g, limit=LIMIT)}"
        yield from candidate.backward(case, {**_names(case), **first}, _gradients(case))
        yield "# a second backward pass, with another cotangent"
    yield from candidate.backward(case, _names(case), _gradients(case))


def _value(layer: Layer, candidate: Calls, found: Disagreement) -> Iterator[str]:
    yield from _passes(layer, candidate, found)
    case = judged = found.call
    result = found.names[0]
    if found.kind == Kind.INTEGERS:
        whole = as_integers(case).astype(case.dtype)
        judged = case.with_arrays({case.signature.primals[0]: whole})
    truth = truth_for(layer, judged).final()
    exact, certified = "the exact value, rounded to float64", "the certified bound on the error"
    if judged_by(layer) != "exact":
        exact, certified = f"by {judged_by(layer)}, in float64", "an estimated bound on the error"
    yield f"expected = {code(truth.enclosures[result].value, limit=LIMIT)}  # {exact}"
    yield f"allowed = {code(np.asarray(truth.bounds[result]), limit=LIMIT)}  # {certified}"
    mean = result == "output" and not layer.has_cotangent
    yield f"holds({'np.mean(output, dtype=np.float64)' if mean else result}, expected, allowed)"


def _raised(layer: Layer, candidate: Calls, found: Disagreement) -> Iterator[str]:
    yield f"# {found.message}"
    yield from _passes(layer, candidate, found)


def _argument(layer: Layer, candidate: Calls, found: Disagreement) -> Iterator[str]:
    (name,) = found.names
    case = found.call
    names = _names(case)
    if name == "predictions":
        yield from candidate.forward(case, names, "output")
        yield f"before = {names[name]}.copy()"
        yield from candidate.backward(case, names, _gradients(case))
    else:
        yield f"before = {name}.copy()"
        yield from _call(candidate, case)
    yield f"assert same({candidate.now(names[name])}, before), {found.message!r}"


def _parameter(layer: Layer, candidate: Calls, found: Disagreement) -> Iterator[str]:
    (name,) = found.names
    yield from _call(candidate, found.call)
    held = f"host(layer.{name})" if candidate.converts else f"layer.{name}"
    yield f"assert same({held}, {name}), {found.message!r}"


def _alias(layer: Layer, candidate: Calls, found: Disagreement) -> Iterator[str]:
    one, other = found.names
    yield from _call(candidate, found.call)
    other = other.removeprefix("its argument ")
    other = _names(found.call).get(other, other)
    yield f"assert not np.shares_memory({candidate.place(one)}, {candidate.place(other)}), {found.message!r}"


def _narrow(layer: Layer, candidate: Calls, found: Disagreement) -> Iterator[str]:
    (name,) = found.names
    primal = found.call.primals.get(name.removeprefix("d"))
    dtype = found.call.dtype if primal is None else primal.dtype
    yield from _call(candidate, found.call)
    yield f"assert np.can_cast('{dtype}', {name}.dtype), {found.message!r}"


def _repeat(layer: Layer, candidate: Calls, found: Disagreement) -> Iterator[str]:
    result, what = found.names
    case = found.call
    names = _names(case)
    yield from _call(candidate, case)
    yield f"first, kept = {candidate.raw(result)}, np.array({result})"
    if what == "another instance" and candidate.make(case):
        yield candidate.make(case)
    last: list[str] = []
    if what in ("overwritten", MANY) and found.between is not None:
        yield "# other calls"
        yield from _arrays(layer, found.between)
        yield f"for _ in range({later_calls(layer, case)}):"
        yield from (f"    {line}" for line in _call(candidate, found.between))
        if what == MANY:
            yield from _arrays(layer, case)
            last = list(_call(candidate, case))
    elif what == "a second backward":
        yield from candidate.forward(case, names, "output")
        yield from candidate.backward(case, names, _gradients(case))
        yield from candidate.backward(case, names, _gradients(case))
    else:
        last = list(_call(candidate, case))
    first = "host(first)" if candidate.converts else "np.asarray(first)"
    now = first if what == "overwritten" else f"np.asarray({result})"
    check = f"assert same({now}, kept), {found.message!r}"
    if last:  # what differs at random may take several calls to differ
        yield "for _ in range(100):"
        yield from (f"    {line}" for line in (*last, check))
    else:
        yield check
