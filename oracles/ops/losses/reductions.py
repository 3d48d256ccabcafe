"""What losses share: labels as rows of weights, and the reduction of the samples' losses."""

from __future__ import annotations

import math
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


def reduced_at_once(xp: Any, terms: Any, reduction: str) -> Any:
    """The same of the terms of samples and classes, (N, C): XLA adds all of them in one loop."""
    if reduction == "none":
        return xp.sum(terms, axis=-1)
    return xp.sum(terms) / (terms.shape[0] or math.nan if reduction == "mean" else 1)
