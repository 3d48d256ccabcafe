"""The claims a layer is held to, one function each, and the cases each is tried on.

A claim raises Disagreement where the layer breaks it. Claims on values differ only in their cases, so that a failure
says what it takes: a memory layout, a size, a form of the labels, a special value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import Array, same_bits
from ..case import Case, Result
from . import pools
from .bounds import ARITHMETIC
from .cases import Variety
from .contain import contained, said
from .frames import Frame
from .interchange import as_array
from .layer import Layer
from .referee import hold, judge_layer, run_layer, truth_for
from .run import Run, backward, forward, hand_over, parameters, predictions
from .search import Disagreement
from .sessions import Session
from .traced import TracedSession
from .variations import variations

PLAIN = Variety(layouts=False, special=False)


Judge = Callable[[Layer, Case], None]


@dataclass(frozen=True)
class Check:
    """A claim, the kind of cases it is tried on, and which frames of a pool those have."""

    name: str
    judge: Judge
    variety: Variety
    frames: Callable[[Layer, int], Sequence[Frame]]
    share: float  # of the examples of a run


def values(layer: Layer, case: Case) -> None:
    """The output and every gradient are within their bounds."""
    judge_layer(layer, case, truth_for(layer, case))


def arguments_untouched(layer: Layer, case: Case) -> None:
    """Neither pass writes to what it is handed, nor replaces the parameters of the layer."""
    session = layer.start()
    done = run_layer(layer, case, session)
    for name, a in done.handed.items():
        if not same_bits(a, done.before[name]):
            raise Disagreement(case, f"overwrote its argument {name}", kind="argument", names=[name])
    try:
        held = parameters(session)
    except Exception as error:
        raise Disagreement(case, said(error), kind="raised") from error
    for name, (now, value) in held.items():
        if now is not done.handed[name] and not same_bits(value, done.before[name]):
            message = f"replaced its parameter {name}: it is no longer what it was set to"
            raise Disagreement(case, message, kind="parameter", names=[name])


def nothing_aliased(layer: Layer, case: Case) -> None:
    """No result shares memory with an argument, a parameter or another result."""
    session = layer.start()
    done = run_layer(layer, case, session)
    others = {f"its argument {k}": a for k, a in done.handed.items()}
    for name, result in done.returned.items():
        for what, other in others.items():
            if np.shares_memory(result, other):
                raise Disagreement(case, f"{name} shares memory with {what}", kind="alias", names=[name, what])
    results = list(done.returned.items())
    for i, (name, result) in enumerate(results):
        for earlier, other in results[:i]:
            if np.shares_memory(result, other):
                raise Disagreement(case, f"{name} shares memory with {earlier}", kind="alias", names=[name, earlier])


def repeatable(layer: Layer, case: Case) -> None:
    """The same call gives the same bits: again, after a second backward, and from another instance."""
    session, arrays = layer.start(), hand_over(case)
    first = run_layer(layer, case, session, arrays)
    kept = {name: a.copy() for name, a in first.result.named().items()}
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
                raise Disagreement(case, message, kind="repeat", names=[name, what])
    for name, a in first.returned.items():
        if name != "output" and not same_bits(np.asarray(a), kept[name]):
            message = f"{name} of an earlier call was overwritten by a later one"
            raise Disagreement(case, message, kind="repeat", names=[name, "overwritten"])


def stateless(layer: Layer, case: Case) -> None:
    """A result does not depend on earlier calls: other values, scales, batch sizes, the same first sample."""
    try:
        judge_layer(layer, case, truth_for(layer, case))
    except Disagreement:  # wrong from the start: another check's business
        return
    session = layer.start()
    earlier: list[Case] = []
    for what, other in variations(case):
        for now, prefix in ((other, f"a case with {what}, after other calls: "), (case, f"after a call with {what}: ")):
            try:
                judge_layer(layer, now, truth_for(layer, now))
            except Disagreement:
                continue
            try:
                hold(now, truth_for(layer, now).judge(run_layer(layer, now, session).result))
            except Disagreement as found:
                fewest = _fewest(layer, now, earlier)
                raise Disagreement(
                    case,
                    prefix + found.message,
                    found.margin,
                    kind=found.kind,
                    names=found.names,
                    call=now,
                    earlier=fewest,
                ) from None
            earlier.append(now)
            if not layer.has_cotangent:
                _forward_in_between(layer, case, other, what)


def _fewest(layer: Layer, now: Case, earlier: Sequence[Case]) -> Sequence[Case]:
    """One earlier call alone, if it is enough to make `now` fail; all of them otherwise."""
    for one in reversed(earlier):
        session = layer.start()
        try:
            run_layer(layer, one, session)
            hold(now, truth_for(layer, now).judge(run_layer(layer, now, session).result))
        except Disagreement:
            return (one,)
    return earlier


def _forward_in_between(layer: Layer, case: Case, other: Case, what: str) -> None:
    """A loss's backward is handed its predictions and labels: a forward pass in between must not matter."""
    session, arrays = layer.start(), hand_over(case)
    (name,) = case.signature.differentiable
    try:
        with contained():
            output = forward(session, layer, case, arrays)
            handed = predictions(session, case, arrays, output)
            forward(session, layer, other, hand_over(other))
            gradient = as_array(f"d{name}", session.backward(handed, arrays, {})[name])
    except Exception as error:
        raise Disagreement(case, said(error), kind="raised") from error
    found = truth_for(layer, case).judge(Result(np.asarray(0.0), {name: gradient}))
    try:
        hold(case, {f"d{name}": found[f"d{name}"]}, f"with a forward pass on {what} in between: ")
    except Disagreement as wrong:
        wrong.between = other
        raise


