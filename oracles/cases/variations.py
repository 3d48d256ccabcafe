"""Cases that differ from a given one in a way that a layer's memory of it would show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ..data.arrays import Array
from ..data.case import Case
from ..ops.domains import REAL
from .axes import by_sample

_MANY = 1000  # samples that are enough


def variations(case: Case) -> Iterator[tuple[str, Case]]:
    """Cases that differ from this one in a way that a layer's memory of it would show; the last in its values alone."""
    op, samples = case.signature, by_sample(case)
    first, *others = op.differentiable
    a = case.primals[first]
    if not a.ndim or not a.size:
        return
    if op.cases is not None or first not in samples:  # what else it takes is not known
        yield from _in_another_order(case, samples)
        return
    bigger = a.astype(np.float64) * (64 if op.domains.get(first, REAL).rows == "logits" else 0.5)
    yield "larger values", case.with_arrays({first: bigger.astype(a.dtype)})
    if len(a) > 2:
        rolled = {n: np.concatenate([x[:1], x[1:][::-1]]) for n, x in samples.items()}
        yield "the same first sample", case.with_arrays(rolled)
    if len(a) > 1:
        yield "fewer samples", case.with_arrays({n: x[:-1] for n, x in samples.items()})
    if len(a) < _MANY:
        yield "more samples", case.with_arrays({n: np.concatenate([x, x[::-1]]) for n, x in samples.items()})
    # a result that is kept by the values of some arguments alone is that of the others as they were
    if any(g.ndim and g.any() for g in case.cotangents.values()):
        yield "another cotangent", negated(case)
    for n in others:
        if op.domains.get(n, REAL) is REAL:
            yield f"other {n}", case.with_arrays({n: -case.primals[n]})
    for n, x in samples.items():
        if n in op.primals and n not in op.differentiable and not np.array_equal(x, x[::-1]):
            yield f"other {'labels' if n == 'targets' else n}", case.with_arrays({n: x[::-1]})
    if a.ndim > 1:
        yield "another memory layout", case.with_arrays({n: np.array(x, order="F") for n, x in samples.items()})
    if op.special_values == "all":
        moving = {first: a} | {n: g for n, g in case.cotangents.items() if g.ndim}
        yield "a NaN at the end", case.with_arrays({n: nan_at_the_end(x) for n, x in moving.items()})
    yield "other values", case.with_arrays({n: x[::-1] for n, x in samples.items()} if len(a) > 1 else {first: -a})


def negated(case: Case) -> Case:
    """The case with its cotangents negated."""
    return case.with_arrays({name: -g for name, g in case.cotangents.items()})


def contiguous(case: Case, names: Sequence[str] | None = None) -> Case:
    """The case with its arrays in C order, all of them or those of that name."""
    arrays = case.arrays
    return case.with_arrays({n: np.array(arrays[n], order="C") for n in (arrays if names is None else names)})


def with_unlikely_label(case: Case) -> Case:
    """A loss's case where the last sample's label, its first that is not zero, has a probability of 0."""
    name = case.signature.differentiable[0]
    predictions, targets = np.array(case.primals[name], order="C"), case.primals["targets"]
    if len(predictions):
        label = targets[-1] if targets.ndim == 1 else np.argmax(targets[-1] != 0)
        predictions[-1, label] = 0 if name == "probabilities" else -np.inf
    return case.with_arrays({name: predictions})


def with_nan(case: Case) -> Case:
    """The case with NaN as the last value of its first primal: the other samples are to stay as they are."""
    first = case.signature.primals[0]
    return case.with_arrays({first: nan_at_the_end(case.primals[first])})


def with_masked_rows(case: Case) -> Case:
    """The case with -inf in all but the last value of each row of its first primal: whole blocks are masked."""
    first = case.signature.primals[0]
    masked = np.array(case.primals[first], order="C")
    masked[..., :-1] = -np.inf
    return case.with_arrays({first: masked})


def nan_at_the_end(a: Array) -> Array:
    """A copy whose last value is NaN."""
    changed = np.array(a, order="C")
    changed.reshape(-1)[-1:] = np.nan
    return changed


def _in_another_order(case: Case, samples: Mapping[str, Array]) -> Iterator[tuple[str, Case]]:
    """Values that the case has, in another order."""
    yield "another cotangent", negated(case)
    samples = samples or _of_one_length(case)
    if samples and all(len(x) > 1 for x in samples.values()):
        yield "fewer samples", case.with_arrays({n: x[:-1] for n, x in samples.items()})
        yield "other values", case.with_arrays({n: x[::-1] for n, x in samples.items()})


def _of_one_length(case: Case) -> dict[str, Array]:
    """The first primal and the cotangent, where no signature says the axes and they are of one length."""
    first = case.signature.primals[0]
    arrays = {first: case.primals[first]} | {n: g for n, g in case.cotangents.items() if g.ndim}
    known = case.signature.signature.inputs[0].axes is not None
    return {} if known or len({x.shape[:1] for x in arrays.values()}) != 1 or not case.primals[first].ndim else arrays
