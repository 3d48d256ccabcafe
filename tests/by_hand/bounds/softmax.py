"""Bounds of softmax, in each textbook form: exp over its sum, exp of x - log-sum-exp, exp2 with scaled logits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oracles.data.arrays import row_blocks, widened
from oracles.data.case import Case

from .arithmetic import DIVISION, EXP, LOG, Arithmetic, Floats, unclaimed_from


@dataclass(frozen=True)
class Probabilities:
    """Softmax of rows (R, C) with the bounds of what is computed on the way.

    s: the probabilities. bound: of s before it is stored. log_s: log s. log_bound: of log s, likewise. valid: rows that
    are not NaN. classes: how many of a row are not masked, (R, 1): the exponentials of the others are exactly 0.
    """

    s: Floats
    bound: Floats
    log_s: Floats
    log_bound: Floats
    valid: Floats
    classes: Floats


def bound(case: Case, a: Arithmetic) -> dict[str, Floats]:
    """The bounds of the output and of s (g - s.g)."""
    shape = case.cotangent.shape
    rows = (-1, shape[-1])
    x, g = case.primals["inputs"].reshape(rows), case.cotangent.reshape(rows)
    output, dinputs = np.empty(x.shape), np.empty(x.shape)
    for some in row_blocks(*x.shape):
        output[some], dinputs[some] = _of_rows(a, widened(x[some]), widened(g[some]))
    return {"output": output.reshape(shape), "dinputs": dinputs.reshape(shape)}


def _of_rows(a: Arithmetic, x: Floats, signed: Floats) -> tuple[Floats, Floats]:
    p = probabilities(a, x)
    g, classes = np.abs(signed), p.classes
    s, s_bound = p.s, a.stored(p.s, p.bound)
    reach = s + s_bound
    dot = np.sum(s * signed, axis=1, keepdims=True)
    gauge = np.sum(s * g, axis=1, keepdims=True)
    dot_bound = (
        np.sum(s_bound * g, axis=1, keepdims=True)
        + a.gamma(classes + 1) * np.sum(reach * g, axis=1, keepdims=True)
        + x.shape[1] * a.tiny
    )
    # the book's Jacobian sums s_j g_j among the C products of its row, hence gamma there
    rounding = a.gamma(classes + 4) * g + 4 * a.u * (gauge + dot_bound)
    difference = np.abs(signed - dot) + 2.0**-50 * (g + gauge)
    # and multiplies g_k with s_j s_k, which may have been flushed, or rounded to a subnormal number, before
    products = np.minimum(a.tiny * np.sum(g, axis=1, keepdims=True), reach * np.sum(reach * g, axis=1, keepdims=True))
    dinputs = s_bound * (difference + dot_bound) + reach * (dot_bound + rounding) + products
    dinputs = dinputs + 4 * a.tiny * (1 + g + gauge)
    dinputs = a.stored(s * difference, dinputs)
    dinputs = unclaimed_from(dinputs, g + np.max(g, axis=1, keepdims=True), a.wide_largest)
    return np.where(p.valid, s_bound, 0.0), np.where(p.valid, dinputs, 0.0)


def probabilities(a: Arithmetic, x: Floats, *, stored_log: bool = False) -> Probabilities:
    """Softmax of the rows of x with its bounds.

    In the log domain, so that factors (1 + d) add up rigorously. With m the maximum, a_j = m - x_j, l = log sum
    exp(-a):
    - the argument of an exponential: u (|x_j| + |m| + 2 a_j), which holds for exp(x - m) and for exp2(c x - c m), whose
      products and constant are rounded as well; exp itself EXP u;
    - their sum: the average of those, weighted with s, and gamma_C, C the classes that are not masked;
    - the division form: both, and the division;
    - the log form, of x - (m + log sum) or (x - m) - log sum: u (|m| + 2 a_j + 2 l) in the argument, LOG u l in the
      logarithm, the sum's error, and exp. With stored_log, log s is itself a documented step, rounded to the dtype.
    """
    valid = np.isfinite(x).any(axis=1, keepdims=True) & ~(np.isnan(x) | (x == np.inf)).any(axis=1, keepdims=True)
    present = valid & np.isfinite(x)
    classes = np.count_nonzero(present, axis=1, keepdims=True)
    clean = np.where(present, x, 0.0)
    m = np.where(valid, np.max(x, axis=1, keepdims=True), 0.0)
    gap = np.where(present, m - clean, np.inf)  # a_j; beyond float64 it is inf and s_j is 0
    exps = np.exp(-gap)
    total = np.where(valid, np.sum(exps, axis=1, keepdims=True), 1.0)
    s, log_sum = exps / total, np.log(total)
    gap = np.where(present, gap, 0.0)
    log_s = np.where(present, -gap - log_sum, -np.inf)

    argument = a.u * (np.abs(clean) + np.abs(m) + 2 * gap) + 2 * a.tiny
    each = argument + EXP * a.u
    weighted = np.where(s > 0, s * np.expm1(each), 0.0)
    summed = np.log1p(np.sum(weighted, axis=1, keepdims=True)) + a.gamma(classes) + x.shape[1] * a.tiny
    division = each + summed + DIVISION * a.u
    log_form = a.u * (np.abs(m) + 2 * gap + 2 * log_sum) + LOG * a.u * log_sum + summed + 2 * a.tiny
    if a.half and stored_log:
        log_form = log_form + a.v * (gap + log_sum)
    relative = np.expm1(np.maximum(division, log_form + EXP * a.u) * (1 + 2 * a.u))
    s_bound = np.where(s > 0, s * relative, 0.0) + 3 * a.tiny
    s_bound = np.where(present, np.minimum(s_bound, 1 + a.gamma(classes + EXP)), 0.0)
    # log s as the logarithm of a probability is as good as that, where the probability has not underflowed
    log_bound = np.maximum(log_form, division + LOG * a.u * (gap + log_sum))
    return Probabilities(s, s_bound, log_s, np.where(present, log_bound, 0.0), valid, classes)
