"""Arrays by recipe, a style, a seed and a few edits: a large one prints in a line and is the same everywhere.

Values come from `PCG64(seed).random_raw`, a stream NumPy guarantees, through operations IEEE 754 defines to the bit (no
exp, no pairwise sums): the same recipe gives the same bits on every machine and version.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from reference import InputError
from reference._arrays import shown

from .arrays import LARGEST, Array, as_dtype, number, strided

Raw = NDArray[np.uint64]
Floats = NDArray[np.float64]


def _unit(raw: Raw) -> Floats:
    return (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _integers(raw: Raw, scale: float) -> Floats:
    return (((raw >> np.uint64(32)) % np.uint64(7)).astype(np.float64) - 3) * scale


def _uniform(raw: Raw, scale: float) -> Floats:
    return (2 * _unit(raw) - 1) * scale


def _ties(raw: Raw, scale: float) -> Floats:
    choices = np.array([-1.0, 0.0, 0.5, 1.0]) * scale
    return np.asarray(choices[(raw >> np.uint64(32)) % np.uint64(4)])


def _wide(raw: Raw, scale: float) -> Floats:
    exponents = (raw % np.uint64(41)).astype(np.int64) - 20
    return np.ldexp(_uniform(raw, scale), exponents)


def _offset(raw: Raw, scale: float) -> Floats:
    return (1 + _uniform(raw, 2.0 ** -float(int(raw.flat[0]) % 11 if raw.size else 0))) * scale


def _one_element(raw: Raw, scale: float) -> Floats:
    values = np.zeros(raw.shape)
    if values.size:
        at = int(raw.flat[0]) % values.size
        values.flat[at] = scale * (1 + _unit(raw).flat[at])
    return values


def _zero_sum_rows(raw: Raw, scale: float) -> Floats:
    values = _integers(raw, scale)
    if values.ndim and values.size:
        values[..., -1] -= np.add.accumulate(values, axis=-1)[..., -1]
    return values


def _probabilities(raw: Raw, scale: float) -> Floats:
    weights = np.ldexp(1 + _unit(raw), -((raw % np.uint64(64)).astype(np.float64) * scale / 8).astype(np.int64))
    return weights / np.add.accumulate(weights, axis=-1)[..., -1:] if weights.size else weights


def _masked(raw: Raw, scale: float) -> Floats:
    values = _uniform(raw, scale)
    if values.ndim and values.size:
        hidden = (raw[..., :1] >> np.uint64(32)) % np.uint64(values.shape[-1])
        values[np.arange(values.shape[-1], dtype=np.uint64) < hidden] = -np.inf
    return values


def _soft(raw: Raw, scale: float) -> Floats:
    return np.where(raw % np.uint64(3) == 0, 0.0, _unit(raw)) * scale


def _smoothed(raw: Raw, scale: float) -> Floats:
    values = _one_hot(raw, 1.0)
    return np.asarray(values * (1 - scale) + scale / max(1, raw.shape[1]))


def _mixup(raw: Raw, scale: float) -> Floats:
    values = _one_hot(raw, 1.0)
    if not values.size:
        return values
    share = np.where(raw[:, :1] % np.uint64(2) == 0, 1.0, 1 - scale * _unit(raw)[:, :1])
    return np.asarray(values * share + values[::-1] * (1 - share))


def _ids(raw: Raw, scale: float) -> Floats:
    return ((raw >> np.uint64(32)) % np.uint64(max(1, int(scale)))).astype(np.float64)


def _one_hot(raw: Raw, scale: float) -> Floats:
    values = np.zeros(raw.shape)
    if values.size:
        ids = ((raw[:, 0] >> np.uint64(32)) % np.uint64(raw.shape[1])).astype(np.int64)
        values[np.arange(len(ids)), ids] = 1
    return values


STYLES: dict[str, Callable[[Raw, float], Floats]] = {
    "integers": _integers,  # -3..3 times scale: exact zeros and ties
    "uniform": _uniform,  # within scale
    "ties": _ties,  # four values, many of them equal
    "wide": _wide,  # magnitudes from 2^-20 to 2^20 times scale
    "offset": _offset,  # about scale, with a spread that is 1 to 1/1024 of it
    "zeros": lambda raw, scale: np.zeros(raw.shape),
    "ones": lambda raw, scale: np.ones(raw.shape),
    "one_element": _one_element,  # one element between scale and 2 scale, zeros elsewhere
    "zero_sum_rows": _zero_sum_rows,  # integers whose rows sum to exactly zero
    "probabilities": _probabilities,  # rows that sum to 1 up to rounding; the smallest near 2^(-8 scale)
    "masked": _masked,  # uniform, with a run of -inf of a random length at the start of each row
    "soft": _soft,  # label weights in 0..scale, a third of them zero
    "smoothed": _smoothed,  # one-hot rows of which scale is shared by all classes, as in label smoothing
    "mixup": _mixup,  # one-hot rows, and mixtures of two with at most scale of the other; all sum to 1
    "ids": _ids,  # class ids, scale the number of classes
    "one_hot": _one_hot,
}
# how many axes a style takes, from and to, where not any number up to 32
AXES = {"smoothed": (2, 2), "mixup": (2, 2), "one_hot": (2, 2), "probabilities": (1, 32)}
LAYOUTS = ("C", "F", "stepped", "reversed", "repeated", "readonly")


@dataclass(frozen=True)
class Recipe:
    """An array of that shape and dtype, to be built: equal recipes build the same bits.

    style: one of STYLES. scale: what the style makes of it. edits: pairs (flat index, value) that are set afterwards.
    layout: one of LAYOUTS. Raises InputError.
    """

    style: str
    shape: tuple[int, ...]
    dtype: str
    seed: int = 0
    scale: float = 1.0
    edits: tuple[tuple[int, float], ...] = ()
    layout: str = "C"

    def __post_init__(self) -> None:
        if self.style not in STYLES:
            raise InputError(f"style: expected one of {', '.join(STYLES)}, got {self.style!r}")
        if self.layout not in LAYOUTS:
            raise InputError(f"layout: expected one of {', '.join(LAYOUTS)}, got {self.layout!r}")
        size = math.prod(self.shape)
        for name, value in (
            ("dtype", as_dtype(self.dtype).name),
            ("seed", int(self.seed)),
            ("scale", float(self.scale)),
        ):
            object.__setattr__(self, name, value)  # plain Python values, which print as code
        if self.seed < 0 or min(self.shape, default=0) < 0:
            raise InputError(f"seed, shape: expected no negative numbers, got {self.seed} and {self.shape}")
        if any(not 0 <= at < size for at, _ in self.edits):
            raise InputError(f"edits: expected flat indices in 0..{size - 1}, got {shown(self.edits)}")
        least, most = AXES.get(self.style, (0, 32))
        if not least <= len(self.shape) <= most:
            raise InputError(f"shape: expected {least} to {most} axes for {self.style}, got {shown(self.shape)}")
        if not math.isfinite(self.scale):
            raise InputError(f"scale: expected a finite number, got {self.scale}")

    def to_data(self) -> dict[str, Any]:
        """The recipe as JSON data; infinite edits are texts, as JSON has no number for them."""
        edits = [[at, number(value, np.dtype(np.float64))] for at, value in self.edits]
        return {f.name: getattr(self, f.name) for f in fields(self)} | {"shape": list(self.shape), "edits": edits}

    @classmethod
    def from_data(cls, data: object, field: str) -> Recipe:
        """The recipe that `to_data` wrote. Raises InputError, which names the `field` that is not as it should be."""
        try:
            given = dict(cast("dict[str, Any]", data))
            given["shape"] = tuple(int(n) for n in given["shape"])
            given["edits"] = tuple((int(at), float(value)) for at, value in given["edits"])
            if math.prod(given["shape"]) > LARGEST:
                raise InputError(f"{field}.shape: expected at most {LARGEST} elements, got {shown(given['shape'])}")
            return cls(**given)
        except (TypeError, ValueError, KeyError, OverflowError) as error:
            if str(error).startswith(field):
                raise
            said = str(error) if isinstance(error, InputError) else f"not a recipe: {type(error).__name__}: {error}"
            raise InputError(f"{field}: {said}") from None

    def build(self, field: str = "recipe") -> Array:
        """The array; values beyond the dtype's range become its largest.

        Raises InputError, which names the `field`, where the style makes nothing of such numbers.
        """
        try:
            return self._built()
        except (ValueError, TypeError, IndexError, OverflowError) as error:
            raise InputError(f"{field}: {self.style} makes no array of that: {error}") from None

    def _built(self) -> Array:
        size = int(np.prod(self.shape))
        raw = np.asarray(np.random.PCG64(self.seed).random_raw(size), np.uint64).reshape(self.shape)
        dtype = as_dtype(self.dtype)
        values = np.array(_into_range(STYLES[self.style](raw, self.scale), dtype), dtype)
        for at, value in self.edits:
            values.flat[at] = value
        return laid_out(values, self.layout)

    def __repr__(self) -> str:
        parts = [f"{self.style!r}, {self.shape}, {self.dtype!r}"]
        for f in fields(self)[3:]:
            value = getattr(self, f.name)
            if value != f.default:
                text = repr(value) if f.name != "edits" else self._edits_text()
                parts.append(f"{f.name}={text}")
        return f"Recipe({', '.join(parts)})"

    def _edits_text(self) -> str:
        dtype = np.dtype(np.float64)
        return "(" + "".join(f"({at}, {number(value, dtype)}), " for at, value in self.edits).rstrip(" ") + ")"


def laid_out(values: Array, layout: str) -> Array:
    """The same values in memory laid out as `layout` says; "repeated" makes every row the first one."""
    natural = tuple(s // values.itemsize for s in np.empty(values.shape, values.dtype).strides)
    if layout == "F":
        return np.array(values, order="F")
    if layout == "stepped":
        return strided(values, tuple(2 * s for s in natural))
    if layout == "reversed":
        return strided(values, tuple(-s for s in natural))
    if layout == "repeated" and values.ndim and values.shape[0]:
        rows = np.broadcast_to(values[:1], values.shape)
        return strided(rows, (0, *natural[1:]))
    if layout == "readonly":
        values.flags.writeable = False
    return values


def _into_range(values: Floats, dtype: np.dtype[Any]) -> Floats:
    if dtype.kind in "iub":
        return values
    largest = float(np.finfo(dtype).max) if dtype.name != "bfloat16" else float.fromhex("0x1.fep127")
    return np.where(np.isinf(values), values, np.clip(values, -largest, largest))