def dtypes(layer: Layer, case: Case) -> None:
    """No result is of lower precision than its primal, and integer inputs do not truncate a gradient."""
    session = layer.start()
    done = run_layer(layer, case, session)
    for name, a in done.returned.items():
        primal = case.dtype if name == "output" else case.primals[name.removeprefix("d")].dtype
        if a.dtype.kind in "iub" or a.dtype.itemsize < primal.itemsize:
            message = f"{name} is {a.dtype}, narrower than the {primal} it was given"
            raise Disagreement(case, message, kind="narrow", names=[name])
    # frameworks do not differentiate with respect to integers
    if case.op in ("dense", "relu") and not isinstance(session, TracedSession):
        integers, result = with_integers(layer, case)
        # a layer may then compute in float64: never worse than the bound of the case
        try:
            hold(case, truth_for(layer, integers).judge(result), "with integer inputs: ")
        except Disagreement as found:
            found.kind = "integers"
            raise


def as_integers(case: Case) -> Array:
    """The inputs doubled and rounded: whole numbers that both the dtype and int64 hold."""
    most = min(ARITHMETIC[case.dtype.name].largest, 2.0**53)
    return np.asarray(np.clip(np.round(2 * case.primals["inputs"].astype(np.float64)), -most, most)).astype(np.int64)


def with_integers(layer: Layer, case: Case) -> tuple[Case, Result]:
    """The case with its inputs rounded, and what the layer returns where it is handed those as integers."""
    whole = as_integers(case)
    primals = {**case.primals, "inputs": whole.astype(case.dtype)}
    integers = Case(case.op, primals, case.cotangent, case.options)
    arrays = hand_over(integers) | {"inputs": whole}
    return integers, run_layer(layer, integers, layer.start(), arrays).result


def _again(layer: Layer, case: Case, session: Session, arrays: Mapping[str, Array]) -> Run:
    try:
        with contained():
            output = forward(session, layer, case, arrays)
            backward(session, layer, case, arrays, output)
            return backward(session, layer, case, arrays, output)
    except Exception as error:
        raise Disagreement(case, said(error), kind="raised") from error


def _first_difference(a: Array, b: Array) -> str:
    if a.shape != b.shape:
        return f" (shape {a.shape}, was {b.shape})"
    different = np.argwhere(~((a == b) | ((a != a) & (b != b))))
    if not len(different):
        return ""
    at = tuple(int(i) for i in different[0])
    return f" (at {at}: {a[at]!r}, was {b[at]!r})"


CHECKS: tuple[Check, ...] = (
    Check("values", values, PLAIN, pools.not_empty, 1.0),
    Check("sizes", values, PLAIN, pools.small_and_large, 0.3),
    Check("layouts", values, Variety(special=False, odd_layouts=True), pools.several_samples, 0.5),
    Check("special_values", values, Variety(layouts=False, special=True), pools.with_a_wide_one, 1.0),
    Check("dtypes", dtypes, PLAIN, pools.several_samples, 0.5),
    Check("arguments_untouched", arguments_untouched, Variety(layouts=True, special=False), pools.not_empty, 0.3),
    Check("nothing_aliased", nothing_aliased, PLAIN, pools.not_empty, 0.2),
    Check("repeatable", repeatable, PLAIN, pools.not_empty, 0.2),
    Check("stateless", stateless, PLAIN, pools.several_samples, 0.3),
)
