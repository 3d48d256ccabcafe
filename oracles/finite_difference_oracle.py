"""Gradients by central differences of the forward formula alone: no derivative is written down here.

In ball arithmetic, with steps of 2^-100 and enough bits to take them in, truncation and cancellation both lie far
below any float64 bound: the result serves as an oracle, where textbook differences (`reference.numerical_gradient`)
give ten digits.
It abstains (UnsupportedCase) at kinks, on values that are not finite, and on cases that would take too long.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import flint
import numpy as np
from flint import arb

from .ball_arithmetic import Balls, balls, enclosure, total, working_precision
from .case import Case, Result
from .enclosure import Enclosure
from .registry import UnsupportedCase

INSTALL = "pip install python-flint"
OWN_ARITHMETIC = True

BITS = 500  # beyond the range of exponents in the case
STEP = -100  # of two: relative to the element where the op has a kink or a pole at 0, absolute elsewhere
RELATIVE = ("relu", "cross_entropy")
LIMIT = 20_000  # evaluations of a forward formula's elements

Named = Mapping[str, Balls]


def version() -> str:
    """The version of python-flint."""
    return f"python-flint {flint.__version__}"


def devices() -> tuple[str, ...]:
    """Balls live on the CPU."""
    return ("cpu",)


def vjp(case: Case, device: str = "cpu") -> Result:
    """Output and gradients rounded to the dtype of the case. Raises UnsupportedCase."""
    with np.errstate(all="ignore"):
        rounded = {name: np.asarray(e.value.astype(case.dtype)) for name, e in enclose(case).items()}
    return Result(rounded.pop("output"), {name.removeprefix("d"): value for name, value in rounded.items()})


def enclose(case: Case) -> dict[str, Enclosure]:
    """Output and gradients; the radius adds what halving the step changes, an estimate of the truncation."""
    _check(case)
    with working_precision(BITS + 2 * _exponent_range(case)), np.errstate(all="ignore"):
        primals = {name: balls(a) for name, a in case.primals.items()}
        results = {"output": enclosure(FORWARD[case.op](case, primals), case.cotangent.shape)}
        for name in case.signature.differentiable:
            gradient, truncation = [], []
            for at in range(len(primals[name])):
                wide, narrow = _slope(case, primals, name, at, STEP), _slope(case, primals, name, at, STEP - 1)
                gradient.append(narrow)
                truncation.append(float(abs(wide - narrow).upper()))
            e = enclosure(gradient, case.primals[name].shape)
            radius = e.radius + np.array(truncation).reshape(e.radius.shape)
            results[f"d{name}"] = Enclosure(e.value, e.residual, radius)
        return results


def _slope(case: Case, primals: Named, name: str, at: int, exponent: int) -> Any:
    """(f(x + h e) - f(x - h e)) / 2h for f the inner product of the output and the cotangent."""
    x = primals[name][at]
    step = arb(2) ** exponent * (abs(x) if case.op in RELATIVE else 1)
    ends = []
    for sign in (1, -1):
        moved = [*primals[name]]
        moved[at] = x + sign * step
        output = FORWARD[case.op](case, {**primals, name: moved})
        ends.append(total(o * g for o, g in zip(output, balls(case.cotangent), strict=True)))
    return (ends[0] - ends[1]) / (2 * step)


def _exponent_range(case: Case) -> int:
    """The exponents of two that the case's values span, 1 and the exponentials of logits included."""
    values = np.concatenate([a.astype(np.float64).ravel() for a in (*case.primals.values(), case.cotangent)])
    exponents = np.frexp(values[values != 0])[1]
    span = int(np.max(exponents, initial=0) - np.min(exponents, initial=0))
    if case.op not in ("softmax", "softmax_cross_entropy"):
        return span
    # below e^-750 everything is under the smallest float64
    return span + int(1.5 * min(750.0, 2 * float(np.max(np.abs(case.primals[case.signature.differentiable[0]])))))


