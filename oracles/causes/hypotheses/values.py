"""What may stand in a result instead of the truth, for any op: scaled, copied, of another cotangent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from ...calculus.model import Floats
from ...ops import Op
from ..evidence import Evidence, quietly

Of = Callable[[Evidence, str], Floats | None]


@dataclass(frozen=True)
class Value:
    """A hypothesis: `of(run, result)` is what the layer would have computed, None where it does not apply.

    slack: what multiplies the certified bound where the prediction is compared. relative: units of roundoff of each
    element, and rough: some of the largest, that are allowed on top: another formula rounds in other ways, also where
    the right one is exact.
    """

    text: str
    of: Of
    slack: float = 4.0
    relative: float = 2.0
    rough: bool = False


def truth(e: Evidence, r: str) -> Floats:
    """What it should be."""
    return e.expected(r)


# text, and the powers of sizes it is the product of, times a number
_SCALES: tuple[tuple[str, Mapping[str, int], float], ...] = (
    ("-1", {}, -1.0),
    ("N", {"N": 1}, 1.0),
    ("1/N", {"N": -1}, 1.0),
    ("C", {"C": 1}, 1.0),
    ("1/C", {"C": -1}, 1.0),
    ("N/C", {"N": 1, "C": -1}, 1.0),
    ("C/N", {"N": -1, "C": 1}, 1.0),
    ("N C", {"N": 1, "C": 1}, 1.0),
    ("1/(N C)", {"N": -1, "C": -1}, 1.0),
    ("-N", {"N": 1}, -1.0),
    ("-1/N", {"N": -1}, -1.0),
    ("K", {"K": 1}, 1.0),
    ("1/K", {"K": -1}, 1.0),
    ("M", {"M": 1}, 1.0),
    ("1/M", {"M": -1}, 1.0),
    ("the number of elements", {"size": 1}, 1.0),
    ("1 over the number of elements", {"size": -1}, 1.0),
    ("2", {}, 2.0),
    ("1/2", {}, 0.5),
    ("-2", {}, -2.0),
)


def scaled() -> Iterator[Value]:
    """The truth times a size of the case, a plain number, or 0 to the bit: what is small enough is near to both."""
    yield Value("all zero", lambda e, r: np.zeros(truth(e, r).shape), slack=0.0)
    for text, powers, number in _SCALES:
        yield Value(f"scaled by {text}", partial(_scaled, powers=powers, number=number), slack=256)


def _scaled(e: Evidence, r: str, powers: Mapping[str, int], number: float) -> Floats | None:
    if not all(e.sizes.get(letter) for letter in powers):
        return None
    for letter, power in powers.items():
        number *= float(e.sizes[letter]) ** power
    return truth(e, r) * number


def constant(c: float) -> Value:
    """The truth times a number found from the runs; the number and the product are rounded, also where no bound is."""
    said = f"1 {'+' if c > 1 else '-'} {abs(c - 1):.2g}" if abs(c - 1) < 0.05 else f"{c:.6g}"
    return Value(f"scaled by {said}", lambda e, r: truth(e, r) * c, slack=4 * max(1.0, abs(c)))


def copies() -> Iterator[Value]:
    """Arrays that are returned as they are."""
    yield Value("NaN", lambda e, r: np.full(truth(e, r).shape, np.nan))
    yield Value("the cotangent, passed through", lambda e, r: _shaped(e, r, e.cotangent))
    yield Value("half the cotangent", lambda e, r: _shaped(e, r, e.cotangent / 2))
    yield Value("the output, not a gradient", _output)
    yield Value("the input, unchanged", lambda e, r: _shaped(e, r, e.first))
    yield Value("its magnitude, without the sign", lambda e, r: np.abs(truth(e, r)))
    # elsewhere, where the bound may be smaller
    for text, move in (
        ("transposed", lambda a: a.T if a.ndim == 2 else None),
        ("its rows in reverse order", lambda a: a[::-1] if a.ndim else None),
        ("the first row, in every row", lambda a: _row(a, 0)),
        ("the last row, in every row", lambda a: _row(a, -1)),
    ):
        yield Value(text, partial(_moved, move=move), rough=True)


def _output(e: Evidence, r: str) -> Floats | None:
    first = e.case.signature.outputs[0]
    return _shaped(e, r, e.expected(first)) if e.is_gradient(r) else None


def _moved(e: Evidence, r: str, move: Callable[[Floats], Floats | None]) -> Floats | None:
    moved = move(truth(e, r))
    return None if moved is None else _shaped(e, r, moved)


def cotangents(op: Op) -> Iterator[Value]:
    """The right backward pass of another cotangent."""
    for output, name in zip(op.outputs, op.cotangents, strict=True):
        if len(op.outputs) > 1:
            text = f"the cotangent of {output} is ignored"
            yield Value(text, partial(_without_cotangent, name=name), slack=64, rough=True)
    for text, change in (
        ("the cotangent ignored: as if it were all ones", lambda g: np.ones(g.shape)),
        ("only the first value of each sample's cotangent is used", lambda g: _column(g, 0)),
        ("only the last value of each sample's cotangent is used", lambda g: _column(g, -1)),
        ("only the first sample's cotangent is used", lambda g: _row(g, 0)),
        ("samples whose cotangent sums to 0 are skipped", _without_zero_sums),
        ("the cotangent averaged over the samples", lambda g: _over(g, 0)),
        ("the cotangent averaged over each sample", lambda g: _over(g, -1)),
        ("the cotangent's sign is lost", np.abs),
        ("the cotangent squared", np.square),
        ("the cotangent transposed", lambda g: g.T if g.ndim == 2 and g.shape[0] == g.shape[1] else None),
    ):
        yield Value(text, partial(_with_cotangent, change=change), slack=64, rough=True)


def _with_cotangent(e: Evidence, r: str, change: Callable[[Floats], Floats | None]) -> Floats | None:
    return e.of_cotangents(r, partial(quietly, change))


def _without_cotangent(e: Evidence, r: str, name: str) -> Floats | None:
    return e.instead(**{name: np.zeros(e.case.cotangents[name].shape)}).get(r) if e.is_gradient(r) else None


def _without_zero_sums(g: Floats) -> Floats | None:
    return np.where(g.sum(axis=-1, keepdims=True) != 0, g, 0.0) if g.ndim else None


def _shaped(e: Evidence, r: str, a: Floats) -> Floats | None:
    return a if a.shape == truth(e, r).shape else None


def _row(a: Floats, i: int) -> Floats | None:
    return np.broadcast_to(a[[i]], a.shape) if a.ndim and len(a) else None


def _column(a: Floats, i: int) -> Floats | None:
    return np.broadcast_to(a[..., [i]], a.shape) if a.ndim > 1 and a.shape[-1] else None


def _over(a: Floats, axis: int) -> Floats | None:
    return np.broadcast_to(a.mean(axis=axis, keepdims=True), a.shape) if a.ndim and a.size else None
