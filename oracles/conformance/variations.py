"""Cases that differ from a given one in a way that a layer's memory of it would show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ..arrays import Array
from ..case import Case
from ..ops import OPS

_MANY = 1000  # samples that are enough


def variations(case: Case) -> Iterator[tuple[str, Case]]:
    """Cases that differ from this one in a way that a layer's memory of it would show; the last in its values alone."""
    first = case.signature.primals[0]
    a = case.primals[first]
    if case.op not in OPS:
        yield from _of_unknown(case)
        return
    if not a.ndim or not a.size:
        return
    bigger = a.astype(np.float64) * (64 if case.op in ("softmax", "softmax_cross_entropy") else 0.5)
    yield "larger values", _replaced(case, {first: bigger.astype(a.dtype)})
    rolled = {n: np.concatenate([x[:1], x[1:][::-1]]) for n, x in _by_sample(case).items()}
    if len(a) > 2:
        yield "the same first sample", _replaced(case, rolled)
    if len(a) > 1:
        yield "fewer samples", _replaced(case, {n: x[:-1] for n, x in _by_sample(case).items()})
    if len(a) < _MANY:
        yield "more samples", _replaced(case, {n: np.concatenate([x, x[::-1]]) for n, x in _by_sample(case).items()})
    # a result that is kept by the values of some arguments alone is that of the others as they were
    if case.cotangent.ndim and case.cotangent.any():
        yield "another cotangent", _replaced(case, {"cotangent": -case.cotangent})
    if "weights" in case.primals:
        for n in ("weights", "biases"):
            yield f"other {n}", _replaced(case, {n: -case.primals[n]})
    targets = case.primals.get("targets")
    if targets is not None and not np.array_equal(targets, targets[::-1]):
        yield "other labels", _replaced(case, {"targets": targets[::-1]})
    if a.ndim > 1:
        yield "another memory layout", _replaced(case, {n: np.array(x, order="F") for n, x in _by_sample(case).items()})
    yield "a NaN at the end", _replaced(case, {n: nan_at_the_end(x) for n, x in _floats(case, first).items()})
    yield (
        "other values",
        _replaced(case, {n: x[::-1] for n, x in _by_sample(case).items()} if len(a) > 1 else {first: -a}),
    )


def contiguous(case: Case, names: Sequence[str] | None = None) -> Case:
    """The case with its arrays in C order, all of them or those of that name."""
    arrays = {**case.primals, "cotangent": case.cotangent}
    return _replaced(case, {n: np.array(arrays[n], order="C") for n in (arrays if names is None else names)})


def with_unlikely_label(case: Case) -> Case:
    """A loss's case where the last sample's label, its first that is not zero, has a probability of 0."""
    name = case.signature.differentiable[0]
    predictions, targets = np.array(case.primals[name], order="C"), case.primals["targets"]
    if len(predictions):
        label = targets[-1] if targets.ndim == 1 else np.argmax(targets[-1] != 0)
        predictions[-1, label] = 0 if name == "probabilities" else -np.inf
    return _replaced(case, {name: predictions})


def _floats(case: Case, first: str) -> dict[str, Array]:
    return {first: case.primals[first]} | ({"cotangent": case.cotangent} if case.cotangent.ndim else {})


def nan_at_the_end(a: Array) -> Array:
    """A copy whose last value is NaN."""
    changed = np.array(a, order="C")
    changed.reshape(-1)[-1:] = np.nan
    return changed


def _of_unknown(case: Case) -> Iterator[tuple[str, Case]]:
    """Of a user's own op: values that its cases have, in another order; whether a sample can go, it must be asked."""
    first = case.signature.primals[0]
    yield "another cotangent", _replaced(case, {"cotangent": -case.cotangent})
    samples = {n: x for n, x in _along_samples(case).items() if x.ndim}
    n = len(case.primals[first]) if first in samples else 0
    if n > 1 and all(len(x) == n for x in samples.values()):
        yield "fewer samples", _replaced(case, {n: x[:-1] for n, x in samples.items()})
        yield "other values", _replaced(case, {n: x[::-1] for n, x in samples.items()})


def _along_samples(case: Case) -> dict[str, Array]:
    """The arrays along the first axis of the first primal, where the signature says which those are; none otherwise."""
    op, first = case.signature, case.signature.primals[0]
    if op.definition is None:
        return _by_sample(case)
    axes = {a.name: a.axes or () for a in (*op.signature.inputs, *op.signature.outputs)}
    axis = axes[first][0] if axes[first] else ""
    leads = axis != "..." or case.primals[first].ndim > op.signature.inputs[0].rank
    if not axis or not leads or any(axis in of[1:] for of in axes.values()):
        return {}
    arrays = {n: a for n, a in case.primals.items() if axes[n][:1] == (axis,)}
    output = axes[op.signature.outputs[0].name]
    return arrays | ({"cotangent": case.cotangent} if output[:1] == (axis,) or not output else {})


def _by_sample(case: Case) -> dict[str, Array]:
    names = [case.signature.primals[0], *(n for n in ("targets",) if n in case.primals)]
    arrays = {n: case.primals[n] for n in names}
    return arrays | ({"cotangent": case.cotangent} if case.cotangent.ndim else {})


def _replaced(case: Case, arrays: Mapping[str, Array]) -> Case:
    changed = {**case.primals, "cotangent": case.cotangent, **arrays}
    cotangent = changed.pop("cotangent")
    return Case(case.op, changed, cotangent, case.options)
