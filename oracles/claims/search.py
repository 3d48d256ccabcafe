"""Looks for a case on which a claim, a function that raises Disagreement, does not hold, and makes it small."""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from zlib import crc32

from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import seed as seeded
from hypothesis.errors import HypothesisException

from ..candidates.contain import said
from ..candidates.gpu_lost import Lost, blame, notice
from ..cases.frames import Frame
from ..cases.generation import ANYTHING, Variety, cases, random_cases
from ..cases.shrink import shrink
from ..data.case import Case
from ..sources.registry import LayerError
from .compare import Comparison
from .seeding import same_everywhere

Judge = Callable[[Case], object]


KINDS = ("value", "integers", "raised", "lost", "gone", "argument", "parameter", "alias", "repeat", "narrow", "linear")


class Disagreement(AssertionError):  # noqa: N818  (a finding rather than a mistake)
    """A claim that does not hold on this case.

    kind: what was seen, one of KINDS; names: of what: the result, the argument, or the two arrays of an alias. earlier:
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
        kind: str = "value",
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
        if error is not None and self.kind in ("raised", "integers"):
            *_, last = traceback.extract_tb(error.__traceback__)
            where = str(error) if isinstance(error, LayerError) else f"{Path(last.filename).name}:{last.lineno}"
            return self.kind, type(error).__name__, where
        results = [c.result for c in self.comparisons[:1]]  # the output first: gradients may be computed from it
        return (self.kind, *(results or self.names))


def of_lost(gone: Lost) -> Disagreement:
    """A call that lost the GPU as what a search finds; of kind "gone" where an earlier one did."""
    return Disagreement(gone.case, str(gone), kind="gone" if gone.noticed else "lost")


@contextmanager
def raising_is_wrong(case: Case, call: Case | None = None) -> Iterator[None]:
    """A context in which what a candidate raises is a Disagreement; Lost where the GPU is, after it."""
    try:
        yield
    except Exception as error:
        gone = blame(call or case)
        if gone is not None:
            raise gone from error
        raise Disagreement(case, said(error), kind="raised", call=call) from error


def try_cases(
    judge: Judge, frame: Frame, dtype: str, count: int, seed: object, variety: Variety = ANYTHING
) -> tuple[int, Disagreement | None]:
    """How many of `count` cases of one frame were tried, and what the first that does not hold says."""
    tried, found = 0, None

    def claim(case: Case) -> None:
        # kept rather than raised: Hypothesis would run it again, and a layer that differs between runs would not fail
        nonlocal tried, found
        if found is None:
            tried += 1
            try:
                judge(case)
            except Disagreement as disagreement:
                found = disagreement
            except Lost as gone:
                found = of_lost(gone)

    notice()  # what was lost before is nobody's fault here
    if frame.make is not None:
        _drawn(claim, frame, dtype, count, seed, variety, [Phase.generate])
        return tried, found
    for case in random_cases(frame, dtype, count, seed, variety):
        claim(case)
        if found is not None:
            break
    return tried, found


def shrunk_within(
    judge: Judge, frame: Frame, dtype: str, count: int, seed: object, variety: Variety, found: Disagreement
) -> Disagreement:
    """The same failure on the smallest case of the frame's own strategy: it may promise what others would break."""
    small = found

    def claim(case: Case) -> None:
        nonlocal small
        try:
            judge(case)
        except Lost:  # nothing can be said of it, nor of any other from now on
            return
        except Disagreement as again:
            if case.size <= small.case.size:
                small = again
            raise AssertionError from None  # one place of failure, whatever the message

    with suppress(AssertionError, HypothesisException):  # the smallest again; or a layer that differs
        _drawn(claim, frame, dtype, count, seed, variety, [Phase.generate, Phase.shrink])
    small.unshrunk = found
    return small


def _drawn(
    claim: Judge, frame: Frame, dtype: str, count: int, seed: object, variety: Variety, phases: list[Phase]
) -> None:
    # not hash(): that of a text differs from one process to the next
    @seeded(crc32(repr((seed, frame, dtype)).encode()))
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=phases,
        verbosity=Verbosity.quiet,
        report_multiple_bugs=False,
        print_blob=False,
        derandomize=False,
        suppress_health_check=list(HealthCheck),  # cost and size of a case are this module's business
    )
    @given(cases(frame.op, dtype, frames=[frame], variety=variety))
    def drawn(case: Case) -> None:
        claim(case)

    with same_everywhere():
        drawn()


def shrunk(judge: Judge, found: Disagreement, takes: Callable[[Case], bool] = lambda case: True) -> Disagreement:
    """The same failure on the smallest case that shows it, of those that `takes` admits."""

    def failure(case: Case) -> Disagreement | None:
        if takes(case):
            try:
                judge(case)
            except Disagreement as again:
                return again
            except Lost:  # nothing can be said of it, nor of any other from now on
                return None
        return None

    small = failure(shrink(found.case, lambda case: failure(case) is not None)) or found
    small.unshrunk = found
    return small
