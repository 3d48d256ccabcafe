"""Wrong formulas that stand in real layers instead of the right ones, op by op."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

import reference

from ...calculus.model import Floats
from ...data.wide import floats
from ...ops import Op
from ..evidence import Evidence, quietly
from .loss_formulas import cross_entropy, softmax_cross_entropy
from .values import Of, Value

WIDTHS = (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)  # of vector registers, tiles and blocks


def _dense() -> Iterator[tuple[str, str, Of]]:
    yield (
        "dinputs",
        "computed with the weights' gradient in the place of the weights",
        lambda e, r: e.cotangent @ e.expected("dweights").T,
    )
    yield "output", "the biases are not added", lambda e, r: _dense_output(e, 0.0)
    yield "output", "the biases are subtracted", lambda e, r: _dense_output(e, -1.0)
    yield (
        "output",
        "the first neuron's bias is added to every neuron",
        lambda e, r: e.first @ floats(e.case, "weights") + floats(e.case, "biases")[:, :1],
    )
    yield "output", "the biases are added twice", lambda e, r: _dense_output(e, 2.0)
    yield from _dense_without("last", slice(None, -1))
    yield from _dense_without("first", slice(1, None))
    yield (
        "dinputs",
        "the cotangent times the weights, not transposed",
        lambda e, r: _if_shaped(e, r, lambda: e.cotangent @ floats(e.case, "weights")),
    )
    yield "dbiases", "the sum over the whole cotangent", lambda e, r: np.full((1, e.sizes["M"]), e.cotangent.sum())
    yield (
        "dweights",
        "the inputs summed over the samples, cotangent and all",
        lambda e, r: np.outer(e.first.sum(axis=0), e.cotangent.sum(axis=0)),
    )


def _dense_without(name: str, keep: slice) -> Iterator[tuple[str, str, Of]]:
    sample, neuron = f"the {name} sample's term is missing", f"the {name} neuron's term is missing"
    yield "dweights", sample, lambda e, r: e.first[keep].T @ e.cotangent[keep]
    yield "dbiases", sample, lambda e, r: e.cotangent[keep].sum(axis=0, keepdims=True)
    yield "dinputs", neuron, lambda e, r: e.cotangent[:, keep] @ floats(e.case, "weights")[:, keep].T


def _dense_output(e: Evidence, times: float) -> Floats:
    return np.asarray(e.first @ floats(e.case, "weights") + times * floats(e.case, "biases"))


def _relu() -> Iterator[tuple[str, str, Of]]:
    yield "dinputs", "the cotangent ignored: the derivative 0 or 1 alone", lambda e, r: (e.first > 0).astype(np.float64)
    yield "dinputs", "the cotangent times the input", lambda e, r: np.where(e.first > 0, e.cotangent * e.first, 0.0)
    yield "dinputs", "the mask inverted", lambda e, r: np.where(e.first > 0, 0.0, e.cotangent)
    yield "dinputs", "the cotangent's own sign is the mask", lambda e, r: np.maximum(e.cotangent, 0)
    yield (
        "dinputs",
        "masked by multiplication: 0 times an infinite or NaN cotangent is NaN",
        lambda e, r: e.cotangent * (e.first > 0),
    )
    yield (
        "output",
        "NaN where the input is -inf: 0 times infinity, or infinity less infinity",
        lambda e, r: e.first * (e.first > 0),
    )
    yield "dinputs", "the sign of the input times the cotangent", lambda e, r: np.sign(e.first) * e.cotangent
    yield (
        "dinputs",
        "the cotangent times the sigmoid of the input, the derivative of softplus",
        lambda e, r: e.cotangent / (1 + np.exp(-e.first)),
    )
    yield "output", "the absolute value", lambda e, r: np.abs(e.first)


def _softmax() -> Iterator[tuple[str, str, Of]]:
    def s(e: Evidence) -> Floats:
        return e.probabilities

    def dot(e: Evidence) -> Floats:
        return np.asarray((s(e) * e.cotangent).sum(axis=-1, keepdims=True))

    yield "dinputs", "the rank-1 term is missing: s (1 - s) g", lambda e, r: s(e) * (1 - s(e)) * e.cotangent
    yield "dinputs", "the rank-1 term is missing: s g", lambda e, r: s(e) * e.cotangent
    yield "dinputs", "the output minus the cotangent, the formula of the fused loss", lambda e, r: s(e) - e.cotangent
    yield "dinputs", "the cotangent minus the output", lambda e, r: e.cotangent - s(e)
    yield (
        "dinputs",
        "the formula of log-softmax: g - s sum(g)",
        lambda e, r: e.cotangent - s(e) * e.cotangent.sum(axis=-1, keepdims=True),
    )
    yield "dinputs", "the factor s is missing: g - s.g", lambda e, r: e.cotangent - dot(e)
    yield (
        "dinputs",
        "s (g - sum(g)): the weights are missing from the dot product",
        lambda e, r: s(e) * (e.cotangent - e.cotangent.sum(axis=-1, keepdims=True)),
    )
    yield (
        "dinputs",
        "s (g - mean(g)): a mean in the place of the dot product",
        lambda e, r: s(e) * (e.cotangent - e.cotangent.mean(axis=-1, keepdims=True)),
    )
    yield "dinputs", "the rank-1 term is added, not subtracted", lambda e, r: s(e) * (e.cotangent + dot(e))
    yield (
        "dinputs",
        "exp(x - max) stands where s should: it is not normalised",
        lambda e, r: softmax_vjp_with(e, np.exp(e.first - e.first.max(axis=-1, keepdims=True, initial=-np.inf))),
    )
    yield "dinputs", "the rank-1 term alone", lambda e, r: -s(e) * dot(e)
    yield (
        "dinputs",
        "the dot product is taken over the samples",
        lambda e, r: s(e) * (e.cotangent - (s(e) * e.cotangent).sum(axis=0)),
    )
    yield (
        "dinputs",
        "the dot product is taken over the whole batch",
        lambda e, r: s(e) * (e.cotangent - (s(e) * e.cotangent).sum()),
    )
    yield (
        "dinputs",
        "the Jacobian is applied twice",
        lambda e, r: quietly(reference.softmax_vjp, e.expected(r), e.first),
    )
    yield (
        "dinputs",
        "the probabilities are computed again, from inputs without their maximum subtracted",
        _from_unshifted,
    )
    yield "dinputs", "a probability that underflows to 0 is divided by: 0/0", lambda e, r: _divided_out(e)
    for width in WIDTHS:
        yield from _softmax_blocks(width)
    yield "output", "normalised over the samples, not the classes", lambda e, r: _normalised(e, axis=0)
    yield "output", "normalised over the whole batch", lambda e, r: _normalised(e, axis=None)
    for what, of in (("mean", _mean), ("first value", _first), ("largest magnitude", _magnitude)):
        yield "output", f"the row's {what} is subtracted, not its maximum", _shifted_by(of)
    yield "output", "overflows: the row's maximum is not subtracted", _unshifted
    yield "output", "the batch's largest input is subtracted from every row, not the row's: rows underflow", _one_shift
    yield "output", "not normalised: exp(x - max)", lambda e, r: np.exp(e.first - e.first.max(axis=-1, keepdims=True))
    yield "output", "the logarithm of the softmax", lambda e, r: np.log(s(e))


def _softmax_blocks(width: int) -> Iterator[tuple[str, str, Of]]:
    def without_tail(e: Evidence, r: str) -> Floats:
        whole = e.sizes["C"] // width * width or e.sizes["C"]
        s, g = e.probabilities, e.cotangent
        return np.asarray(s * (g - (s * g)[..., :whole].sum(axis=-1, keepdims=True)))

    def masked_block(e: Evidence, r: str) -> Floats:
        masked = (e.first[..., :width] == -np.inf).all(axis=-1, keepdims=True) & (e.sizes["C"] > width)
        return np.where(masked, np.nan, e.expected(r))

    yield "dinputs", f"the dot product drops the tail: C modulo {width} classes", without_tail
    yield "output", f"NaN where the first {width} values of a row are all -inf", masked_block


def _divided_out(e: Evidence) -> Floats:
    """The result, with NaN in rows where a probability is 0 in the dtype of the case."""
    stored = e.probabilities.astype(e.case.dtype)
    return np.where((stored == 0).any(axis=-1, keepdims=True), np.nan, e.expected("dinputs"))


def _normalised(e: Evidence, axis: int | None) -> Floats | None:
    if e.first.ndim < 2:
        return None
    shifted = np.exp(e.first - e.first.max())
    return np.asarray(shifted / shifted.sum(axis=axis, keepdims=True))


def _unshifted(e: Evidence, r: str) -> Floats:
    raised = np.exp(e.first.astype(e.case.dtype)).astype(np.float64)
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def _mean(x: Floats) -> Floats:
    return np.asarray(x.mean(axis=-1, keepdims=True))


def _first(x: Floats) -> Floats:
    return x[..., :1]


def _magnitude(x: Floats) -> Floats:
    return np.asarray(np.abs(x).max(axis=-1, keepdims=True, initial=0))


def _shifted_by(of: Callable[[Floats], Floats]) -> Of:
    return lambda e, r: shifted_softmax(e, of)


def shifted_softmax(e: Evidence, of: Callable[[Floats], Floats]) -> Floats:
    """The softmax in the dtype of the case, with something else subtracted than the row's maximum."""
    x = e.first.astype(e.case.dtype)
    raised = np.exp(x - of(x))
    return np.asarray((raised / raised.sum(axis=-1, keepdims=True)).astype(np.float64))


