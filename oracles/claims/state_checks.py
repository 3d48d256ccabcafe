"""The claims on what lasts from call to call: repeatable, stateless."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

import numpy as np

from ..candidates.contain import call_of_candidate, contained
from ..candidates.interchange import as_array
from ..candidates.layer import Layer
from ..candidates.run import Run, backward, forward, hand_over, options_of, predictions
from ..candidates.sessions import Session
from ..candidates.traced import TracedSession
from ..cases.variations import negated, variations
from ..data.arrays import Array, element_strides, same_bits, strided
from ..data.case import Case
from ..data.result import Result
from ..sources.arguments import cotangent_of
from .disagreement import Disagreement, Kind, raising_is_wrong
from .judges import truth_for
from .referee import applies, hold, judge_layer, run_layer
from .truth import Truth

MANY = "many other calls"
SAME = "the same values"


def repeatable(layer: Layer, case: Case) -> None:
    """The same call gives the same bits: again, after a second backward, and from another instance."""
    session, arrays = layer.start(), hand_over(case)
    first = run_layer(layer, case, session, arrays)
    kept = {name: a.copy() for name, a in first.result.named().items()}
    kept_whole = {name: a.copy() for name, a in first.returned.items()}  # a loss's output may be one value a sample
    calls: tuple[tuple[str, Callable[[], Run]], ...] = (
        ("the same call again", lambda: run_layer(layer, case, session, arrays)),
        ("a second backward", lambda: _again(layer, case, session, arrays)),
        ("another instance", lambda: run_layer(layer, case, layer.start(), arrays)),
    )
    for what, again in calls:
        for name, a in again().result.named().items():
            if not same_bits(a, kept[name]):
                at = _first_difference(a, kept[name])
                message = f"{name} is not what it was before, after {what}{at}"
                raise Disagreement(case, message, kind=Kind.REPEAT, names=[name, what])
    *_, other = case, *(varied for _, varied in variations(case))
    for _ in range(later_calls(layer, case)):
        run_layer(layer, other, session)
    with raising_is_wrong(case), contained():
        by_now = {name: first.now(name) for name in first.returned}
    for name, now in by_now.items():
        if not same_bits(now, kept_whole[name]):
            message = f"{name} of an earlier call was overwritten by a later one"
            raise Disagreement(case, message, kind=Kind.REPEAT, names=[name, "overwritten"], between=other)
    for name, a in run_layer(layer, case, session, arrays).result.named().items():
        if not same_bits(a, kept[name]):
            message = f"{name} is not what it was before, after {MANY}{_first_difference(a, kept[name])}"
            raise Disagreement(case, message, kind=Kind.REPEAT, names=[name, MANY], between=other)


def later_calls(layer: Layer, case: Case) -> int:
    """How many calls follow: buffers may be used in turn, and a counter may run out; a few where a call is slow."""
    slow = case.size > 16 or layer.framework is not None
    return 2 if slow else 24


def stateless(layer: Layer, case: Case) -> str:
    """A result does not depend on earlier calls: other values, scales, batch sizes, the same first sample."""
    truth = truth_for(layer, case)
    try:
        judge_layer(layer, case, truth)
    except Disagreement:  # another check's business
        return "the layer is wrong from the first call on"
    session = layer.start()
    earlier: list[tuple[str, Case]] = []
    for what, other in variations(case):
        if not applies(layer, other) or (what == "more samples" and _compiles(layer)):
            continue
        of_other = truth_for(layer, other)
        for now, expected, has in ((other, of_other, what), (case, truth, SAME)):
            try:
                judge_layer(layer, now, expected)
            except Disagreement as found:
                if right_elsewhere(layer, now):
                    _raise_with_history(
                        case, f"a case with {what}, another instance having seen one like it: ", found, now, (case,)
                    )
                continue
            try:
                hold(now, expected.judge(run_layer(layer, now, session).result))
            except Disagreement as found:
                those, before = _fewest(layer, now, earlier)
                prefix = f"a case with {what}, after other calls: " if now is other else f"after {those}: "
                _raise_with_history(case, prefix, found, now, before)
            earlier.append((has, now))
        if any(one is other for _, one in earlier):  # and so right by itself
            _refilled(layer, case, other, what, of_other)
        _forward_in_between(layer, case, other, what, truth, elsewhere=True)
        if not layer.has_cotangent:
            _forward_in_between(layer, case, other, what, truth, elsewhere=False)
    _second_backward(layer, case)
    return ""


def _compiles(layer: Layer) -> bool:
    """Whether a new shape costs a compilation: of JAX, whose functions keep nothing from call to call."""
    return layer.framework is not None and layer.framework.name == "jax"


def _raise_with_history(
    case: Case, prefix: str, found: Disagreement, now: Case, earlier: Sequence[Case], *, refilled: bool = False
) -> NoReturn:
    raise Disagreement(
        case,
        prefix + found.message,
        found.margin,
        kind=found.kind,
        names=found.names,
        call=now,
        earlier=earlier,
        refilled=refilled,
        comparisons=found.comparisons,
    ) from None


def right_elsewhere(layer: Layer, case: Case) -> bool:
    """Whether the layer is right once the first value is another: what was wrong is then kept from earlier calls."""
    name = case.signature.primals[0]
    for step in (0.125, 0.25, 0.375):
        a = strided(case.primals[name], element_strides(case.primals[name]))
        if not a.size or not np.isfinite(a.flat[0]):
            return False
        a.flat[0] += a.dtype.type(step)
        try:
            changed = case.with_arrays({name: a})
            judge_layer(layer, changed, truth_for(layer, changed))
        except Disagreement:
            return False
    return True


def _fewest(layer: Layer, now: Case, earlier: Sequence[tuple[str, Case]]) -> tuple[str, Sequence[Case]]:
    """One earlier call alone, if it is enough to make `now` fail, and all of them otherwise; in words as well."""
    for what, one in reversed(earlier):
        session = layer.start()
        try:
            run_layer(layer, one, session)
            hold(now, truth_for(layer, now).judge(run_layer(layer, now, session).result))
        except Disagreement:
            return f"a call with {what}", (one,)
    return "other calls", [one for _, one in earlier]


def _refilled(layer: Layer, case: Case, other: Case, what: str, truth: Truth) -> None:
    """Arrays may be filled again between calls: a layer that knows them by identity would return what it had."""
    session, arrays = layer.start(), hand_over(case)
    run_layer(layer, case, session, arrays)
    again = hand_over(other)
    if session.handed() or any(a.shape != arrays[n].shape or not arrays[n].flags.writeable for n, a in again.items()):
        return  # it was handed conversions, which are copies
    for name, a in again.items():
        arrays[name][...] = a
    try:
        hold(other, truth.judge(run_layer(layer, other, session, arrays).result))
    except Disagreement as found:
        prefix = f"in arrays that a call used before and that now hold a case with {what}: "
        _raise_with_history(case, prefix, found, other, (case,), refilled=True)


def _forward_in_between(layer: Layer, case: Case, other: Case, what: str, truth: Truth, *, elsewhere: bool) -> None:
    """A backward pass after a forward pass on something else: of another instance, where it must not matter to any.

    Of the same instance it must not matter to a loss, whose backward is handed its predictions and labels.
    """
    try:
        with contained():
            forward(layer.start(), layer, other, hand_over(other))
    except Exception:  # of itself: another check's business
        return
    session, arrays = layer.start(), hand_over(case)
    third = layer.start() if elsewhere else session
    try:
        with raising_is_wrong(case), contained():
            forward(session, layer, case, arrays)
            if elsewhere and isinstance(session, TracedSession) and session.parameters():
                return  # one module may serve every session
            handed = cotangent_of(case, arrays) if layer.has_cotangent else predictions(session, case, arrays)
            forward(third, layer, other, hand_over(other))
            with call_of_candidate():
                late = session.backward(handed, {n: arrays[n] for n in case.primals}, options_of(layer, case))
            gradients = {n: as_array(f"d{n}", late[n]) for n in case.signature.differentiable}
        found = truth.judge(Result.of(case.signature, {f"d{n}": g for n, g in gradients.items()}))
        hold(case, {n: c for n, c in found.items() if n not in case.signature.outputs})
    except Disagreement as wrong:
        whose = " of another instance" if elsewhere else ""
        wrong.message = f"with a forward pass{whose} on {what} in between: {wrong.message}"
        wrong.between, wrong.elsewhere = other, elsewhere
        raise


def _second_backward(layer: Layer, case: Case) -> None:
    """A second backward pass, with another cotangent: what the first one gave is not kept until the next forward."""
    other = negated(case)
    if not layer.has_cotangent or not any(g.any() for g in case.cotangents.values()) or not applies(layer, other):
        return
    try:
        late = after_another(layer, case, other).result
        found = truth_for(layer, other).judge(late)
        hold(case, {n: c for n, c in found.items() if n not in case.signature.outputs})
    except Disagreement as wrong:
        wrong.message = f"in a second backward pass, with another cotangent: {wrong.message}"
        wrong.call, wrong.second = other, True
        raise


def after_another(layer: Layer, case: Case, other: Case) -> Run:
    """The backward pass of `other`, which differs in its cotangent, after that of `case` and the same forward pass."""
    session, arrays = layer.start(), hand_over(case)
    with raising_is_wrong(case), contained():
        output = forward(session, layer, case, arrays)
        backward(session, layer, case, arrays, output)
        arrays |= {name: a for name, a in hand_over(other).items() if name in other.cotangents}
        return backward(session, layer, other, arrays, output)


def _again(layer: Layer, case: Case, session: Session, arrays: Mapping[str, Array]) -> Run:
    with raising_is_wrong(case), contained():
        output = forward(session, layer, case, arrays)
        backward(session, layer, case, arrays, output)
        return backward(session, layer, case, arrays, output)


def _first_difference(a: Array, b: Array) -> str:
    if a.shape != b.shape:
        return f" (shape {a.shape}, was {b.shape})"
    different = np.argwhere(~((a == b) | ((a != a) & (b != b))))
    if not len(different):
        return ""
    at = tuple(int(i) for i in different[0])
    return f" (at {at}: {float(a[at])!r}, was {float(b[at])!r})"
