"""Small changes to a case, which keep it one of its op: a case with a high margin has worse ones near it."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np

from reference import InputError

from ..calculus.model import ARITHMETIC
from ..data.arrays import Array
from ..data.case import Case
from ..data.recipe import LAYOUTS, laid_out
from ..ops.domains import REAL, Domain
from .axes import shared_axes
from .generation import finite_specials
from .shrink import taken

NEW_SHAPE = 0.003  # of the changes: jax compiles each shape, for as long as it takes to judge twenty cases

Mutation = Callable[[Array, random.Random], Array]


def mutate(case: Case, rng: random.Random, *, cotangent_too: bool = True) -> Case:
    """One to three changes of the values, now and then of the layout, the labels, or the samples.

    Probabilities stay within 0..1, and rows of label weights what they are. cotangent_too: whether that may change.
    """
    while True:
        arrays = case.arrays
        for _ in range(rng.choice((1, 1, 2, 3))):
            arrays = _changed(case, arrays, rng, tuple(case.cotangents) if cotangent_too else ())
        try:
            return case.with_arrays(arrays)
        except InputError:  # a label's class was dropped, say
            continue


def _changed(case: Case, arrays: dict[str, Array], rng: random.Random, also: tuple[str, ...]) -> dict[str, Array]:
    kind = rng.random()
    if kind < NEW_SHAPE:
        return _other_samples(case, arrays, rng)
    floats = [n for n in (*case.signature.differentiable, *also) if arrays[n].size]
    others = [n for n in case.primals if n not in case.signature.differentiable and arrays[n].size]
    if kind < 0.1 and others:
        name = rng.choice(others)
        return arrays | {name: _other_labels(arrays[name], case.signature.domains[name], arrays, case, rng)}
    if not floats:
        return arrays
    name = rng.choice(floats)
    if kind < 0.15:
        return arrays | {name: laid_out(np.array(arrays[name], order="C"), rng.choice(LAYOUTS))}
    values = np.array(arrays[name], order="C")
    with np.errstate(all="ignore"):
        values = rng.choice(_MUTATIONS)(values, rng)
        domain = case.signature.domains.get(name, REAL)
        if domain.rows == "probabilities" or domain.is_bounded:
            values = np.clip(values, domain.low, float(domain.high))
        return arrays | {name: np.asarray(values, arrays[name].dtype)}


def _nudged(a: Array, rng: random.Random) -> Array:
    """One element by a few units in the last place."""
    at, wide = rng.randrange(a.size), a.astype(np.float64)
    a.flat[at] = wide.flat[at] * (1 + rng.randint(-4, 4) * ARITHMETIC[a.dtype.name].v * 2)
    return a


def _all_nudged(a: Array, rng: random.Random) -> Array:
    """Every element by a unit in the last place or none."""
    steps = np.frombuffer(rng.randbytes(a.size), np.uint8).reshape(a.shape).astype(np.int8) % 3 - 1
    return np.asarray(a.astype(np.float64) * (1 + steps * ARITHMETIC[a.dtype.name].v * 2)).astype(a.dtype)


def _drawn_anew(a: Array, rng: random.Random) -> Array:
    """One element within twice its magnitude, or within that of another."""
    at, other = rng.randrange(a.size), rng.randrange(a.size)
    magnitude = float(np.abs(a.flat[rng.choice((at, other))].astype(np.float64)))
    a.flat[at] = (rng.random() * 4 - 2) * magnitude
    return a


def _special(a: Array, rng: random.Random) -> Array:
    a.flat[rng.randrange(a.size)] = rng.choice(finite_specials(a.dtype.name))
    return a


def _repeated(a: Array, rng: random.Random) -> Array:
    """One element becomes equal to another: a tie."""
    a.flat[rng.randrange(a.size)] = a.flat[rng.randrange(a.size)]
    return a


def _negated(a: Array, rng: random.Random) -> Array:
    at = rng.randrange(a.size)
    a.flat[at] = -a.flat[at]
    return a


def _scaled(a: Array, rng: random.Random) -> Array:
    """All by a power of two, which changes no mantissa, or by any factor near 1."""
    factor = rng.choice((0.5, 2.0, 0.125, 8.0, 0.75 + rng.random() / 2, 0.75 + rng.random() / 2))
    return np.asarray(a.astype(np.float64) * factor)


def _shuffled(a: Array, rng: random.Random) -> Array:
    """The elements of the last axis in another order, the same in each row: sums round otherwise."""
    if not a.ndim:
        return a
    order = list(range(a.shape[-1]))
    rng.shuffle(order)
    return a[..., order]


def _shifted(a: Array, rng: random.Random) -> Array:
    """A constant added to all."""
    wide = a.astype(np.float64)
    step = float(wide.flat[rng.randrange(a.size)]) or 1.0
    return np.asarray(wide + step * (rng.random() * 2 - 1))


_MUTATIONS: tuple[Mutation, ...] = (
    *(_nudged, _all_nudged, _all_nudged, _drawn_anew, _drawn_anew, _special),
    *(_repeated, _negated, _scaled, _shuffled, _shifted),
)


def _other_labels(a: Array, domain: Domain, arrays: dict[str, Array], case: Case, rng: random.Random) -> Array:
    """Another of the whole numbers somewhere; of rows of weights, two classes change places."""
    changed = np.array(a, order="C")
    if changed.dtype.kind in "iub" and (changed.ndim == 1 or not domain.forms):
        shapes = {n: arrays[n].shape for n in case.primals}
        sizes = case.signature.signature.sizes(shapes)[0] if isinstance(domain.high, str) else {}
        high = sizes[domain.high] - 1 if isinstance(domain.high, str) else min(1.0, domain.high)
        low = 0 if domain.low == -np.inf else int(domain.low)
        changed.flat[rng.randrange(changed.size)] = rng.randint(low, int(high))
    elif changed.ndim:
        rows = changed.reshape(-1, changed.shape[-1])
        i, a_class, b_class = (rng.randrange(n) for n in (len(rows), rows.shape[1], rows.shape[1]))
        rows[i, [a_class, b_class]] = rows[i, [b_class, a_class]]
    return changed


def _other_samples(case: Case, arrays: dict[str, Array], rng: random.Random) -> dict[str, Array]:
    """Along one axis, an index once more or one fewer; never the last."""
    axis = rng.choice(shared_axes(case) or ({},))
    if not axis:
        return arrays
    name, (at, *_) = next(iter(axis.items()))
    n = arrays[name].shape[at]
    if n < 1:
        return arrays
    keep = list(range(n))
    if n > 1 and rng.random() < 0.5:
        del keep[rng.randrange(n)]
    elif n < 40:
        keep.insert(rng.randrange(n), rng.randrange(n))
    indices = np.array(keep, np.intp)
    return {k: taken(a, indices, axis.get(k, ())) for k, a in arrays.items()}
