"""Causes that lie in earlier calls: what of them stands in the result of a later one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ...calculus.model import Floats
from ...candidates.contain import call_of_candidate, said
from ...candidates.layer import Layer
from ...candidates.run import forward, hand_over, options_of, predictions
from ...cases.variations import variations
from ...claims.disagreement import Disagreement
from ...claims.judges import truth_for
from ...claims.referee import run_layer
from ...claims.state_checks import after_another
from ...data.arrays import same_bits
from ...data.case import Case
from ...data.result import Result
from ...sources.arguments import cotangent_of
from ..evidence import Evidence, same
from ..telling_cases import plain_case
from .formulas import shifted_softmax, softmax_vjp_with

SUMS = ("adds to an earlier call's result", "accumulates over the calls")


def of_history(layer: Layer, found: Disagreement) -> str:
    """What of an earlier call, or of an earlier backward pass, stands in the result of this one."""
    if found.second:
        return _of_second(layer, found)
    try:
        result = _after_history(layer, found)
    except Exception as error:
        if Evidence.of(layer, found.call).raised:
            return ""
        what = (error.message if isinstance(error, Disagreement) else said(error)).partition(":")[0]
        if found.elsewhere:
            return f"instances share memory: {what} after a forward pass of another one"
        return f"{what} after {_batch(found)}" if found.earlier else ""
    now = Evidence(found.call, Evidence.of(layer, found.call).truth, result)
    past = [Evidence.of(layer, case) for case in (*found.earlier, *filter(None, [found.between]))]
    if found.elsewhere and _again(layer, found, result):
        return f"{found.names[0]}: instances share memory: a forward pass of another one changes it"
    for r in now.actual if found.between is None else list(now.actual)[1:]:
        # one element may be like another by chance
        if now.wrong(r).sum() > 1 and now.computed(r).shape == now.expected(r).shape:
            for text, predicted in _from_the_past(now, past, r):
                met = predicted.shape == now.computed(r).shape and _met(now, r, predicted)
                if met and (text not in SUMS or _of_quarters(layer, found, now, past, r, text)):
                    return f"{r}: {text}"
    return ""


def _batch(found: Disagreement) -> str:
    """The earlier calls in words, by the size of their batches."""
    first = found.call.signature.primals[0]
    sizes = [len(case.primals[first]) for case in found.earlier if case.primals[first].ndim]
    now = len(found.call.primals[first]) if found.call.primals[first].ndim else 0
    if sizes and max(sizes) < now:
        return "a call with fewer samples"
    return "a call with more samples" if sizes and min(sizes) > now else "an earlier call"


def _again(layer: Layer, found: Disagreement, result: Result) -> bool:
    """Whether the same calls give the same once more, and something else without the one in between."""
    try:
        once_more = _after_history(layer, found)
        alone = run_layer(layer, found.call, layer.start()).result
    except Exception:
        return False
    names = found.names
    same_again = all(same_bits(once_more.named()[n], result.named()[n]) for n in names)
    return same_again and not all(same_bits(alone.named()[n], result.named()[n]) for n in names)


def _of_second(layer: Layer, found: Disagreement) -> str:
    """What a second backward pass, with another cotangent, gives instead of its own gradients."""
    first = Evidence.of(layer, found.case)
    now = Evidence(
        found.call, Evidence.of(layer, found.call).truth, after_another(layer, found.case, found.call).result
    )
    for r in found.names:
        if now.computed(r).shape != first.expected(r).shape:
            continue
        if _met(now, r, first.expected(r)):
            return f"{r}: a second backward pass gives what the first one gave, whatever its cotangent"
        if _met(now, r, first.expected(r) + now.expected(r)) and adds_up(layer, found.case, r):
            return f"{r} accumulates: a second backward adds to what the first one left"
    return ""


def adds_up(layer: Layer, case: Case, r: str) -> bool:
    """Whether a second backward pass, with a quarter of the cotangent, gives the sum of both.

    What is multiplied by a count of the calls looks like a sum while both cotangents are the same. Without a cotangent
    nobody can tell the two apart.
    """
    if not layer.has_cotangent:
        return True
    quarter = _quarter(case)
    first, truth = truth_for(layer, case).final(), truth_for(layer, quarter).final()
    try:
        now = Evidence(quarter, truth, after_another(layer, case, quarter).result)
    except Disagreement:
        return False
    predicted = first.enclosures[r].value + now.expected(r)
    return now.computed(r).shape == predicted.shape and _met(now, r, predicted)


def _of_quarters(
    layer: Layer, found: Disagreement, now: Evidence, earlier: Sequence[Evidence], r: str, text: str
) -> bool:
    """Whether the sum is met as well where the earlier calls had a quarter of their cotangents."""
    if r == "output" or not layer.has_cotangent:  # other results tell as much
        return any(not np.array_equal(e.expected(r), now.expected(r)) for e in earlier)
    past = [_quarter(case) for case in found.earlier]
    other = Disagreement(found.case, "", call=found.call, earlier=past, refilled=found.refilled)
    try:
        now = Evidence(found.call, now.truth, _after_history(layer, other))
    except Exception:  # of the candidate
        return False
    sums = [
        predicted for said, predicted in _from_the_past(now, [Evidence.of(layer, e) for e in past], r) if said == text
    ]
    return any(p.shape == now.computed(r).shape and _met(now, r, p) for p in sums)


def _quarter(case: Case) -> Case:
    return case.with_arrays({name: g * g.dtype.type(0.25) for name, g in case.cotangents.items()})


def of_plain_history(layer: Layer, dtype: str) -> str:
    """The same for plain cases that follow each other, where the failing ones have too few elements to tell."""
    case = plain_case(layer, dtype)
    for _, other in variations(case):
        found = of_history(layer, Disagreement(case, "", earlier=(other,)))
        if found:
            return found
    return ""


def _after_history(layer: Layer, found: Disagreement) -> Result:
    """What the failing call gives after the earlier ones, or with another forward pass in between its two."""
    session, case, arrays = layer.start(), found.call, hand_over(found.call)
    if found.between is not None:
        forward(session, layer, case, arrays)
        handed = cotangent_of(case, arrays) if layer.has_cotangent else predictions(session, case, arrays)
        forward(session, layer, found.between, hand_over(found.between))
        with call_of_candidate():
            late = session.backward(handed, {n: arrays[n] for n in case.primals}, options_of(layer, case))
        return Result(np.asarray(np.nan), {n: np.array(a) for n, a in late.items()})
    for earlier in found.earlier:
        before = hand_over(earlier)
        run_layer(layer, earlier, session, before)
        if found.refilled:
            for name, a in arrays.items():
                before[name][...] = a
            arrays = before
    return run_layer(layer, case, session, arrays).result


def _from_the_past(now: Evidence, past: Sequence[Evidence], r: str) -> Iterator[tuple[str, Floats]]:
    actual, expected = now.computed(r), now.expected(r)
    fitting = [e for e in past if e.expected(r).shape == expected.shape]
    for e in fitting:
        yield "equal to an earlier call's result", e.expected(r)
        yield SUMS[0], expected + e.expected(r)
    for e in past:
        rows = len(e.expected(r)) if e.expected(r).ndim else 0
        if rows < len(expected) and e.expected(r).shape[1:] == expected.shape[1:]:
            cut = expected.copy()
            cut[rows:] = 0
            yield "all zero in the samples that an earlier call did not have", cut
    if fitting:
        yield SUMS[1], expected + sum(e.expected(r) for e in fitting)
    op = now.case.signature
    if op.has_logits_alone and past:
        top = max(float(e.first.max()) for e in (*past, now))
        s = shifted_softmax(now, lambda x: np.maximum(x.max(axis=-1, keepdims=True), x.dtype.type(top)))
        kept = s if r == "output" else softmax_vjp_with(now, s)
        yield "the largest input of an earlier call is kept as the maximum", kept
    for e in fitting:
        stale = now.wrong(r) & (np.abs(actual - e.expected(r)) <= 4 * e.bound(r))
        where = " where the unit is masked" if op.has_one_primal and not (stale & (now.first > 0)).any() else ""
        yield f"keeps elements of an earlier call's result{where}", np.where(stale, e.expected(r), expected)
    if now.is_gradient(r):
        for e in past:
            for name, mine in now.case.arrays.items():
                then = e.case.arrays[name]
                if then.shape == mine.shape and not np.array_equal(then, mine):
                    kept = then if name in set(op.primals) - set(op.differentiable) else then.astype(np.float64)
                    instead = now.instead(**{name: kept}).get(r)
                    if instead is not None:
                        yield f"uses the {name} of an earlier call", instead


def _met(e: Evidence, r: str, predicted: Floats) -> bool:
    reach = 64 * e.bound(r) + 64 * e.unit_roundoff * np.abs(predicted)
    return bool(same(e.computed(r), predicted, np.where(np.isfinite(reach), reach, 0.0)).all())
