"""Questions that frameworks answer differently, or might one day: a small input each, and what is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..calculus.model import ARITHMETIC
from ..data.arrays import Array, as_dtype, widened
from ..data.case import Case
from ..data.result import Result

INF, NAN = np.inf, np.nan


@dataclass(frozen=True)
class Probe:
    """A question about an op of the suite: of each dtype's case, these elements of these results are read.

    why: what the reference does, and why.
    """

    op: str
    question: str
    case: Callable[[str], Case]
    results: tuple[str, ...]
    why: str

    def read(self, result: Result) -> str:
        """The answer as text: numbers by result."""
        named = result.named()
        return "; ".join(shown(named[r]) if len(self.results) == 1 else f"{r} {shown(named[r])}" for r in self.results)


@dataclass(frozen=True)
class FunctionProbe:
    """A question about a framework's own function that no op of the suite is: its value, or its derivative there."""

    function: str
    question: str
    inputs: Any
    value: bool = False

    @property
    def may_lose_the_gpu(self) -> bool:
        """Whether kernels may assert that it is not asked: of labels there are not."""
        return self.function in ("label_past_the_last", "label_minus_1")

    def read(self, value: Array, gradient: Array) -> str:
        """The answer as text."""
        return shown(value if self.value else gradient)


def shown(a: Array) -> str:
    """Numbers as text: two digits, and one zero, so that rounding is no change of convention."""
    return ", ".join(f"{float(f'{x:.2g}') + 0.0:g}" for x in widened(np.asarray(a)).ravel())


def _relu(inputs: Callable[[str], list[float]], cotangent: list[float] | None, dtype: str) -> Case:
    x = np.array(inputs(dtype), as_dtype(dtype))
    return Case("relu", [x], np.ones_like(x) if cotangent is None else np.array(cotangent, x.dtype))


def _softmax(row: Callable[[str], list[float]], cotangent: list[float], dtype: str) -> Case:
    x = np.array([row(dtype)], as_dtype(dtype))
    return Case("softmax", [x], np.array([cotangent], x.dtype))


def _loss(op: str, rows: Any, targets: Any, reduction: str, dtype: str) -> Case:
    x = np.array(rows, as_dtype(dtype))
    labels = np.array(targets) if np.ndim(targets) == 1 else np.array(targets, x.dtype)
    labels = labels.astype(np.int64) if labels.ndim == 1 else labels
    return Case(op, {_FIRST[op]: x, "targets": labels}, np.ones((), x.dtype), {"reduction": reduction})


def _dense(inputs: Any, weights: Any, bias: float, cotangent: Any, dtype: str) -> Case:
    x, w, g = (np.array(a, as_dtype(dtype)) for a in (inputs, weights, cotangent))
    return Case("dense", [x, w, np.full((1, w.shape[1]), bias, w.dtype)], g)


def _tiny(dtype: str) -> list[float]:
    return [ARITHMETIC[dtype].normal / 4]


def _largest(dtype: str) -> list[float]:
    return [ARITHMETIC[dtype].largest, 0.0, -ARITHMETIC[dtype].largest]


_FIRST = {"cross_entropy": "probabilities", "softmax_cross_entropy": "logits"}
_KINK = "the left derivative, as both frameworks chose"
_MASKED = "a masked unit passes nothing on, whatever reaches it"


def _rows(values: list[float]) -> Callable[[str], list[float]]:
    return lambda dtype: values


def _relus() -> Iterator[Probe]:
    ask = partial(Probe, "relu")
    yield ask("derivative at 0 and -0", partial(_relu, _rows([0.0, -0.0]), None), ("dinputs",), _KINK)
    yield ask(
        "derivative at NaN",
        partial(_relu, _rows([NAN]), None),
        ("dinputs",),
        "NaN > 0 is false",
    )
    yield ask(
        "derivative at a subnormal input",
        partial(_relu, _tiny, None),
        ("dinputs",),
        "a subnormal is positive; jax on a CPU flushes it to 0",
    )
    yield ask("a subnormal input", partial(_relu, _tiny, None), ("output",), "itself")
    yield ask("inputs NaN, inf, -inf", partial(_relu, _rows([NAN, INF, -INF]), None), ("output",), "NaN, inf and 0")
    yield ask(
        "cotangents inf and NaN where the input is negative",
        partial(_relu, _rows([-1.0, -1.0]), [INF, NAN]),
        ("dinputs",),
        _MASKED,
    )
    yield ask("a subnormal cotangent where the input is 1", _subnormal_cotangent, ("dinputs",), "itself")