def softmax_vjp_with(e: Evidence, s: Floats) -> Floats:
    """The gradient of softmax from probabilities that something is wrong with."""
    return np.asarray(s * (e.cotangent - (s * e.cotangent).sum(axis=-1, keepdims=True)))


def _from_unshifted(e: Evidence, r: str) -> Floats:
    return softmax_vjp_with(e, _unshifted(e, r))


def _one_shift(e: Evidence, r: str) -> Floats | None:
    return shifted_softmax(e, _of_batch) if e.first.size else None


def _of_batch(x: Floats) -> Floats:
    return np.asarray(np.maximum(x.max(axis=-1, keepdims=True), np.fmax.reduce(x, axis=None)))


def _if_shaped(e: Evidence, r: str, of: Callable[[], Floats]) -> Floats | None:
    try:
        found = of()
    except ValueError:
        return None
    return found if found.shape == e.expected(r).shape else None


def _formulas(op: Op) -> Iterator[tuple[str, str, Of]]:
    """Those of the ops that are alike: what one of them is taken for, another may be."""
    if {"weights", "biases"} == set(op.parameters):
        yield from _dense()
    elif op.has_one_primal:
        yield from _relu()
    elif op.labels:
        yield from cross_entropy() if op.rows == "probabilities" else softmax_cross_entropy()
    elif op.has_logits_alone:
        yield from _softmax()


def formulas(op: Op, result: str) -> Iterator[Value]:
    """The wrong formulas for one result of an op."""
    for name, text, of in _formulas(op):
        if name == result:
            rounds = "rounded to" in text  # close to the truth: the prediction must be sharp
            yield Value(text, of, slack=8 if rounds else 64, rough=not rounds)
