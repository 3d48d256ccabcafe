"""What the two losses share: reductions of per-sample losses, and the scale each sample's gradient gets."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from oracles.data.arrays import row_blocks, widened
from oracles.data.case import Case
from oracles.data.wide import label_weights, signed_scales, weights_of

from .arithmetic import DIVISION, Arithmetic, Floats, unclaimed_from

__all__ = ["by_samples", "label_weights", "samples", "signed_scales"]

# (case, arithmetic, logits or probabilities, |weights|, what rounding those to the dtype changes, |scales|)
# -> sizes of the losses, their bounds, the gradient's
OfRows = Callable[[Case, Arithmetic, Floats, Floats, Floats, Floats], tuple[Floats, Floats, Floats]]


def samples(case: Case) -> Iterator[tuple[slice, Floats, Floats, Floats]]:
    """Blocks of samples: which, their logits or probabilities and their weights (n, C), and the scales (n, 1)."""
    x, targets = case.primals[case.signature.differentiable[0]], case.primals["targets"]
    g = signed_scales(case, len(x))
    for rows in row_blocks(*x.shape):
        yield rows, widened(x[rows]), weights_of(targets[rows], x.shape[1]), g[rows]


def by_samples(case: Case, a: Arithmetic, of_rows: OfRows) -> dict[str, Floats]:
    """The bounds of the reduced loss and of the gradient, a block of samples at a time."""
    name = case.signature.differentiable[0]
    shape = case.primals[name].shape
    sizes, losses, gradient, terms = np.empty(shape[0]), np.empty(shape[0]), np.empty(shape), 0
    for rows, x, y, scale in samples(case):
        terms += int(np.count_nonzero(y))
        lost = _lost(y, case)
        sizes[rows], losses[rows], gradient[rows] = of_rows(case, a, x, np.abs(y), lost, np.abs(scale))
    return {"output": reduced(a, case, sizes, losses, max(terms, len(losses))), f"d{name}": gradient}


def _lost(y: Floats, case: Case) -> Floats:
    """What weights of another dtype than the case's change by where they are rounded to that."""
    targets = case.primals["targets"]
    if targets.ndim == 1 or targets.dtype == case.dtype:
        return np.zeros((1, 1))
    return np.abs(y - y.astype(case.dtype).astype(np.float64))


def reduced(a: Arithmetic, case: Case, sizes: Floats, bounds: Floats, terms: int) -> Floats:
    """The bound of the reduced loss from the sizes and bounds of the stored per-sample losses (N,).

    terms: of the sum over samples and labels, which XLA takes as one, the samples' sums never being there.
    """
    n = len(sizes)
    if case.options["reduction"] == "none":
        return bounds
    mean = case.options["reduction"] == "mean"
    gauge = np.asarray(np.sum(sizes + bounds))
    total = np.sum(bounds) + a.gamma(terms - 1 + DIVISION) * gauge + n * a.tiny
    share = max(n, 1) if mean else 1
    return unclaimed_from(a.stored(np.asarray(gauge / share), np.asarray(total / share)), gauge, a.wide_largest)


def stored_below(a: Arithmetic, y: Floats, logs: Floats) -> Floats:
    """What the losses (R,) lose where log p or y log p, of a label nearly sure, is stored below the normal range."""
    small = (y != 0) & (logs * np.minimum(y, 1.0) < 2 * a.normal)
    return np.asarray(a.stored_tiny * np.sum((1 + y) * small, axis=1))
