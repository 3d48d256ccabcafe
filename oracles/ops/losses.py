"""What losses share: labels as rows of weights, and the reduction of the samples' losses."""

from __future__ import annotations

from typing import Any

REDUCTIONS = ("mean", "sum", "none")


def rows(xp: Any, targets: Any, like: Any) -> Any:
    """Labels as rows of weights: class ids have a single one."""
    if targets.ndim == like.ndim:
        return targets
    return xp.where(targets[:, None] == xp.arange(like.shape[-1]), 1.0, 0.0)


def of_each(cotangent: Any, count: int, reduction: str) -> Any:
    """What the loss of one of so many samples gets of the cotangent."""
    return cotangent / count if reduction == "mean" else cotangent


def reduced(xp: Any, losses: Any, reduction: str) -> Any:
    """The losses of the samples, their sum, or their mean."""
    return losses if reduction == "none" else xp.sum(losses) if reduction == "sum" else xp.mean(losses)
