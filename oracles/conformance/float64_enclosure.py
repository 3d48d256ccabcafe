"""The truth of cases narrower than float64, cheaply: the formulas in float64, whose own certified bound is the radius.

What float64 may lose is far less than what the narrower dtype may, so this decides almost every pass at a hundredth of
the cost of ball arithmetic. It decides nothing else: whoever is found wrong here is judged again in balls.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..arrays import row_blocks, widened
from ..case import Case
from ..enclosure import Enclosure
from .bounds import ARITHMETIC, Floats, bounds_in
from .bounds.arithmetic import floats
from .bounds.losses import samples

Values = dict[str, Floats]


def enclose_in_float64(case: Case) -> dict[str, Enclosure] | None:
    """Enclosures under the names of `Result.named`; None where float64 proves nothing.

    That is for cases of float64 itself, for results that are not finite, which are decided before any arithmetic, and
    for clipped probabilities, whose bounds are rounded to the dtype.
    """
    if case.dtype.itemsize == 8 or case.op not in FORMULAS or case.options.get("clip") is not None:
        return None
    with np.errstate(all="ignore"):
        values = FORMULAS[case.op](case)
    if not all(np.isfinite(v).all() for v in values.values()):
        return None
    radii = bounds_in(case, ARITHMETIC["float64"])
    return {name: Enclosure(v, np.zeros(v.shape), radii[name]) for name, v in values.items()}


def _dense(case: Case) -> Values:
    x, w, b, g = arrays = [floats(case, name) for name in ("inputs", "weights", "biases", "cotangent")]
    if not all(np.isfinite(a).all() for a in arrays):  # a BLAS may skip what is multiplied with 0
        return {"output": np.array(np.nan)}
    return {"output": x @ w + b, "dinputs": g @ w.T, "dweights": x.T @ g, "dbiases": g.sum(axis=0, keepdims=True)}


def _softmax(case: Case) -> Values:
    rows = (-1, case.cotangent.shape[-1]) if case.cotangent.size else (0, 0)
    x, g = case.primals["inputs"].reshape(rows), case.cotangent.reshape(rows)
    output, dinputs = np.empty(x.shape), np.empty(x.shape)
    for some in row_blocks(*x.shape):
        wide, (s, _, _) = widened(g[some]), _log_sum_exp(widened(x[some]))
        output[some], dinputs[some] = s, s * (wide - (s * wide).sum(axis=1, keepdims=True))
    return {"output": output.reshape(case.cotangent.shape), "dinputs": dinputs.reshape(case.cotangent.shape)}


def _cross_entropy(case: Case) -> Values:
    shape = case.primals["probabilities"].shape
    losses, gradient = np.empty(shape[0]), np.empty(shape)
    for some, p, y, scale in samples(case):
        labelled = y != 0
        p = np.where(labelled, p, 1.0)
        losses[some] = -(y * np.log(p)).sum(axis=1)
        gradient[some] = np.where(labelled, -y * scale / p, 0.0)
    return {"output": _reduced(losses, case), "dprobabilities": gradient}


def _softmax_cross_entropy(case: Case) -> Values:
    shape = case.primals["logits"].shape
    losses, gradient = np.empty(shape[0]), np.empty(shape)
    for some, x, y, scale in samples(case):
        s, shifted, log_sum = _log_sum_exp(x)
        losses[some] = np.where(y != 0, y * (log_sum - shifted), 0.0).sum(axis=1)
        gradient[some] = (s * y.sum(axis=1, keepdims=True) - y) * scale
    return {"output": _reduced(losses, case), "dlogits": gradient}


def _log_sum_exp(x: Floats) -> tuple[Floats, Floats, Floats]:
    """The softmax of the rows, x - max x, and the log of sum exp(x - max x); NaN for a row that is NaN."""
    shifted = x - x.max(axis=1, keepdims=True, initial=-np.inf)
    e = np.exp(shifted)
    total = e.sum(axis=1, keepdims=True)
    return e / total, shifted, np.log(total)


def _reduced(losses: Floats, case: Case) -> Floats:
    reduction = case.options["reduction"]
    return losses if reduction == "none" else np.asarray(losses.sum() / (losses.size if reduction == "mean" else 1))


FORMULAS: dict[str, Callable[[Case], Values]] = {
    "dense": _dense,
    "softmax": _softmax,
    "cross_entropy": _cross_entropy,
    "softmax_cross_entropy": _softmax_cross_entropy,
}
