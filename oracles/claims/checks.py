"""The claims a layer is held to, one function each, and the cases each is tried on.

A claim raises Disagreement where the layer breaks it. Claims on values differ only in their cases, so that a failure
says what it takes: a memory layout, a size, a form of the labels, a special value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..calculus.model import ARITHMETIC
from ..candidates.layer import Layer
from ..candidates.run import hand_over, parameters
from ..candidates.traced import TracedSession
from ..cases.frames import Frame
from ..cases.generation import Variety
from ..cases.variations import contiguous, with_masked_rows, with_nan, with_unlikely_label
from ..data.arrays import Array, same_bits
from ..data.case import Case
from ..data.result import Result
from ..ops.tracing import keeps_whole_numbers
from . import frames_of_claims as pools
from .disagreement import Disagreement, Kind, raising_is_wrong
from .judges import own_claims, truth_for
from .referee import hold, judge_layer, run_layer
from .state_checks import repeatable, stateless

PLAIN = Variety(layouts=False, special=False)
LONG = 64  # more than any small frame has in a direction
SMALL, WIDE = 256, 4096  # numbers that cost little to judge once more, and where only they show something


Judge = Callable[[Layer, Case], str | None]  # why nothing could be said of the case, where that is so


def nothing_more(case: Case) -> Iterable[Case]:
    """A case as it was drawn is all there is to try."""
    return ()


def surely_special(case: Case) -> Iterable[Case]:
    """A case once more with what is hardly ever drawn: a masked block, NaN, the last label at a probability of 0."""
    op, first = case.signature, case.signature.primals[0]
    if not case.primals[first].size:  # without a number it is the same case
        return
    if case.primals[first].ndim and op.rows == "logits" and case.size <= WIDE:
        yield with_masked_rows(case)
    if op.labels and case.size <= SMALL:
        yield with_unlikely_label(case)
    if op.special_values == "all" and case.size <= SMALL:
        yield with_nan(case)


@dataclass(frozen=True)
class Check:
    """A claim, the kind of cases it is tried on, and which frames of a pool those have."""

    name: str
    judge: Judge
    variety: Variety
    frames: Callable[[Layer, int], Sequence[Frame]]
    share: float  # of the examples of a run
    otherwise: Callable[[Layer, Case], bool] = lambda layer, case: False  # whether it fails for what another claim says
    further: Callable[[Case], Iterable[Case]] = nothing_more  # what else is tried of a case that was drawn


def values(layer: Layer, case: Case) -> None:
    """The output and every gradient are within their bounds."""
    judge_layer(layer, case, truth_for(layer, case))
    own_claims(layer, case)


def wrong_in_any_layout(layer: Layer, case: Case) -> bool:
    """Whether a long case is wrong in C order as well: a matter of its size."""
    if max((n for a in case.primals.values() for n in a.shape), default=0) <= LONG:
        return False
    try:
        values(layer, contiguous(case))
    except Disagreement:
        return True
    return False


def arguments_untouched(layer: Layer, case: Case) -> None:
    """Neither pass writes to what it is handed, nor replaces the parameters of the layer."""
    session = layer.start()
    done = run_layer(layer, case, session)
    for name, a in done.handed.items():
        if not same_bits(a, done.before[name]):
            raise Disagreement(case, f"overwrote its argument {name}", kind=Kind.ARGUMENT, names=[name])
    with raising_is_wrong(case):
        held = parameters(session)
    for name, (now, value) in held.items():
        if now is not done.handed[name] and not same_bits(value, done.before[name]):
            message = f"replaced its parameter {name}: it is no longer what it was set to"
            raise Disagreement(case, message, kind=Kind.PARAMETER, names=[name])


def nothing_aliased(layer: Layer, case: Case) -> None:
    """No result shares memory with an argument, a parameter or another result; also where there is nothing to do."""
    _not_aliased(layer, case)
    if case.signature.has_one_primal:  # no unit is masked: what comes in may go out as it is
        (x,) = case.primals.values()
        first = case.signature.primals[0]
        _not_aliased(layer, case.with_arrays({first: np.where(x == 0, np.ones_like(x), np.abs(x))}))
    if any(g.ndim and g.any() for g in case.cotangents.values()):
        _not_aliased(layer, case.with_arrays({name: np.zeros_like(g) for name, g in case.cotangents.items()}))


def _not_aliased(layer: Layer, case: Case) -> None:
    session = layer.start()
    done = run_layer(layer, case, session)
    arguments = {name: done.memory_of_argument(name) for name in done.handed}
    results = {name: done.memory_of_result(name) for name in done.returned}
    for name, result in results.items():
        for argument, other in arguments.items():
            if np.shares_memory(result, other):
                what = f"its argument {argument}"
                raise Disagreement(case, f"{name} shares memory with {what}", kind=Kind.ALIAS, names=[name, what])
    names = list(results)
    for i, name in enumerate(names):
        for earlier in names[:i]:
            if np.shares_memory(results[name], results[earlier]):
                raise Disagreement(case, f"{name} shares memory with {earlier}", kind=Kind.ALIAS, names=[name, earlier])


def dtypes(layer: Layer, case: Case) -> None:
    """No result is of lower precision than the case, and integer inputs do not truncate a gradient."""
    session = layer.start()
    done = run_layer(layer, case, session)
    for name, a in done.returned.items():
        if a.dtype.kind in "iub" or a.dtype.itemsize < case.dtype.itemsize:
            message = f"{name} is {a.dtype}, narrower than the {case.dtype} it was given"
            raise Disagreement(case, message, kind=Kind.NARROW, names=[name])
    # frameworks do not differentiate with respect to integers
    if keeps_whole_numbers(case.signature) and not isinstance(session, TracedSession):
        # a layer may then compute in float64: never worse than the bound of the case
        try:
            integers, result = with_integers(layer, case)
            hold(case, truth_for(layer, integers).judge(result), "with integer inputs: ")
        except Disagreement as found:
            if _refuses(found.__cause__):
                return
            found.kind = Kind.INTEGERS
            if found.names:
                raise
            message = f"with integer inputs: {found.message}"
            raise Disagreement(case, message, kind=Kind.INTEGERS) from found.__cause__


def _refuses(error: BaseException | None) -> bool:
    """Whether a layer said that it takes no integers: what NumPy raises of itself, on a cast say, is no such word."""
    return type(error) in (TypeError, ValueError, NotImplementedError)


def as_integers(case: Case) -> Array:
    """The inputs doubled and rounded: whole numbers that both the dtype and int64 hold."""
    most = min(ARITHMETIC[case.dtype.name].largest, 2.0**53)
    return np.asarray(
        np.clip(np.round(2 * case.primals[case.signature.primals[0]].astype(np.float64)), -most, most)
    ).astype(np.int64)


def with_integers(layer: Layer, case: Case) -> tuple[Case, Result]:
    """The case with its inputs rounded, and what the layer returns where it is handed those as integers."""
    whole = as_integers(case)
    first = case.signature.primals[0]
    integers = case.with_arrays({first: whole.astype(case.dtype)})
    arrays = hand_over(integers) | {first: whole}
    return integers, run_layer(layer, integers, layer.start(), arrays).result


CHECKS: tuple[Check, ...] = (
    Check("values", values, PLAIN, pools.not_empty, 1.0),
    Check("sizes", values, PLAIN, pools.small_and_large, 0.3),
    Check("layouts", values, Variety(special=False, odd_layouts=True), pools.wide_and_tall, 0.5, wrong_in_any_layout),
    Check(
        "special_values",
        values,
        Variety(layouts=False, special=True, odd_values=True),
        pools.with_a_wide_one,
        1.0,
        further=surely_special,
    ),
    Check("dtypes", dtypes, PLAIN, pools.several_samples, 0.5),
    Check("arguments_untouched", arguments_untouched, Variety(layouts=True, special=True), pools.with_a_large_one, 0.3),
    Check("nothing_aliased", nothing_aliased, PLAIN, pools.with_a_large_one, 0.2),
    Check("repeatable", repeatable, PLAIN, pools.with_a_large_one, 0.2),
    Check("stateless", stateless, PLAIN, pools.several_samples, 0.3),
)
