"""Names the cause of a failure where a simple hypothesis explains all the numbers, and says "unexplained" otherwise.

Only what the layer computes is looked at. A cause is a value at a place (`causes`): what stands there instead of the
truth, and where. It is held against the failing case, plain cases of several sizes, and more cases like the failing
one: every wrong element must be what it says, and every right one as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..candidates.contain import contained
from ..candidates.gpu_lost import lost, meaning
from ..candidates.layer import Layer
from ..cases.variations import contiguous
from ..claims.checks import Check
from ..claims.disagreement import Disagreement, Kind
from ..sources.registry import LayerError
from .evidence import Evidence, gather
from .explanation import Explanation, explain, explains, misshapen
from .hypotheses.behaviour import (
    of_attributes,
    of_cache,
    of_counting,
    of_integers,
    of_layout,
    of_memory,
    of_output,
    of_repetition,
    of_writes,
)
from .hypotheses.history import of_history, of_plain_history
from .hypotheses.limits import limits
from .hypotheses.raising import of_raising
from .hypotheses.shapes import of_shape
from .telling_cases import plain_case, with_axes_of_one

UNEXPLAINED = "unexplained"
ABOUT_SHAPES = r"(?i)\b(shapes?|broadcast|aligned|size of tensor)\b"  # in the errors of NumPy, torch and JAX


class Diagnosis:
    """What is known of one layer's faults. A fault that was explained once is recognised in later failures."""

    def __init__(self, layer: Layer, seed: int) -> None:
        self.layer, self.seed = layer, seed
        self.known: list[Explanation] = []

    def of(self, check: Check, found: Disagreement, dtype: str) -> str:
        """The cause of a failure, or "unexplained"."""
        if found.kind == Kind.LOST:
            return meaning(found.message) or UNEXPLAINED
        try:
            with contained():
                cause = self._of_behaviour(check, found) or self._of_numbers(check, found, dtype) or UNEXPLAINED
            return f"{UNEXPLAINED} (the GPU was lost while looking for it)" if lost() else cause
        except (Disagreement, LayerError):  # it raises where it was to be looked at: that is what failed
            return UNEXPLAINED
        except Exception as error:  # a candidate may do anything; a diagnosis is not worth a run
            return f"{UNEXPLAINED} ({type(error).__name__} while looking for it)"

    def _of_behaviour(self, check: Check, found: Disagreement) -> str:
        said, layer, cases = found.message, self.layer, (found.origin, found.case)
        if found.kind in (Kind.ARGUMENT, Kind.ALIAS, Kind.NARROW):
            return said
        writes = next(filter(None, (of(layer, case) for of in (of_writes, of_output) for case in cases)), "")
        if writes:
            return writes
        if found.kind == Kind.REPEAT:
            if "overwritten" in found.names:
                return f"{found.names[0]} is one array, written again by every call"
            repeated = (of(layer, case) for of in (of_repetition, of_counting) for case in cases)
            return next(filter(None, repeated), "") or of_attributes(layer, found)
        if found.earlier or found.between is not None or found.second:
            here = of_history(layer, found.unshrunk) or of_history(layer, found)
            if found.second:
                return here or of_attributes(layer, found)
            plain = of_plain_history(layer, found.case.dtype.name) if found.earlier and not here else ""
            return here or plain or of_counting(layer, found.case)
        attributes = of_attributes(layer, found)
        if attributes:
            return attributes
        if "read-only" in said:
            writable = (contiguous(found.origin), plain_case(layer, found.case.dtype.name))
            writes = next(filter(None, (of_writes(layer, case) for case in writable)), "")
            return writes or "writes to an argument: it fails where one is read-only"
        if found.kind == Kind.INTEGERS:
            return of_integers(layer, found.origin)
        if check.name == "layouts" or found.kind == Kind.RAISED:
            layout = of_layout(layer, found.case) or of_layout(layer, found.origin)
            if layout:
                return layout
        return of_cache(layer, found.origin)

    def _of_numbers(self, check: Check, found: Disagreement, dtype: str) -> str:
        runs = [Evidence.of(self.layer, found.origin), Evidence.of(self.layer, found.case)]
        if runs[0].has_wrong_output and not runs[1].has_wrong_output:
            runs = runs[1:]  # the case that is shown has another fault
        known = self._recognised(runs) or self._recognised(runs[1:])  # where there is another fault beside it
        if known:
            return known
        memory = of_memory(self.layer, found.origin) or of_memory(self.layer, found.case)
        if memory:
            return memory
        runs = gather(self.layer, check, found, dtype, self.seed)
        misshapen = any(of_shape(runs[:1], r) for r in runs[0].actual)
        if found.kind == Kind.RAISED or runs[0].raised or (runs[1].raised and not misshapen):
            # what it computes elsewhere is another matter, unless shapes are what both are about
            return of_raising(runs) or self._of_broadcasting(runs, dtype)
        if not runs[0].has_wrong_output:
            # another fault may reach the output elsewhere; it is not what failed on the case that is shown
            runs = [e for e in runs if not e.has_wrong_output]
        explained: list[Explanation] = []
        for r in _wrong_results(runs):
            sizes = limits(self.layer, runs, r, dtype, self.seed)
            explained += filter(None, [explain(runs, r, sizes)])
        self.known += explained
        return _said(explained)

    def _of_broadcasting(self, runs: Sequence[Evidence], dtype: str) -> str:
        """The wrong shape of a result where an axis has length 1, of a layer whose shapes do not fit elsewhere."""
        if not any(re.search(ABOUT_SHAPES, e.raised) for e in runs[:2]):
            return ""
        known = {k.result: k for k in self.known if k.value.text.startswith("shape ")}
        if not known:
            runs = [*runs, *(Evidence.of(self.layer, case) for case in with_axes_of_one(self.layer, dtype))]
            shapes = {r: of_shape(runs, r) for r in runs[0].truth.bounds}
            known = {r: misshapen(r, shape) for r, shape in shapes.items() if shape}
            self.known += known.values()
        return _said([known["output"]] if "output" in known else list(known.values()))

    def _recognised(self, runs: Sequence[Evidence]) -> str:
        """The faults known, where they explain every wrong result of the runs."""
        names = _wrong_results(runs) if runs else []
        found = [next((k for k in self.known if k.result == r and explains(k, runs, least=1)), None) for r in names]
        return _said([k for k in found if k is not None]) if found and None not in found else ""


def _wrong_results(runs: Sequence[Evidence]) -> list[str]:
    """The results with wrong elements; the output alone where it is wrong: gradients may be computed from it."""
    names = [r for r in runs[0].truth.bounds if any(e.wrong(r).any() for e in runs)]
    return ["output"] if "output" in names else names


def _said(explained: Sequence[Explanation]) -> str:
    results: dict[str, list[str]] = {}
    for one in explained:
        results.setdefault(str(one), []).append(one.result)
    return "; ".join(f"{' and '.join(names)}: {cause}" for cause, names in results.items())
