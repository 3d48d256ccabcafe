"""Each op's formula, and that of its gradient, derived by hand, in rigorous ball arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from flint import arb

from oracles.data.arrays import Array
from oracles.data.case import Case
from oracles.data.wide import label_weights
from oracles.sources.ball_arithmetic import (
    PRECISION,
    Balls,
    balls,
    enclosure,
    matrix,
    overwritten,
    total,
    working_precision,
)
from oracles.sources.enclosure import Enclosure, Floats

Enclosures = dict[str, Enclosure]


def enclose(case: Case, *, precision: int = PRECISION) -> Enclosures:
    """Enclosures of the output and of every gradient, under the names of `Result.named`."""
    with working_precision(precision), np.errstate(all="ignore"):
        return FORMULAS[case.op](case)


def _dense(case: Case) -> Enclosures:
    x, w, b = (case.primals[name].astype(np.float64) for name in ("inputs", "weights", "biases"))
    g = case.cotangent.astype(np.float64)
    ones = np.ones((len(x), 1))
    return {
        "output": _affine(x, w, ones @ b if np.isfinite(b).all() else np.repeat(b, len(x), axis=0)),
        "dinputs": _affine(g, w.T, np.zeros(x.shape)),
        "dweights": _affine(x.T, g, np.zeros(w.shape)),
        "dbiases": _affine(ones.T, g, np.zeros(b.shape)),
    }


def _affine(a: Floats, b: Floats, c: Floats) -> Enclosure:
    """a @ b + c; where a term is not finite, what IEEE 754 makes of the sum."""
    clean = [np.where(np.isfinite(m), m, 0.0) for m in (a, b, c)]
    if a.shape[1] == 0 or c.size == 0:
        result = Enclosure.exact(c.copy())
    else:
        product = matrix(clean[0]) * matrix(clean[1]) + matrix(clean[2])
        result = enclosure(product.entries(), c.shape)
    if all(np.isfinite(m).all() for m in (a, b, c)):
        return result
    # signs stand for the finite values, so that nothing but what is special decides
    signs = [np.where(np.isfinite(m), np.sign(m), m) for m in (a, b, c)]
    special = signs[0] @ signs[1] + signs[2]
    return overwritten(result, ~np.isfinite(special), special)


def _relu(case: Case) -> Enclosures:
    x, g = case.primals["inputs"].astype(np.float64), case.cotangent.astype(np.float64)
    return {
        "output": Enclosure.exact(np.where(np.isnan(x), np.nan, np.where(x > 0, x, 0.0))),
        "dinputs": Enclosure.exact(np.where(x > 0, g, 0.0)),
    }


def _softmax(case: Case) -> Enclosures:
    x, g = (a.astype(np.float64) for a in (case.primals["inputs"], case.cotangent))
    shape, classes = x.shape, x.shape[-1]
    x, g = (a.reshape(-1, classes) if a.size else np.zeros((0, classes)) for a in (x, g))
    output: Balls = []
    dinputs: Balls = []
    invalid = _invalid_rows(x)
    for row, cotangent in zip(np.where(invalid[:, None], 0.0, x), g, strict=True):
        s, _ = softmax_row(row)
        gs = balls(cotangent)
        dot = total(p * v for p, v in zip(s, gs, strict=True))
        output += s
        dinputs += [p * (v - dot) for p, v in zip(s, gs, strict=True)]
    nan_at = np.broadcast_to(invalid[:, None], x.shape).reshape(shape)
    nans = np.full(shape, np.nan)
    return {
        "output": overwritten(enclosure(output, shape), nan_at, nans),
        "dinputs": overwritten(enclosure(dinputs, shape), nan_at, nans),
    }


def _cross_entropy(case: Case) -> Enclosures:
    probabilities = case.primals["probabilities"]
    p = probabilities.astype(np.float64)
    n = len(p)
    y = label_weights(case)
    scale = sample_scales(case, n)
    clip = case.options["clip"]
    if clip is not None:  # at the bounds as the dtype rounds them, which is what every implementation compares with
        low, high = (float(np.asarray(v, p.dtype).astype(probabilities.dtype)) for v in (clip, 1 - clip))
        clipped, p = (p < low) | (p > high), np.clip(p, low, high)
    labelled = y != 0
    special = labelled & ~((p > 0) & np.isfinite(p))
    terms: list[Balls] = [[] for _ in range(n)]
    for i, j in np.argwhere(labelled & ~special).tolist():
        terms[i].append(-arb(y[i, j].item()) * arb(p[i, j].item()).log())
    losses = [total(row) for row in terms]
    odd = np.where(special, -y * np.log(p), 0.0).sum(axis=1)
    g = np.array([float(v) for v in scale]).reshape(-1, 1)
    plain = labelled & np.isfinite(p) & (p != 0) & np.isfinite(g)
    at = np.argwhere(plain).tolist()
    gradient = enclosure([-arb(y[i, j].item()) * scale[i] / arb(p[i, j].item()) for i, j in at], (len(at),))
    dp = Enclosure.exact(np.where(labelled, -y * g / p, 0.0))
    for whole, part in ((dp.value, gradient.value), (dp.residual, gradient.residual), (dp.radius, gradient.radius)):
        whole[plain] = part
    if clip is not None:
        dp = overwritten(dp, clipped & ~np.isnan(p), np.zeros(p.shape))
    return {"output": _reduced(losses, odd, case), "dprobabilities": dp}


def _softmax_cross_entropy(case: Case) -> Enclosures:
    x = case.primals["logits"].astype(np.float64)
    n = len(x)
    y = label_weights(case)
    scale = sample_scales(case, n)
    invalid = _invalid_rows(x)
    losses: Balls = []
    gradient: Balls = []
    for row, labels, g in zip(np.where(invalid[:, None], 0.0, x), y, scale, strict=True):
        s, log_sum = softmax_row(row)
        top = float(row.max())
        labelled = {i: arb(labels[i].item()) for i in np.flatnonzero(labels).tolist()}
        logits = {i: arb(row[i].item() if np.isfinite(row[i]) else 0) for i in labelled}
        losses.append(total(w * (log_sum - (logits[i] - top)) for i, w in labelled.items()))
        weight = total(labelled.values()) * g
        gradient += [p * weight - labelled[i] * g if i in labelled else p * weight for i, p in enumerate(s)]
    masked = np.where((x == -np.inf) & (y != 0), y * np.inf, 0.0).sum(axis=1)
    odd = np.where(invalid, np.nan, masked)
    nan_at = np.broadcast_to(invalid[:, None], x.shape)
    return {
        "output": _reduced(losses, odd, case),
        "dlogits": overwritten(enclosure(gradient, x.shape), nan_at, np.full(x.shape, np.nan)),
    }


def softmax_row(row: Floats) -> tuple[Balls, Any]:
    """The softmax of a valid row, and the log of sum_k exp(x_k - max x)."""
    top = float(row.max())
    exps = [(arb(v) - top).exp() if v > -np.inf else arb(0) for v in row.tolist()]
    denominator = total(exps)
    return [e / denominator for e in exps], denominator.log()


def sample_scales(case: Case, n: int) -> Balls:
    """The cotangent of each sample's loss: that of the reduced loss, over N under the mean."""
    given = balls(case.cotangent)
    if case.options["reduction"] == "none":
        return given
    return [given[0] / n if case.options["reduction"] == "mean" else given[0]] * n


def _invalid_rows(x: Floats) -> Array:
    """Rows whose softmax is NaN: all -inf, any +inf, any NaN."""
    if not x.size:
        return np.zeros(len(x), bool)
    return np.asarray(np.isnan(x).any(axis=-1) | (x == np.inf).any(axis=-1) | (x == -np.inf).all(axis=-1))


def _reduced(losses: Balls, odd: Floats, case: Case) -> Enclosure:
    """The losses reduced; `odd` holds NaN or an infinity for samples whose loss is one, 0 for the others."""
    reduction, n = case.options["reduction"], len(losses)
    if reduction == "none":
        return overwritten(enclosure(losses, (n,)), odd != 0, odd)
    if reduction == "mean" and n == 0:
        return Enclosure.exact(np.array(np.nan))
    loss = total(losses)
    result = enclosure([loss / n if reduction == "mean" else loss], ())
    return overwritten(result, np.array((odd != 0).any()), np.array(odd.sum()))


FORMULAS: dict[str, Callable[[Case], Enclosures]] = {
    "dense": _dense,
    "relu": _relu,
    "softmax": _softmax,
    "cross_entropy": _cross_entropy,
    "softmax_cross_entropy": _softmax_cross_entropy,
}
