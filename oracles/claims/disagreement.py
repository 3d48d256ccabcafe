"""The one exception that a claim raises, and the kinds of what it may have seen."""

from __future__ import annotations

import math
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any

from ..candidates.contain import said
from ..candidates.gpu_lost import Lost, blame
from ..data.case import Case
from ..sources.registry import LayerError
from .compare import Comparison


class Kind(Enum):
    """What was seen of a layer that breaks a claim."""

    VALUE = "value"  # a result is outside its bound
    INTEGERS = "integers"  # it is where the inputs are integers
    RAISED = "raised"  # a pass raised
    LOST = "lost"  # a call lost the GPU
    GONE = "gone"  # the GPU was lost by an earlier call
    ARGUMENT = "argument"  # an argument was written to
    PARAMETER = "parameter"  # a parameter was replaced
    ALIAS = "alias"  # two arrays share memory
    REPEAT = "repeat"  # the same call gave other bits
    NARROW = "narrow"  # a result is of lower precision than the case
    LINEAR = "linear"  # the backward pass is not linear in the cotangent


class Disagreement(AssertionError):  # noqa: N818  (a finding rather than a mistake)
    """A claim that does not hold on this case.

    kind: what was seen, one of Kind; names: of what: the result, the argument, or the two arrays of an alias. earlier:
    the calls that the same instance saw before, where the failure takes them; call: the one that then fails, `case`
    itself unless the claim was tried on a variation of it; between: what a forward pass was on that came between its
    two passes, of another instance where `elsewhere`. second: a backward pass with the cotangent of `case` came between
    them. refilled: the earlier calls were handed the same arrays, which
    were filled with other values in between. unshrunk: the finding before its case was made small. comparisons: of the
    results that are wrong.
    """

    def __init__(
        self,
        case: Case,
        message: str,
        margin: float = math.inf,
        *,
        kind: Kind = Kind.VALUE,
        names: Sequence[str] = (),
        call: Case | None = None,
        earlier: Sequence[Case] = (),
        between: Case | None = None,
        elsewhere: bool = False,
        refilled: bool = False,
        second: bool = False,
        comparisons: Sequence[Comparison] = (),
    ) -> None:
        super().__init__(message)
        self.case, self.message, self.margin, self.kind, self.names = case, message, margin, kind, tuple(names)
        self.call, self.earlier, self.between = call or case, tuple(earlier), between
        self.elsewhere, self.refilled, self.second = elsewhere, refilled, second
        self.comparisons = tuple(comparisons)
        self.unshrunk = self

    def __str__(self) -> str:
        return self.message

    @property
    def origin(self) -> Case:
        """The case before it was made small."""
        return self.unshrunk.case

    def shown(self) -> dict[str, Any]:
        """What a verdict shows of it."""
        elements = tuple(c.elements for c in self.comparisons if c.elements is not None)
        seen = {"margin": self.margin, "message": self.message, "case": self.call, "earlier": self.earlier}
        return seen | {"elements": elements, "symptom": self.symptom}

    @property
    def symptom(self) -> tuple[str, ...]:
        """What was seen, whatever the case: the kind, and the first result that is wrong, or what was raised where."""
        error = self.__cause__
        if error is not None and self.kind in (Kind.RAISED, Kind.INTEGERS):
            *_, last = traceback.extract_tb(error.__traceback__)
            where = str(error) if isinstance(error, LayerError) else f"{Path(last.filename).name}:{last.lineno}"
            return self.kind.value, type(error).__name__, where
        results = [c.result for c in self.comparisons[:1]]  # the output first: gradients may be computed from it
        return (self.kind.value, *(results or self.names))


def of_lost(gone: Lost) -> Disagreement:
    """A call that lost the GPU as what a search finds; of kind GONE where an earlier one did."""
    return Disagreement(gone.case, str(gone), kind=Kind.GONE if gone.noticed else Kind.LOST)


@contextmanager
def raising_is_wrong(case: Case, call: Case | None = None) -> Iterator[None]:
    """A context in which what a candidate raises is a Disagreement; Lost where the GPU is, after it."""
    try:
        yield
    except Exception as error:
        gone = blame(call or case)
        if gone is not None:
            raise gone from error
        raise Disagreement(case, said(error), kind=Kind.RAISED, call=call) from error
