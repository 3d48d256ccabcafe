"""Where the frameworks differ and either may be followed: at these elements a second value is right as well.

Each alternative names who does so. The truth is the other choice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

import reference

from ..calculus.model import ARITHMETIC, Floats
from ..candidates.layer import CONVENTIONS
from ..data.case import Case
from ..data.wide import floats, label_weights, signed_scales
from ..sources.derived import bounds, enclose

CLIP = 1e-7  # of the book


@dataclass(frozen=True)
class Alternative:
    """A value that is right as well at the elements of a result that `where` marks.

    bound: the bound that it is held to, that of the case where it is None. by: who does so. otherwise: the choice that
    the truth makes. always: on every device. required: it alone is right, since the user pinned the convention.
    """

    name: str
    result: str
    where: NDArray[np.bool_]
    values: Floats
    bound: Floats | None = None
    by: tuple[str, ...] = ()
    otherwise: str = ""
    always: bool = True
    required: bool = False


def alternatives(case: Case, *, book: bool = False, convention: str | None = None) -> tuple[Alternative, ...]:
    """Every alternative that concerns some element of this case; book: those of the book's own losses as well.

    convention: "torch" or "jax" where the user pins one: what it does is then the only thing right.
    """
    with np.errstate(all="ignore"):
        found = ALTERNATIVES[case.op](case) if case.op in ALTERNATIVES else ()
        every = tuple(a for a in (*found, *_losses(case, book)) if a.where.any())
    if convention is None:
        return every
    return tuple(replace(a, required=a.always) for a in every if convention in a.by)


def _losses(case: Case, book: bool) -> tuple[Alternative, ...]:
    if "reduction" not in case.options:
        return ()
    empty = case.options["reduction"] == "mean" and case.primals["targets"].size == 0
    found = (Alternative("0 for the mean loss of no samples", "output", np.array(empty), np.array(0.0)),)
    clips = book and case.options.get("clip") is None and case.dtype.itemsize > 2  # 1 - 1e-7 is 1 in half precision
    return (*found, _clipped(case)) if clips and not empty else found


def _clipped(case: Case) -> Alternative:
    """The loss of probabilities clipped to [1e-7, 1 - 1e-7], where clipping changes a labelled one."""
    if case.op == "cross_entropy":
        p, like = floats(case, "probabilities"), case
    else:
        p = reference.softmax(floats(case, "logits"))
        like = Case("cross_entropy", (p.astype(case.dtype), case.primals["targets"]), case.cotangent, case.options)
    changes = ((p < CLIP) | (p > 1 - CLIP)) & (label_weights(case) != 0)
    rows = changes.any(axis=1)
    where = rows if case.options["reduction"] == "none" else np.array(rows.any())
    if not where.any():
        return Alternative("", "output", where, np.zeros(where.shape))
    clipped = Case("cross_entropy", like.primals, case.cotangent, {**case.options, "clip": CLIP})
    # the probabilities that are clipped were rounded, and are off by their own bound
    bound = bounds(clipped)["output"] + (bounds(case)["output"] if case.op != "cross_entropy" else 0.0)
    return Alternative("the book: probabilities clipped to [1e-7, 1 - 1e-7]", "output", where, _value(clipped), bound)


def _value(case: Case) -> Floats:
    return enclose(case)["output"].value


def _relu(case: Case) -> tuple[Alternative, ...]:
    x, g = floats(case, "inputs"), floats(case, "cotangent")
    tiny = ARITHMETIC[case.dtype.name].tiny
    subnormal, below = (x > 0) & (x < tiny), (x < 0) & (x > -tiny)
    return (
        # compared as 0, and the larger of two zeros may be either
        Alternative("jax 0.4: relu of a negative subnormal is itself", "output", below, x, by=("jax",), always=False),
        Alternative("torch: relu'(NaN) = 1", "dinputs", np.isnan(x), g, by=("torch",), otherwise="jax: relu'(NaN) = 0"),
        Alternative(
            "jax: relu'(subnormal) = 0",
            "dinputs",
            subnormal,
            np.zeros(x.shape),
            by=("jax",),
            otherwise="torch: relu'(subnormal) = 1",
            always=False,  # flushed on the CPU alone
        ),
    )


def _softmax_cross_entropy(case: Case) -> tuple[Alternative, ...]:
    targets = case.primals["targets"]
    if targets.ndim == 1:
        return ()
    logits = floats(case, "logits")
    below = logits - logits.max(axis=1, keepdims=True, initial=-np.inf)  # -inf where it was, or is beyond the range
    rows = ((below < -ARITHMETIC[case.dtype.name].wide_largest) & (targets == 0)).any(axis=1)
    where = rows if case.options["reduction"] == "none" else np.array(rows.any())
    nans = np.full(where.shape, np.nan)
    name = "torch and jax: 0 times log 0 is NaN in a loss on rows of weights"
    return (Alternative(name, "output", where, nans, by=CONVENTIONS, otherwise="0 times log 0 is 0 in a loss"),)


def _cross_entropy(case: Case) -> tuple[Alternative, ...]:
    clip = case.options["clip"]
    if clip is None:
        return ()
    p = floats(case, "probabilities")
    low, high = np.array([clip, 1 - clip]).astype(case.dtype).astype(np.float64)
    values = -label_weights(case) * signed_scales(case, len(p)) / (2 * np.clip(p, low, high))
    at_bound = (p == low) | (p == high)
    return (
        Alternative("jax: half the gradient at a bound of clip", "dprobabilities", at_bound, values, by=("jax",)),
        # the versions differ, so that to pin torch is to pin the truth: clamp as it was for years
        Alternative("torch 2.15: no gradient at a bound of clip", "dprobabilities", at_bound, np.zeros(p.shape)),
    )


ALTERNATIVES: dict[str, Callable[[Case], tuple[Alternative, ...]]] = {
    "relu": _relu,
    "cross_entropy": _cross_entropy,
    "softmax_cross_entropy": _softmax_cross_entropy,
}
