"""Runs a layer on a case, on copies in the case's own memory layout, and keeps what it was handed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.arrays import Array, element_strides, strided
from ..data.case import Case
from ..data.recipe import laid_out
from ..data.result import Result
from ..sources.arguments import cotangent_of, outputs_by_name
from ..sources.registry import LayerError
from .contain import call_of_candidate, contained
from .interchange import as_array, memory
from .layer import Layer
from .sessions import ClassSession, Session

__all__ = ["LayerError", "Run", "copy_of", "parameters", "run", "run_in"]


@dataclass(frozen=True)
class Run:
    """A layer's result on a case, the very arrays it was handed and returned, and what the former were before.

    Where a layer takes arrays of another kind, `handed` holds what those hold now: on their memory where that can be.
    given, results: what was handed and returned as it is, of whatever library.
    """

    result: Result
    handed: Mapping[str, Array]
    before: Mapping[str, Array]
    returned: Mapping[str, Array]
    given: Mapping[str, Any]
    results: Mapping[str, Any]

    def now(self, name: str) -> Array:
        """What a result that was returned holds by now."""
        return as_array(name, self.results[name])

    def memory_of_argument(self, name: str) -> Array:
        """What NumPy is asked of whether something shares memory with it; not to be read."""
        return memory(self.given[name], self.handed[name])

    def memory_of_result(self, name: str) -> Array:
        """Likewise."""
        return memory(self.results[name], self.returned[name])


def run(layer: Layer, case: Case) -> Result:
    """The layer's output and gradients. Raises LayerError for what is no array, and whatever the layer raises."""
    return run_in(layer.start(), layer, case).result


def run_in(session: Session, layer: Layer, case: Case, handed: Mapping[str, Array] | None = None) -> Run:
    """One forward and one backward pass of an instance; `handed`: the arrays to use, by default copies."""
    arrays = dict(handed or hand_over(case))
    before = {name: a.copy() for name, a in arrays.items()}
    with contained():
        output = forward(session, layer, case, arrays)
        return backward(session, layer, case, arrays, output, before)


def hand_over(case: Case) -> dict[str, Array]:
    """Copies of the case's primals and cotangent, each in its memory layout."""
    return {name: copy_of(a) for name, a in case.arrays.items()}


def forward(session: Session, layer: Layer, case: Case, arrays: Mapping[str, Array]) -> Any:
    """What the forward pass gives."""
    with call_of_candidate():
        return session.forward(_primals(case, arrays), options_of(layer, case))


def backward(
    session: Session,
    layer: Layer,
    case: Case,
    arrays: Mapping[str, Array],
    output: Any,
    before: Mapping[str, Array] | None = None,
) -> Run:
    """The backward pass for an output that `forward` gave."""
    before = before or {name: a.copy() for name, a in arrays.items()}
    cotangent = cotangent_of(case, arrays)
    if not layer.has_cotangent:  # the predictions stand where a cotangent would
        cotangent = predictions(session, case, arrays)
        arrays, before = {**arrays, "predictions": cotangent}, {**before, "predictions": cotangent.copy()}
    with call_of_candidate():
        gradients = session.backward(cotangent, _primals(case, arrays), options_of(layer, case))
    results = outputs_by_name(case.signature, output)
    results |= {f"d{name}": gradients[name] for name in case.signature.differentiable}
    returned = {name: as_array(name, value) for name, value in results.items()}
    copies = {name: a.copy() for name, a in returned.items()}
    if not layer.has_cotangent and (losses := copies["output"]).ndim == 1:  # their mean adds no error in float64
        copies["output"] = np.asarray(losses.astype(np.float64).mean() if losses.size else np.nan)
    result = Result.of(case.signature, copies)
    converted = session.handed()
    handed = {**arrays, **{name: one.now for name, one in converted.items()}}
    before = {**before, **{name: one.before for name, one in converted.items()}}
    given = {**arrays, **{name: one.given for name, one in converted.items()}}
    return Run(result, handed, before, returned, given, results)


def predictions(session: Session, case: Case, arrays: Mapping[str, Array]) -> Array:
    """What a loss in the book's interface is handed back, in the layout of what it was computed from."""
    if not isinstance(session, ClassSession):
        raise LayerError("only a loss in the book's interface takes its predictions back")
    left = as_array("output", session.predictions(_primals(case, arrays)))
    op = case.signature
    return left if op.rows == "probabilities" else _laid_like(left, case.primals[op.primals[0]])


def parameters(session: Session) -> dict[str, tuple[Any, Array]]:
    """Each parameter that the candidate holds, as it is and as an array."""
    with contained():
        return {name: (value, as_array(name, value)) for name, value in session.parameters().items()}


def copy_of(a: Array) -> Array:
    """A copy of the array in the same memory layout."""
    return strided(a, element_strides(a), writeable=bool(a.flags.writeable))


def _primals(case: Case, arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {name: arrays[name] for name in case.primals}


def options_of(layer: Layer, case: Case) -> dict[str, Any]:
    """The options that a layer is passed on a case."""
    given = {k: v for k, v in case.options.items() if v is not None and k not in layer.untaken}
    return given if len(layer.reductions) > 1 else {k: v for k, v in given.items() if k != "reduction"}


def _laid_like(a: Array, like: Array) -> Array:
    if a.shape != like.shape or like.flags.c_contiguous:
        return a
    return laid_out(a.copy(), "F" if like.flags.f_contiguous else "reversed" if min(like.strides) < 0 else "stepped")
