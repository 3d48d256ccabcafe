"""What a layer computes on cases chosen to tell one cause of its failure from another, and what it should compute."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

import reference
from reference import InputError

from ..calculus.model import ARITHMETIC, Floats
from ..candidates.layer import Layer
from ..cases.axes import letters, sizes
from ..cases.frames import Frame
from ..cases.generation import Variety
from ..cases.variations import with_nan
from ..claims.checks import Check
from ..claims.compare import elementwise
from ..claims.disagreement import Disagreement
from ..claims.frames_of_claims import probes
from ..claims.judges import truth_for
from ..claims.referee import run_layer
from ..claims.search import try_cases
from ..claims.truth import Truth
from ..data.arrays import FLOAT_DTYPES, Array, widened
from ..data.case import Case
from ..data.result import Result
from ..data.wide import floats, label_weights, signed_scales
from ..sources.derived import evaluate
from .telling_cases import PLAIN, kinks, masks, offsets, plain_case, takes_matrices

T = TypeVar("T")

ENOUGH = 8  # cases of either kind, wrong and right, of one frame
MANY = 20_000  # numbers; runs on more are not worth their time


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
        truth = truth_for(layer, case).final()
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
        """The sizes of the case by their letter: N samples, C classes, K inputs, M neurons, and an own op's axes."""
        return sizes(self.case)

    def size(self, letters: str) -> int:
        """A size of the case, or the product of those that the letters name: "N*C"."""
        return math.prod(self.sizes[name] for name in letters.split("*"))

    def axes(self, result: str) -> tuple[str, ...]:
        """The letters of a result's axes, "" for one without."""
        return letters(self.case, result)

    @cached_property
    def first(self) -> Floats:
        """The first primal: inputs, logits or probabilities."""
        return floats(self.case, self.case.signature.primals[0])

    @cached_property
    def cotangent(self) -> Floats:
        """The cotangent of the output; for a mean loss in the book's interface that is 1."""
        return self.case.cotangent.astype(np.float64)

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
        return self.first if self.case.signature.rows == "probabilities" else quietly(reference.softmax, self.first)

    @property
    def unit_roundoff(self) -> float:
        """Of what the layer stores."""
        return ARITHMETIC[self.case.dtype.name].v

    def is_gradient(self, r: str) -> bool:
        """Whether a result is one; an output otherwise."""
        return r not in self.case.signature.outputs

    @property
    def has_wrong_output(self) -> bool:
        """Whether any of the outputs is wrong: gradients may be computed from them."""
        return any(self.wrong(r).any() for r in self.case.signature.outputs)

    def of_cotangents(self, r: str, change: Callable[[Floats], Floats | None]) -> Floats | None:
        """A gradient where every cotangent was changed; None of an output, and where one cannot be."""
        changed = {name: change(floats(self.case, name)) for name in self.case.cotangents}
        if not self.is_gradient(r) or any(g is None for g in changed.values()):
            return None
        return self.instead(**{name: g for name, g in changed.items() if g is not None}).get(r)

    def instead(self, **arrays: Floats) -> Mapping[str, Floats]:
        """What the op gives in float64 where some of its arrays were others; empty if nobody can say."""
        op, given = self.case.signature, self.case.arrays
        if op.definition is None:
            return quietly(self.truth.instead, arrays) if self.truth.instead else {}
        if all(a.shape == given[n].shape for n, a in arrays.items()):
            return evaluate(self.case, arrays)
        wide = {n: widened(a) if a.dtype.name in FLOAT_DTYPES else a for n, a in (given | arrays).items()}
        try:  # labels in another form
            return evaluate(self.case.with_arrays(wide), {})
        except InputError:
            return {}


def gather(layer: Layer, check: Check, found: Disagreement, dtype: str, seed: int) -> list[Evidence]:
    """Runs of the layer: on the case that failed, on plain ones of every form, and on more like the one that failed."""
    runs = [Evidence.of(layer, found.case), Evidence.of(layer, found.origin)]
    for frame in probes(layer):
        runs += some_runs(layer, frame, dtype, seed, PLAIN, 2)
        runs.append(Evidence.of(layer, plain_case(layer, dtype, frame)))  # no zeros, which hide a scale
    if layer.declaration.cases is None:  # what is right at the size that failed tells its values from its size
        frames = dict.fromkeys(frame_of(e) for e in runs[:2] if 0 < e.case.size <= MANY)
        runs += [Evidence.of(layer, plain_case(layer, dtype, frame)) for frame in frames]
    op = layer.declaration
    if op.has_one_primal and takes_matrices(op):
        runs.append(Evidence.of(layer, kinks(op, dtype)))
    if op.has_logits_alone and takes_matrices(op):
        runs += [Evidence.of(layer, case) for case in (*offsets(op, dtype), masks(op, dtype))]
    if np.isnan(runs[0].first).any() or np.isnan(runs[1].first).any():
        runs.append(Evidence.of(layer, with_nan(plain_case(layer, dtype))))
    small = [f for f in check.frames(layer, seed) if not f.is_large]
    for frame in sorted(small, key=lambda f: -f.elements)[:4]:
        runs += some_runs(layer, frame, dtype, seed, check.variety, ENOUGH)
    for frame in check.frames(layer, seed):
        if frame.is_large and frame.elements <= MANY:
            runs += some_runs(layer, frame, dtype, seed, replace(check.variety, rough=True), 1)
    return runs


def frame_of(e: Evidence) -> Frame:
    """A frame whose cases have the shapes of this run's."""
    case, op = e.case, e.case.signature
    named, leading = op.signature.sizes({n: a.shape for n, a in case.primals.items()})
    rows = any(op.domains[n].forms and case.primals[n].ndim == 2 for n in op.domains)
    reduction = case.options.get("reduction", "mean")
    return Frame(op, (*leading, *named.values()), reduction, "one_hot" if rows else "ids")


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
