"""Makes a failing case smaller and plainer while it still fails: fewer rows and columns, simple values, C order.

Hypothesis shrinks what it drew, a recipe; this shrinks the arrays themselves, whatever they came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from reference import InputError

from ..data.arrays import Array, is_plain
from ..data.case import Case
from ..data.recipe import laid_out
from .axes import shared_axes

Arrays = dict[str, Array]
Fails = Callable[[Case], bool]

ATTEMPTS = 600
EFFORT = 1_000_000  # elements in all the cases tried

_SIMPLE = (0.0, 1.0, -1.0, 2.0, 3.0)


def shrink(case: Case, fails: Fails, *, attempts: int = ATTEMPTS) -> Case:
    """The smallest case found that still fails; `case` itself where nothing smaller does. At most so many calls."""
    left, effort = attempts, EFFORT

    def smaller(case: Case) -> Case | None:
        nonlocal left, effort
        for step in (_plainer, _fewer, _simpler):
            for arrays in step(case):
                if left <= 0 or effort <= 0:
                    return None
                left, effort = left - 1, effort - case.size
                candidate = _case(case, arrays)
                if candidate is not None and fails(candidate):
                    return candidate
        return None

    found: Case | None = case
    while found is not None:
        case, found = found, smaller(found)
    return case


def _case(like: Case, arrays: Arrays) -> Case | None:
    """A case of the same op and options, or None where the arrays make none: a label's class was dropped, say."""
    try:
        return like.with_arrays(arrays)
    except InputError:
        return None


def _plainer(case: Case) -> Iterator[Arrays]:
    """Each array in C order."""
    for name, a in case.arrays.items():
        if not is_plain(a):
            yield case.arrays | {name: np.array(a, order="C")}


def _fewer(case: Case) -> Iterator[Arrays]:
    """Half of the indices along an axis, then one fewer."""
    for axis in shared_axes(case):
        name, (at, *_) = next(iter(axis.items()))
        n = case.arrays[name].shape[at]
        runs = [(0, n // 2), (n // 2, n)] if n > 3 else []
        for start, stop in [*runs, *((i, i + 1) for i in range(min(n, 16)))]:
            keep = np.r_[0:start, stop:n]
            if not keep.size:  # an empty case shows nothing, unless emptiness is what fails
                continue
            yield {k: taken(a, keep, axis.get(k, ())) for k, a in case.arrays.items()}


def _simpler(case: Case) -> Iterator[Arrays]:
    """All of an array at one simple value, then one element of it, then every element rounded."""
    for name, a in case.arrays.items():
        if name not in (*case.cotangents, *case.signature.differentiable):  # whole numbers may become 0; others stay
            if a.dtype.kind in "iu" and a.any() and _may_be_zero(case, name, a):
                yield case.arrays | {name: _like(a, np.zeros_like(a))}
                for i in np.flatnonzero(a)[:64]:
                    yield case.arrays | {name: _like(a, np.where(np.arange(a.size).reshape(a.shape) == i, 0, a))}
            continue
        if a.size == 0:
            continue
        values = a.astype(np.float64)
        for value in _SIMPLE[:2]:
            if not (values == value).all() and _cost(value) < np.max([_cost(v) for v in values.ravel()[:64]]):
                yield case.arrays | {name: _like(a, np.full(a.shape, value))}
        if a.size <= 64:
            for i, old in enumerate(values.ravel()):
                for value in _SIMPLE:
                    if _cost(value) < _cost(old):
                        changed = values.copy()
                        changed.flat[i] = value
                        yield case.arrays | {name: _like(a, changed)}
        rounded = np.where(np.isfinite(values), np.round(values), values)
        if not np.array_equal(rounded, values, equal_nan=True):
            yield case.arrays | {name: _like(a, rounded)}


def _cost(value: float) -> float:
    """How plain a value reads: 0, then 1, small integers, and anything else."""
    if value == 0 and not np.signbit(value):
        return 0
    if value in _SIMPLE:
        return 1 + _SIMPLE.index(value)
    return 10 if np.isfinite(value) and value == np.round(value) else 20


def _may_be_zero(case: Case, name: str, a: Array) -> bool:
    """Whether a primal of whole numbers takes 0; rows of label weights stay what they are."""
    domain = case.signature.domains.get(name)
    return domain is None or (domain.low <= 0 and not (domain.forms and a.ndim == 2))


def taken(a: Array, keep: Array, axes: Sequence[int]) -> Array:
    """Some indices along an axis, or along several of the same size, in the layout of `a`."""
    found = a
    for axis in axes:
        found = np.take(found, keep, axis=axis)
    return a if found is a else _like(a, found)


def _like(a: Array, values: Array) -> Array:
    """`values` in the dtype of `a`, laid out in memory the way `a` is."""
    layout = "C"
    if not a.flags.writeable:
        layout = "readonly"
    elif any(s < 0 for s in a.strides):
        layout = "reversed"
    elif a.size > 1 and 0 in a.strides:
        layout = "repeated"
    elif not a.flags.c_contiguous:
        layout = "F" if a.flags.f_contiguous else "stepped"
    return laid_out(np.array(values, a.dtype), layout)
