"""Bounds of cross-entropy on probabilities: the logarithm's ulps, the sums, and the roundings of -y g / (p N)."""

from __future__ import annotations

import numpy as np

from oracles.data.case import Case

from .arithmetic import DIVISION, LOG, Arithmetic, Floats, unclaimed_from
from .losses import by_samples, stored_below

# g / N, y g / N, and the quotient with p
GRADIENT_ROUNDINGS = DIVISION + 1 + DIVISION
# documented steps of half precision in the gradient: g / N, y g / N, and the quotient
GRADIENT_STEPS = 3


def bound(case: Case, a: Arithmetic) -> dict[str, Floats]:
    """(LOG u + gamma_{k+2}) sum |y log p|, k labels that are not 0, reduced; gamma_9 |y g / (p N)|."""
    return by_samples(case, a, _of_rows)


def _of_rows(
    case: Case, a: Arithmetic, p: Floats, y: Floats, lost: Floats, scale: Floats
) -> tuple[Floats, Floats, Floats]:
    """The sizes of the losses, their bounds, and those of the gradient."""
    classes, clip = p.shape[1], case.options["clip"]
    if clip is not None:
        p = np.clip(p, clip, 1 - clip)
    labelled = (y != 0) & np.isfinite(p) & (p > 0)
    subnormal = labelled & (p < a.tiny)
    logs = np.where(labelled, np.abs(np.log(np.where(labelled, p, 1.0))), 0.0)
    # a clip's bounds are rounded to the dtype, before or after 1 - clip is taken
    logs_bound = np.where(labelled & (clip is not None), 2 * a.v, 0.0)
    terms = y * logs
    sizes = np.sum(terms, axis=1)
    labels = np.count_nonzero(y, axis=1)  # to add a zero is exact
    losses = (LOG * a.u + a.gamma(labels + 2)) * sizes + classes * a.tiny + np.sum(y * logs_bound + lost * logs, axis=1)
    if a.half:  # documented steps: log p, y log p
        losses = losses + 2 * a.v * sizes * (1 + a.v) + stored_below(a, np.where(labelled, y, 0.0), logs)
    losses = np.where(subnormal.any(axis=1), np.inf, a.stored(sizes, losses))

    # the gradient of a label on a negative p, though its loss is NaN, is as good as any
    labelled = (y != 0) & np.isfinite(p) & (p != 0)
    subnormal = labelled & (np.abs(p) < a.tiny)
    inverse = np.where(labelled, 1 / np.abs(np.where(labelled, p, 1.0)), 0.0)
    # float64's own subnormals are inexact: g / N is taken from above, and last, where the product is normal again
    size = np.where(scale == 0, 0.0, y * inverse * np.nextafter(scale, np.inf))
    bounds = size * (a.gamma(GRADIENT_ROUNDINGS) + (GRADIENT_STEPS - 1) * a.v * (1 + a.v) * a.half)
    bounds = bounds + lost * inverse * scale
    # a product that may be flushed on the way takes the whole element with it
    whole = scale * (len(case.primals["targets"]) if case.options["reduction"] == "mean" else 1)
    if a.half:  # stored products below the dtype's range lose what the quotient magnifies
        bounds = bounds + 2 * a.stored_tiny * (1 + y) * inverse * (np.minimum(y * scale, scale) < 2 * a.normal)
    flushed = labelled & (np.minimum(y * scale, np.minimum(scale, y)) < 2 * a.tiny)
    lost_there = np.maximum(size, (1 + y) * inverse * a.smallest)  # or it is rounded to a multiple of that
    bounds = bounds + np.where(flushed & (scale > 0), lost_there, 0.0)
    bounds = np.where(subnormal, np.inf, a.stored(size, bounds))
    if a.half:
        bounds = unclaimed_from(bounds, 2 * y * scale, a.largest)
    # at p = 0 the gradient is infinite, or 0/0 where y, g / N or their product has been flushed to zero
    bounds = np.where(
        (y != 0) & (p == 0) & (np.minimum(y * scale, np.minimum(scale, y)) < 2 * a.normal), np.inf, bounds
    )
    largest_step = np.maximum(inverse, 1.0) * np.maximum(y, 1.0) * np.maximum(whole, 1.0)
    bounds = unclaimed_from(bounds, largest_step, a.wide_largest)
    return sizes, losses, np.where(y != 0, bounds, 0.0)
