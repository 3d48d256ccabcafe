"""Where a result may be wrong: edges, tails, kinks, label positions, and the sizes and forms of a case as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from ...data.arrays import Array
from ...data.wide import floats
from ...ops import Op
from ..evidence import Evidence, quietly

Where = Callable[[Evidence, str], Array | None]


@dataclass(frozen=True)
class Place:
    """A hypothesis: `of(run, result)` marks elements of the result, None where it does not apply."""

    text: str
    of: Where


def everywhere(e: Evidence, r: str) -> Array:
    """All of the result."""
    return np.ones(e.expected(r).shape, bool)


EVERYWHERE = Place("", everywhere)


def places(op: Op) -> Iterator[Place]:
    """The places that take no number found from the runs."""
    yield EVERYWHERE
    yield from _kinks() if op.has_one_primal else ()
    yield from _zeros(op) if op.parameters else ()
    yield from _rows() if op.has_logits_alone else ()
    yield from _labels() if op.labels else ()
    yield from _edges()
    yield from _tails()
    yield from wholes()


def along(e: Evidence, r: str, letter: str, chosen: Array) -> Array | None:
    """The elements whose index along the axis of that letter is chosen; None for a result without it."""
    axes = e.axes(r)
    if letter not in axes or len(chosen) != e.expected(r).shape[axes.index(letter)]:
        return None
    shape = [1] * len(axes)
    shape[axes.index(letter)] = -1
    return np.broadcast_to(chosen.reshape(shape), e.expected(r).shape)


def _edges() -> Iterator[Place]:
    for axis, what in ((0, "row"), (-1, "column")):
        for text, mark in (
            (f"in the last {what}", lambda n: np.arange(n) == n - 1),
            (f"in the first {what}", lambda n: np.arange(n) == 0),
            (f"in every {what} but the last", lambda n: np.arange(n) < n - 1),
            (f"in every {what} but the first", lambda n: np.arange(n) > 0),
            (f"in every second {what}", lambda n: np.arange(n) % 2 == 1),
        ):
            yield Place(text, partial(_on_axis, axis=axis, mark=mark))
    yield Place("in the last element", partial(_flat, mark=lambda n: np.arange(n) == n - 1))
    yield Place("in the first element", partial(_flat, mark=lambda n: np.arange(n) == 0))
    yield Place("on the diagonal", _diagonal)


def _tails() -> Iterator[Place]:
    for width in (2, 4, 8, 16, 32, 64):
        yield Place(f"in the tail: size modulo {width} elements", partial(_flat, mark=_tail(width)))
        for axis, what in ((-1, "columns"), (0, "rows")):
            text = f"in the tail: {what} modulo {width}"
            yield Place(text, partial(_on_axis, axis=axis, mark=_tail(width)))
            yield Place(f"{text}, where there are more", partial(_on_axis, axis=axis, mark=_tail(width, least=width)))
    yield Place("in the last column, where their number is odd and above 1", partial(_on_axis, axis=-1, mark=_odd_last))


def _tail(width: int, least: int = 0) -> Callable[[int], Array]:
    return lambda n: np.asarray((np.arange(n) >= n // width * width) & (n >= least))


def _odd_last(n: int) -> Array:
    return np.asarray((np.arange(n) == n - 1) & (n % 2 == 1) & (n > 1))


def _kinks() -> Iterator[Place]:
    marks: tuple[tuple[str, Callable[[Array, Array], Array]], ...] = (
        ("where the input is 0, the kink", lambda x, g: x == 0),
        ("where the input is +0, the kink", lambda x, g: (x == 0) & ~np.signbit(x)),
        ("where the input is -0, the kink", lambda x, g: (x == 0) & np.signbit(x)),
        ("where the input is negative", lambda x, g: x < 0),
        ("where the input is 0 or negative", lambda x, g: x <= 0),
        ("where the input is positive", lambda x, g: x > 0),
        ("where the input is NaN", lambda x, g: np.isnan(x)),
        ("where the unit is masked and the cotangent is infinite or NaN", lambda x, g: (x <= 0) & ~np.isfinite(g)),
        ("where the input is between 0 and 1", lambda x, g: (x > 0) & (x < 1)),
        ("where the input is above 1", lambda x, g: x > 1),
        ("where the input is above 6", lambda x, g: x > 6),
    )
    for text, mark in marks:
        yield Place(text, partial(_by_input, mark=mark))


def _by_input(e: Evidence, r: str, mark: Callable[[Array, Array], Array]) -> Array:
    return mark(e.first, e.cotangent)


def _zeros(op: Op) -> Iterator[Place]:
    """By the values of what the gradient is of."""
    for name in op.differentiable:
        yield Place(f"where {name} == 0", partial(_by_primal, result=f"d{name}", name=name, mark=lambda a: a == 0))
        yield Place(f"where {name} <= 0", partial(_by_primal, result=f"d{name}", name=name, mark=lambda a: a <= 0))


def _by_primal(e: Evidence, r: str, result: str, name: str, mark: Callable[[Array], Array]) -> Array | None:
    return mark(floats(e.case, name)) if r == result else None


def _rows() -> Iterator[Place]:
    yield Place("where the input is infinite or NaN", lambda e, r: ~np.isfinite(e.first))
    for text, mark in (
        ("in rows of equal inputs", lambda x: (x == x[..., :1]).all(axis=-1, keepdims=True)),
        ("in rows of -inf alone", lambda x: (x == -np.inf).all(axis=-1, keepdims=True)),
        ("in rows with an infinite input or NaN", lambda x: ~np.isfinite(x).all(axis=-1, keepdims=True)),
    ):
        yield Place(text, partial(_by_row, mark=mark))
    yield Place(
        "beside the largest input of a row", lambda e, r: e.first < e.first.max(axis=-1, keepdims=True, initial=-np.inf)
    )


def _by_row(e: Evidence, r: str, mark: Callable[[Array], Array]) -> Array:
    return np.broadcast_to(mark(e.first), e.first.shape)


def _labels() -> Iterator[Place]:
    marks: tuple[tuple[str, Callable[[Array], Array]], ...] = (
        ("in samples of class 0", lambda y: y[:, 0] != 0),
        ("in samples of the last class", lambda y: y[:, -1] != 0),
        ("in samples of class 1", lambda y: y[:, 1] != 0 if y.shape[1] > 1 else np.zeros(len(y), bool)),
    )
    for text, mark in marks:
        yield Place(text, partial(_by_labels, mark=mark))
    yield Place("at the labels", lambda e, r: _if_matrix(e, r, e.label_weights != 0))
    yield Place("beside the labels", lambda e, r: _if_matrix(e, r, e.label_weights == 0))
    yield Place(
        "where a class without label has probability 0",
        lambda e, r: _if_matrix(e, r, (e.label_weights == 0) & (e.probabilities == 0)),
    )
    yield Place("where the labels are one-hot rows", lambda e, r: _whole(e, r, _targets(e).ndim == 2))
    yield Place("where the labels are class ids", lambda e, r: _whole(e, r, _targets(e).ndim == 1))
    yield Place("in samples that are classified rightly", lambda e, r: along(e, r, "N", _classified(e)))
    yield Place(
        "where the labels are rows of unsigned integers",
        lambda e, r: _whole(e, r, _targets(e).ndim == 2 and _targets(e).dtype.kind == "u"),
    )
    yield Place(
        "where the labels are rows of integers",
        lambda e, r: _whole(e, r, _targets(e).ndim == 2 and _targets(e).dtype.kind in "iub"),
    )


def _classified(e: Evidence) -> Array:
    p = e.probabilities
    return np.asarray(p.argmax(axis=1) == e.label_weights.argmax(axis=1)) if p.size else np.zeros(len(p), bool)


def _targets(e: Evidence) -> Array:
    return e.case.primals[e.case.signature.labels]


def _by_labels(e: Evidence, r: str, mark: Callable[[Array], Array]) -> Array | None:
    y = e.label_weights
    return along(e, r, "N", mark(y)) if y.size else np.zeros(e.expected(r).shape, bool)


def wholes() -> Iterator[Place]:
    """Cases as a whole: their sizes, the form of their labels."""
    yield Place("on an empty batch", lambda e, r: _whole(e, r, e.sizes.get("N", e.sizes.get("size")) == 0))
    yield Place("with one sample", lambda e, r: _whole(e, r, e.sizes.get("N") == 1))
    yield Place("with one class", lambda e, r: _whole(e, r, e.sizes.get("C") == 1))
    yield Place("with one neuron", lambda e, r: _whole(e, r, e.sizes.get("M") == 1))
    yield Place("with one input", lambda e, r: _whole(e, r, e.sizes.get("K") == 1))
    yield Place("where no sample is of the last class", lambda e, r: _whole(e, r, _lacks_last_class(e)))
    yield Place("with several samples", lambda e, r: _whole(e, r, e.sizes.get("N", 0) > 1))
    yield Place("unless the result is square", lambda e, r: _whole(e, r, len(set(e.expected(r).shape)) > 1))
    yield Place("where the result is square", lambda e, r: _whole(e, r, len(set(e.expected(r).shape)) == 1))
    yield Place("where N is not C", lambda e, r: _whole(e, r, e.sizes.get("N") != e.sizes.get("C")))
    yield Place("where C is odd", lambda e, r: _whole(e, r, e.sizes.get("C", 0) % 2 == 1))


def above(letter: str, limit: int) -> Place:
    """Cases with a size above a limit that was found from the runs."""
    return Place(f"where {letter} > {limit}", lambda e, r: _whole(e, r, e.size(letter) > limit))


def from_index(letter: str, index: int) -> Place:
    """The elements from an index on, found from the runs."""

    def of(e: Evidence, r: str) -> Array | None:
        return along(e, r, letter, np.arange(e.sizes.get(letter, 0)) >= index)

    return Place(f"from index {index} on along {letter}", of)


def rows_where(text: str, mark: Callable[[Evidence], Array]) -> Place:
    """Samples that a function marks."""
    return Place(text, lambda e, r: along(e, r, "N", quietly(mark, e)))


def _lacks_last_class(e: Evidence) -> bool:
    return bool(e.case.signature.labels) and e.label_weights.size > 0 and not e.label_weights[:, -1].any()


def _whole(e: Evidence, r: str, holds: object) -> Array:
    return np.full(e.expected(r).shape, bool(holds))


def _on_axis(e: Evidence, r: str, axis: int, mark: Callable[[int], Array]) -> Array | None:
    shape = e.expected(r).shape
    if len(shape) < 2:
        return None
    chosen = mark(shape[axis])
    return np.broadcast_to(chosen if axis == -1 else chosen.reshape((-1,) + (1,) * (len(shape) - 1)), shape)


def _flat(e: Evidence, r: str, mark: Callable[[int], Array]) -> Array:
    expected = e.expected(r)
    return mark(expected.size).reshape(expected.shape)


def _diagonal(e: Evidence, r: str) -> Array | None:
    shape = e.expected(r).shape
    return np.eye(*shape, dtype=bool) if len(shape) == 2 else None


def _if_matrix(e: Evidence, r: str, mask: Array) -> Array | None:
    return mask if mask.shape == e.expected(r).shape else None
