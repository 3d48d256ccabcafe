"""What a layer computes on cases chosen to tell one cause of its failure from another, and what it should compute."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

import reference

from ..arrays import Array, as_dtype, widened
from ..case import Case, Result
from ..ops import get_op
from ..recipe import Recipe
from .bounds.arithmetic import ARITHMETIC, Floats, floats
from .bounds.losses import label_weights, signed_scales
from .cases import Variety
from .checks import Check
from .compare import elementwise
from .frames import Frame
from .layer import Layer
from .referee import run_layer, truth_for
from .search import Disagreement, try_cases
from .truth import Truth
from .variations import nan_at_the_end

T = TypeVar("T")

PLAIN = Variety(layouts=False, special=False)
ENOUGH = 8  # cases of either kind, wrong and right, of one frame

# unequal sizes, none of which is a power of two twice: a size that a fault depends on shows; 77 has every tail
_PROBES: Mapping[str, tuple[tuple[int, ...], ...]] = {
    "dense": ((5, 3, 4), (6, 7, 2), (4, 5, 9), (1, 3, 2), (3, 3, 3), (77, 3, 2), (3, 77, 2), (2, 3, 77)),
    "relu": ((5, 3), (7, 4), (3, 13), (1, 6), (4, 4), (77, 3), (3, 77)),
    "softmax": ((5, 3), (7, 4), (3, 13), (1, 6), (4, 4), (77, 3), (3, 77)),
    "cross_entropy": ((5, 3), (7, 4), (3, 13), (1, 6), (4, 4), (77, 3), (3, 77)),
    "softmax_cross_entropy": ((5, 3), (7, 4), (3, 13), (1, 6), (4, 4), (77, 3), (3, 77)),
}
_AXES = {
    ("dense", "output"): ("N", "M"),
    ("dense", "dinputs"): ("N", "K"),
    ("dense", "dweights"): ("K", "M"),
    ("dense", "dbiases"): ("1", "M"),
}


@dataclass(frozen=True)
class Evidence:
    """One run of a layer: what it returned by name (None where it raised), held against the truth."""

    case: Case
    truth: Truth
    result: Result | None
    raised: str = ""

    @classmethod
    def of(cls, layer: Layer, case: Case) -> Evidence:
        """Run a fresh instance of the layer on the case."""
        truth = truth_for(layer, case)
        try:
            return cls(case, truth, run_layer(layer, case, layer.start()).result)
        except Disagreement as found:
            return cls(case, truth, None, found.message)

    @cached_property
    def actual(self) -> Mapping[str, Array]:
        """What the layer returned, under the names of `Result.named`; nothing where it raised."""
        return {} if self.result is None else self.result.named()

    @cached_property
    def _computed(self) -> Mapping[str, Floats]:
        return {name: widened(a) for name, a in self.actual.items()}

    def computed(self, result: str) -> Floats:
        """What the layer computed, in float64."""
        return self._computed[result]

    def expected(self, result: str) -> Floats:
        """The truth, rounded to float64."""
        return self.truth.enclosures[result].value

    def bound(self, result: str) -> Floats:
        """The certified bound."""
        return self.truth.bounds[result]

    @cached_property
    def _wrong(self) -> Mapping[str, Array]:
        return {name: self._marked(name) for name in self.truth.bounds}

    def wrong(self, result: str) -> Array:
        """Which elements are outside their bounds; all of them where the shape is another, none where it raised."""
        return self._wrong[result]

    def _marked(self, result: str) -> Array:
        expected = self.truth.enclosures[result]
        if result not in self.actual:
            return np.zeros(expected.value.shape, bool)
        actual = self.computed(result)
        if actual.shape != expected.value.shape:
            return np.ones(expected.value.shape, bool)
        return elementwise(result, actual, expected, self.bound(result), self.truth.accepted)[0] > 1

    @cached_property
    def sizes(self) -> Mapping[str, int]:
        """The sizes of the case by their letter: N samples, C classes, K inputs, M neurons."""
        shape = self.first.shape
        if self.case.op == "dense":
            return {"N": shape[0], "K": shape[1], "M": self.case.primals["weights"].shape[1]}
        if self.case.op == "relu":
            return {"size": self.first.size}
        return {"N": int(np.prod(shape[:-1])), "C": shape[-1]}

    def size(self, letters: str) -> int:
        """A size of the case, or the product of those that the letters name: "N*C"."""
        return math.prod(self.sizes[name] for name in letters.split("*"))

    def axes(self, result: str) -> tuple[str, ...]:
        """The letters of a result's axes, "" for one without."""
        if (self.case.op, result) in _AXES:
            return _AXES[self.case.op, result]
        shape = self.expected(result).shape
        return ("N", "C")[: len(shape)] if len(shape) <= 2 else ("",) * (len(shape) - 1) + ("C",)

    @cached_property
    def first(self) -> Floats:
        """The first primal: inputs, logits or probabilities."""
        return floats(self.case, self.case.signature.primals[0])

    @cached_property
    def cotangent(self) -> Floats:
        """The cotangent of the output; for a mean loss in the book's interface that is 1."""
        return floats(self.case, "cotangent")

    @cached_property
    def sample_scales(self) -> Floats:
        """What each sample's gradient of a loss is multiplied by, (N, 1): the cotangent, over N under the mean."""
        return signed_scales(self.case, self.sizes["N"])

    @cached_property
    def label_weights(self) -> Floats:
        """The labels of a loss as rows, (N, C)."""
        return label_weights(self.case)

    @cached_property
    def probabilities(self) -> Floats:
        """The softmax of the logits, or the probabilities that a loss is given."""
        return self.first if self.case.op == "cross_entropy" else quietly(reference.softmax, self.first)

    @property
    def unit_roundoff(self) -> float:
        """Of what the layer stores."""
        return ARITHMETIC[self.case.dtype.name].v

    def instead(self, **arrays: Floats) -> Mapping[str, Floats]:
        """What the op gives in float64 where some of its primals or its cotangent were others."""
        names = self.case.signature.primals
        primals = [arrays.get(n, floats(self.case, n) if n != "targets" else self.case.primals[n]) for n in names]
        options = dict(self.case.options)
        output = quietly(getattr(reference, self.case.op), *primals, **options)
        found = quietly(
            getattr(reference, f"{self.case.op}_vjp"), arrays.get("cotangent", self.cotangent), *primals, **options
        )
        gradients = found if isinstance(found, tuple) else (found,)
        return {"output": output} | {
            f"d{n}": g for n, g in zip(self.case.signature.differentiable, gradients, strict=True)
        }


