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
from .bounds import ARITHMETIC
from .cases import Variety
from .frames import Frame, frame_pool, large_frames
from .layer import Layer
from .referee import hold, judge_layer, run_layer, said, truth_for
from .run import Run, backward, forward, hand_over
from .search import Disagreement
from .sessions import Session
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
            raise Disagreement(case, f"overwrote its argument {name}", np.inf)
    for name, now in session.parameters().items():
        if now is not done.handed[name] and not same_bits(np.asarray(now), done.before[name]):
            raise Disagreement(case, f"replaced its parameter {name}: it is no longer what it was set to", np.inf)


def nothing_aliased(layer: Layer, case: Case) -> None:
    """No result shares memory with an argument, a parameter or another result."""
    session = layer.start()
    done = run_layer(layer, case, session)
    others = {f"its argument {k}": a for k, a in done.handed.items()}
    for name, result in done.returned.items():
        for what, other in others.items():
            if np.shares_memory(result, other):
                raise Disagreement(case, f"{name} shares memory with {what}", np.inf)
    results = list(done.returned.items())
    for i, (name, result) in enumerate(results):
        for earlier, other in results[:i]:
            if np.shares_memory(result, other):
                raise Disagreement(case, f"{name} shares memory with {earlier}", np.inf)


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
                raise Disagreement(case, f"{name} is not what it was before, after {what}{at}", np.inf)
    for name, a in first.returned.items():
        if name != "output" and not same_bits(np.asarray(a), kept[name]):
            raise Disagreement(case, f"{name} of an earlier call was overwritten by a later one", np.inf)


def stateless(layer: Layer, case: Case) -> None:
    """A result does not depend on earlier calls: other values, scales, batch sizes, the same first sample."""
    session = layer.start()
    earlier: list[Case] = []
    for what, other in variations(case):
        for now, prefix in ((other, f"a case with {what}, after other calls: "), (case, f"after a call with {what}: ")):
            try:
                judge_layer(layer, now, truth_for(layer, now))
            except Disagreement:  # wrong from the start: another check's business
                continue
            try:
                hold(now, truth_for(layer, now).judge(run_layer(layer, now, session).result))
            except Disagreement as found:
                fewest = _fewest(layer, now, earlier)
                raise Disagreement(
                    case, prefix + found.message, found.margin, found.comparison, call=now, earlier=fewest
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
    session = layer.start()
    pending = run_layer(layer, case, session)
    try:
        forward(session, layer, other, hand_over(other))
        late = session.backward(pending.before["predictions"], pending.handed, {})
    except Exception as error:
        raise Disagreement(case, said(error), np.inf) from error
    (name,) = case.signature.differentiable
    found = truth_for(layer, case).judge(Result(pending.result.output, {name: np.asarray(late[name])}))
    hold(case, {f"d{name}": found[f"d{name}"]}, f"with a forward pass on {what} in between: ")


def dtypes(layer: Layer, case: Case) -> None:
    """No result is of lower precision than its primal, and integer inputs do not truncate a gradient."""
    done = run_layer(layer, case, layer.start())
    for name, a in done.returned.items():
        primal = case.dtype if name == "output" else case.primals[name.removeprefix("d")].dtype
        if a.dtype.kind in "iub" or a.dtype.itemsize < primal.itemsize:
            raise Disagreement(case, f"{name} is {a.dtype}, narrower than the {primal} it was given", np.inf)
    if case.op not in ("dense", "relu"):
        return
    most = min(ARITHMETIC[case.dtype.name].largest, 2.0**53)  # whole numbers that the dtype and int64 hold
    whole = {n: np.asarray(np.clip(np.round(2 * a.astype(np.float64)), -most, most)) for n, a in case.primals.items()}
    primals = {n: whole[n].astype(a.dtype) if n == "inputs" else a for n, a in case.primals.items()}
    integers = Case(case.op, primals, case.cotangent, case.options)
    arrays = hand_over(integers) | {"inputs": whole["inputs"].astype(np.int64)}
    result = run_layer(layer, integers, layer.start(), arrays).result
    # with integer inputs a layer may compute in float64: never worse than the bound of the case
    hold(case, truth_for(layer, integers).judge(result), "with integer inputs: ")


def _again(layer: Layer, case: Case, session: Session, arrays: Mapping[str, Array]) -> Run:
    try:
        output = forward(session, layer, case, arrays)
        backward(session, layer, case, arrays, output)
        return backward(session, layer, case, arrays, output)
    except Exception as error:
        raise Disagreement(case, said(error), np.inf) from error


def _first_difference(a: Array, b: Array) -> str:
    if a.shape != b.shape:
        return f" (shape {a.shape}, was {b.shape})"
    different = np.argwhere(~((a == b) | ((a != a) & (b != b))))
    if not len(different):
        return ""
    at = tuple(int(i) for i in different[0])
    return f" (at {at}: {a[at]!r}, was {b[at]!r})"


def _small(layer: Layer, seed: int) -> Sequence[Frame]:
    return [f for f in _pool(layer, seed) if 0 not in f.sizes]


def _sizes(layer: Layer, seed: int) -> Sequence[Frame]:
    frames = _pool(layer, seed) + large_frames(
        layer.op, seed, targets=tuple(layer.targets), reductions=tuple(layer.reductions)
    )
    return [f for f in frames if 0 in f.sizes or f.elements > 60]


def _special(layer: Layer, seed: int) -> Sequence[Frame]:
    """Small frames, and a wide one: masks may hide whole blocks of it."""
    large = large_frames(layer.op, seed, targets=tuple(layer.targets), reductions=tuple(layer.reductions))
    return [*_pool(layer, seed), *[f for f in large if f.sizes[-1] > 64][:1]]


def _several(layer: Layer, seed: int) -> Sequence[Frame]:
    """Frames with several samples, where a layer's memory and the order of elements can show."""
    return [f for f in _small(layer, seed) if f.sizes and f.sizes[0] > 1 and f.elements >= 6]


def _pool(layer: Layer, seed: int) -> tuple[Frame, ...]:
    pool = frame_pool(layer.op, seed, targets=tuple(layer.targets), reductions=tuple(layer.reductions))
    return tuple(f for f in pool if layer.any_rank or layer.op not in ("relu", "softmax") or len(f.sizes) == 2)


CHECKS: tuple[Check, ...] = (
    Check("values", values, PLAIN, _small, 1.0),
    Check("sizes", values, PLAIN, _sizes, 0.3),
    Check("layouts", values, Variety(special=False, odd_layouts=True), _several, 0.5),
    Check("special_values", values, Variety(layouts=False, special=True), _special, 1.0),
    Check("dtypes", dtypes, PLAIN, _several, 0.5),
    Check("arguments_untouched", arguments_untouched, Variety(layouts=True, special=False), _small, 0.3),
    Check("nothing_aliased", nothing_aliased, PLAIN, _small, 0.2),
    Check("repeatable", repeatable, PLAIN, _small, 0.2),
    Check("stateless", stateless, PLAIN, _several, 0.3),
)