def _check(case: Case) -> None:
    if case.op not in FORWARD:
        raise UnsupportedCase(f"finite_difference: no forward formula of {case.op}")
    if case.size == 0 or case.cotangent.size == 0 or case.primals[case.signature.differentiable[0]].size == 0:
        raise UnsupportedCase("finite_difference: nothing to perturb in an empty case")
    differentiable = [case.primals[name] for name in case.signature.differentiable]
    if not all(np.isfinite(a.astype(np.float64)).all() for a in (*case.primals.values(), case.cotangent)):
        raise UnsupportedCase("finite_difference: no differences of values that are not finite")
    work = case.size * sum(a.size for a in differentiable)
    if work > LIMIT:
        raise UnsupportedCase(f"finite_difference: {work} evaluations for this case, more than {LIMIT}")
    if case.op == "relu" and (case.primals["inputs"] == 0).any():
        raise UnsupportedCase("finite_difference: no derivative at the kink of relu")
    if case.op == "cross_entropy":
        p, clip = case.primals["probabilities"].astype(np.float64), case.options["clip"]
        if (p <= 0).any() or (clip is not None and ((p <= clip) | (p >= 1 - clip)).any()):
            raise UnsupportedCase("finite_difference: no derivative where the logarithm ends or clipping starts")


def _dense(case: Case, primals: Named) -> Balls:
    k, m = case.primals["weights"].shape
    x, w, b = primals["inputs"], primals["weights"], primals["biases"]
    rows = range(case.primals["inputs"].shape[0])
    return [total(x[i * k + j] * w[j * m + c] for j in range(k)) + b[c] for i in rows for c in range(m)]


def _relu(case: Case, primals: Named) -> Balls:
    return [max(x, arb(0)) for x in primals["inputs"]]


def _softmax(case: Case, primals: Named) -> Balls:
    rows = _rows(primals["inputs"], case.cotangent.shape[-1])
    output = []
    for row in rows:
        exps = [x.exp() for x in _shifted(row)]
        denominator = total(exps)
        output += [e / denominator for e in exps]
    return output


def _cross_entropy(case: Case, primals: Named) -> Balls:
    classes = case.primals["probabilities"].shape[1]
    rows, labels = _rows(primals["probabilities"], classes), _labels(case, primals, classes)
    losses = []
    for row, y in zip(rows, labels, strict=True):
        losses.append(-total(w * p.log() for w, p in zip(y, row, strict=True) if not w.is_zero()))
    return _reduced(losses, case)


def _softmax_cross_entropy(case: Case, primals: Named) -> Balls:
    classes = case.primals["logits"].shape[1]
    rows, labels = _rows(primals["logits"], classes), _labels(case, primals, classes)
    losses = []
    for row, y in zip(rows, labels, strict=True):
        shifted = _shifted(row)
        log_sum = total(x.exp() for x in shifted).log()
        losses.append(total(w * (log_sum - x) for w, x in zip(y, shifted, strict=True)))
    return _reduced(losses, case)


def _shifted(row: Balls) -> Balls:
    top = max(row, key=float)
    return [x - top for x in row]


def _rows(values: Balls, width: int) -> list[Balls]:
    return [values[i : i + width] for i in range(0, len(values), width)] if width else []


def _labels(case: Case, primals: Named, classes: int) -> list[Balls]:
    if case.primals["targets"].ndim == 2:
        return _rows(primals["targets"], classes)
    return [[arb(int(t == c)) for c in range(classes)] for t in case.primals["targets"].tolist()]


def _reduced(losses: Balls, case: Case) -> Balls:
    if case.options["reduction"] == "none":
        return losses
    loss = total(losses)
    return [loss / len(losses) if case.options["reduction"] == "mean" and losses else loss]


FORWARD: dict[str, Callable[[Case, Named], Balls]] = {
    "dense": _dense,
    "relu": _relu,
    "softmax": _softmax,
    "cross_entropy": _cross_entropy,
    "softmax_cross_entropy": _softmax_cross_entropy,
}