def gather(layer: Layer, check: Check, found: Disagreement, dtype: str, seed: int) -> list[Evidence]:
    """Runs of the layer: on the case that failed, on plain ones of every form, and on more like the one that failed."""
    runs = [Evidence.of(layer, found.case), Evidence.of(layer, found.origin)]
    for frame in probes(layer):
        runs += some_runs(layer, frame, dtype, seed, PLAIN, 2)
        runs.append(Evidence.of(layer, plain_case(layer, dtype, frame)))  # no zeros, which hide a scale
    if layer.op == "relu":
        runs.append(Evidence.of(layer, _kinks(dtype)))
    if np.isnan(runs[0].first).any() or np.isnan(runs[1].first).any():
        runs.append(Evidence.of(layer, with_nan(plain_case(layer, dtype))))
    small = [f for f in check.frames(layer, seed) if not f.is_large]
    for frame in sorted(small, key=lambda f: -f.elements)[:4]:
        runs += some_runs(layer, frame, dtype, seed, check.variety, ENOUGH)
    for frame in check.frames(layer, seed):
        if frame.is_large and frame.elements <= 20_000:
            runs += some_runs(layer, frame, dtype, seed, replace(check.variety, rough=True), 1)
    return runs


def _kinks(dtype: str) -> Case:
    """Both zeros beside small and large values of both signs, under different cotangents."""
    inputs = np.array([[0.0, -0.0, 1.0, -1.0, 0.5], [-0.0, 0.0, -8.0, 8.0, -0.5]]).astype(as_dtype(dtype))
    return Case("relu", [inputs], np.arange(2, 12).reshape(2, 5).astype(inputs.dtype))


def probes(layer: Layer) -> Iterator[Frame]:
    """Plain small frames, each form of labels and reduction that the layer takes in turn."""
    forms = [(r, t) for t in layer.targets for r in layer.reductions]
    for i, sizes in enumerate(_PROBES[layer.op]):
        if "targets" not in get_op(layer.op).primals:
            yield Frame(layer.op, sizes)
        else:
            for reduction, targets in forms if i < 2 else (forms[i % len(forms)],):
                yield Frame(layer.op, sizes, reduction, targets)


def plain_case(layer: Layer, dtype: str, frame: Frame | None = None) -> Case:
    """One case whose values are all different, of unequal sizes unless a frame is given."""
    found: list[Case] = []
    kind = replace(PLAIN, unit_cotangent=not layer.has_cotangent)
    try_cases(found.append, frame or next(probes(layer)), dtype, 1, "plain", kind)
    case = found[0]

    def plain(style: str, of: Array, seed: int) -> Recipe:
        return Recipe(style, of.shape, dtype, seed)

    style = "probabilities" if case.op == "cross_entropy" else "uniform"
    primals = {n: a if n == "targets" else plain(style, a, i) for i, (n, a) in enumerate(case.primals.items(), 2)}
    cotangent = plain("uniform", case.cotangent, 1) if case.cotangent.ndim else case.cotangent
    return Case(case.op, primals, cotangent, case.options)


def with_nan(case: Case) -> Case:
    """The case with NaN as the last value of its first primal: the other samples are to stay as they are."""
    first = case.signature.primals[0]
    primals = {**case.primals, first: nan_at_the_end(case.primals[first])}
    return Case(case.op, primals, case.cotangent, case.options)


def some_runs(layer: Layer, frame: Frame, dtype: str, seed: int, variety: Variety, count: int) -> list[Evidence]:
    """Runs on so many cases of one frame."""
    runs: list[Evidence] = []
    kind = replace(variety, unit_cotangent=not layer.has_cotangent)
    try_cases(lambda case: runs.append(Evidence.of(layer, case)), frame, dtype, count, (seed, "evidence"), kind)
    return runs


def same(a: Floats, b: Floats, reach: Floats) -> Array:
    """Which elements are within reach of each other, equal, or both NaN."""
    with np.errstate(all="ignore"):
        return np.asarray((np.abs(a - b) <= reach) | (a == b) | (np.isnan(a) & np.isnan(b)))


def quietly(function: Callable[..., T], *args: Any, **options: Any) -> T:
    """The function's value without warnings."""
    with np.errstate(all="ignore"):
        return function(*args, **options)
