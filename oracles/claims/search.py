"""Looks for a case on which a claim, a function that raises Disagreement, does not hold, and makes it small."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import seed as seeded
from hypothesis.errors import HypothesisException

from ..candidates.gpu_lost import Lost, notice
from ..cases.draws import number_of
from ..cases.frames import Frame
from ..cases.generation import ANYTHING, Variety, cases, random_cases
from ..cases.seeding import same_everywhere
from ..cases.shrink import shrink
from ..data.case import Case
from .disagreement import Disagreement, of_lost

Judge = Callable[[Case], object]


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
    @seeded(number_of(seed, frame, dtype))
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