def _subnormal_cotangent(dtype: str) -> Case:
    return _relu(_rows([1.0]), _tiny(dtype), dtype)


def _softmaxes() -> Iterator[Probe]:
    ask, both, g = partial(Probe, "softmax"), ("output", "dinputs"), [1.0, 0.0, 0.0]
    yield ask(
        "a row with one -inf",
        partial(_softmax, _rows([0.0, 0.0, -INF]), g),
        both,
        "attention masks with -inf",
    )
    yield ask("a row of -inf alone", partial(_softmax, _rows([-INF] * 3), g), both, "there is nothing to normalise")
    yield ask("a row with inf", partial(_softmax, _rows([INF, 0.0, 0.0]), g), both, "inf - inf")
    yield ask("a row with NaN", partial(_softmax, _rows([NAN, 0.0, 0.0]), g), both, "NaN is passed on")
    yield ask(
        "logits up to the largest of the dtype",
        partial(_softmax, _largest, g),
        both,
        "differences that overflow to -inf have exponential 0",
    )
    yield ask(
        "an infinite cotangent at a probability of 0",
        partial(_softmax, _rows([0.0, 0.0, -INF]), [0.0, 0.0, INF]),
        ("dinputs",),
        "0 times infinity, in the formula as in both frameworks",
    )


def _losses() -> Iterator[Probe]:
    def fused(question: str, rows: Any, targets: Any, why: str, reduction: str = "sum") -> Probe:
        case = partial(_loss, "softmax_cross_entropy", rows, targets, reduction)
        return Probe("softmax_cross_entropy", question, case, ("output", "dlogits"), why)

    def plain(question: str, targets: Any, why: str) -> Probe:
        case = partial(_loss, "cross_entropy", [[0.0, 1.0]], targets, "sum")
        return Probe("cross_entropy", question, case, ("output", "dprobabilities"), why)

    masked = [[0.0, 0.0, -INF]]
    zero = "weight 0 contributes exactly 0"
    yield fused(
        "a logit of -inf with label weight 0, in rows of weights",
        masked,
        [[1, 0, 0]],
        f"{zero}; the frameworks form 0 times infinity",
    )
    yield fused("a logit of -inf at another class than the label", masked, [0], "it adds nothing")
    yield fused("a logit of -inf at the label", masked, [2], "-log(0)")
    yield fused("weights that sum to 2", [[0.0, 0.0]], [[1.5, 0.5]], "sum(y) s - y: labels need not be probabilities")
    yield fused("a mean over no samples", np.zeros((0, 3)), np.zeros(0, int), "0/0", "mean")
    yield plain("a probability of 0 at the label", [0], "-log(0), without a clip")
    yield plain("a probability of 0 with label weight 0", [[0, 1]], zero)


def _denses() -> Iterator[Probe]:
    ask = partial(Probe, "dense")
    yield ask(
        "0 times inf in the product", partial(_dense, [[0.0]], [[INF]], 0.0, [[0.0]]), ("output", "dinputs"), "NaN"
    )
    many = 500
    yield ask(
        f"{many} ones summed over the samples",
        partial(_dense, np.ones((many, 1)), [[1.0]], 0.0, np.ones((many, 1))),
        ("dweights", "dbiases"),
        "summed in float32 where the dtype has two bytes; a sum in bfloat16 itself stops at 256",
    )
    yield ask(
        "60000 + 60000 - 60000 over the samples",
        partial(_dense, [[1.0]] * 3, [[1.0]], 0.0, [[60000.0], [60000.0], [-60000.0]]),
        ("dweights", "dbiases"),
        "the partial sum leaves float16, but not float32, in which it is taken",
    )
    yield ask(
        "(1 + 2^-12) 1 - 1: TF32 keeps 10 bits",
        partial(_dense, [[1 + 2.0**-12]], [[1.0]], -1.0, [[1.0]]),
        ("output",),
        "2^-12, where the dtype holds 1 + 2^-12",
    )


