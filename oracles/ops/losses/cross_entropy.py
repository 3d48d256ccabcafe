"""Cross-entropy of probabilities: -sum_c y_c log p_c a sample, reduced over the samples."""

from __future__ import annotations

from typing import Any

from ..domains import labels, probabilities
from ..op import Op
from ..option import Option
from .reductions import REDUCTIONS, reduced, reduced_at_once, rows


def cross_entropy(xp: Any, probabilities: Any, targets: Any, *, reduction: str, clip: float | None) -> Any:
    """A class without a label adds nothing, whatever its probability."""
    return reduced(xp, xp.stored(xp.sum(_terms(xp, probabilities, targets, clip), axis=1)), reduction)


def in_one_sum(xp: Any, probabilities: Any, targets: Any, *, reduction: str, clip: float | None) -> Any:
    """Over samples and classes at once."""
    return reduced_at_once(xp, _terms(xp, probabilities, targets, clip), reduction)


def _terms(xp: Any, probabilities: Any, targets: Any, clip: float | None) -> Any:
    p = probabilities if clip is None else _clipped(xp, probabilities, clip)
    y = rows(xp, targets, p)
    return xp.stored(-y * xp.stored(xp.log(xp.where(y == 0, 1.0, p))))


def _clipped(xp: Any, p: Any, clip: float) -> Any:
    """Between clip and 1 - clip, as the dtype has them; at either of them the gradient is still the logarithm's."""
    low, high = xp.rounded(clip, p), xp.rounded(1 - clip, p)
    return xp.where(p < low, low, xp.where(p > high, high, p))


OP = Op(
    "cross_entropy(probabilities[N, C], targets) -> output",
    definition=cross_entropy,
    forms=(in_one_sum,),
    options={
        "reduction": REDUCTIONS,
        "clip": Option(
            None,
            drawn=(1e-7,),
            expected="a number between 0 and 0.5",
            holds=lambda clip: isinstance(clip, float) and 0 < clip < 0.5,
        ),
    },
    domains={"probabilities": probabilities, "targets": labels("C")},
    where="C >= 1",
    special_values="all",
)