PROBES: tuple[Probe, ...] = (*_denses(), *_relus(), *_softmaxes(), *_losses())

FUNCTIONS: tuple[FunctionProbe, ...] = (
    FunctionProbe("maximum", "derivative of maximum(x, 0) at 0 and -0", [0.0, -0.0]),
    FunctionProbe("maximum", "derivative of maximum(x, 0) at NaN", [NAN]),
    FunctionProbe("clip", "derivative of clip(x, -1, 1) at its ends", [-1.0, 1.0]),
    FunctionProbe("clip", "derivative of clip(x, -1, 1) at NaN", [NAN]),
    FunctionProbe("abs", "derivative of |x| at 0 and -0", [0.0, -0.0]),
    FunctionProbe("abs", "derivative of |x| at NaN", [NAN]),
    FunctionProbe("sqrt", "derivative of sqrt at 0", [0.0]),
    FunctionProbe("norm", "gradient of the 2-norm at 0", [[0.0, 0.0]]),
    FunctionProbe("max", "gradient of the largest of a row, with a tie", [[1.0, 1.0, 0.0]]),
    FunctionProbe("max_with_index", "the same by its index", [[1.0, 1.0, 0.0]]),
    FunctionProbe("max", "gradient of the largest of a row with NaN", [[NAN, 1.0, 0.0]]),
    FunctionProbe("min", "gradient of the smallest of a row, with a tie", [[0.0, 0.0, 1.0]]),
    FunctionProbe("sort", "gradient of the first after sorting, with a tie", [[0.0, 0.0, 1.0]]),
    FunctionProbe("median", "the median of 4 numbers", [[1.0, 2.0, 3.0, 4.0]], value=True),
    FunctionProbe("median", "gradient of the median of 4 numbers", [[1.0, 2.0, 3.0, 4.0]]),
    FunctionProbe("prod", "gradient of a product with one 0", [[0.0, 2.0, 3.0]]),
    FunctionProbe("prod", "gradient of a product with two 0", [[0.0, 0.0, 3.0]]),
    FunctionProbe("power_0", "derivative of x^0 at 0", [0.0]),
    FunctionProbe("x_to_the_x", "derivative of x^x at 0", [0.0]),
    FunctionProbe("relu6", "derivative of ReLU6 at 0 and 6", [0.0, 6.0]),
    FunctionProbe("leaky_relu", "derivative of leaky ReLU at 0", [0.0]),
    FunctionProbe("elu", "derivative of ELU at 0", [0.0]),
    FunctionProbe("hard_tanh", "derivative of hard tanh at its ends", [-1.0, 1.0]),
    FunctionProbe("hard_sigmoid", "derivative of hard sigmoid at its ends", [-3.0, 3.0]),
    FunctionProbe("gelu", "GELU by default of -3: by erf -0.004, by tanh -0.0036", [-3.0], value=True),
    FunctionProbe("softplus", "softplus of -100 and 100", [-100.0, 100.0], value=True),
    FunctionProbe("log_softmax", "log-softmax of a row with -inf", [[0.0, -INF]], value=True),
    FunctionProbe("log_softmax", "gradient of log-softmax, summed, of a row with -inf", [[0.0, -INF]]),
    FunctionProbe("logsumexp", "gradient of logsumexp of -inf alone", [[-INF, -INF]]),
    FunctionProbe("logsumexp", "gradient of logsumexp with inf", [[INF, 0.0]]),
    FunctionProbe("label_past_the_last", "loss of label 2 of 2 classes", [[0.0, 0.0]], value=True),
    FunctionProbe("label_past_the_last", "gradient for label 2 of 2 classes", [[0.0, 0.0]]),
    FunctionProbe("label_minus_1", "loss of label -1", [[0.0, 0.0]], value=True),
    FunctionProbe("label_minus_1", "gradient for label -1", [[0.0, 0.0]]),
    FunctionProbe("label_minus_100", "loss of label -100", [[0.0, 0.0]], value=True),
    FunctionProbe("label_minus_100", "gradient for label -100", [[0.0, 0.0]]),
)
