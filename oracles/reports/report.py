"""What a run found: its verdicts, the worst margins, and what took part. Frozen data; prints, and goes to JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import shorten

from ..candidates.backward_source import Place
from ..claims.verdicts import EXACT, STATUSES, Margin, Verdict
from ..data.json_data import to_data

ORDER = ("torch", "jax", "finite_difference")
CAUSES = 72  # characters of causes in the last line, which is one


class CheckFailed(AssertionError):  # noqa: N818  (pytest shows an assertion; the name says whose)
    """Raised by `Report.raise_for_failure`; the message is the report."""

    __module__ = "oracles"  # where users have it from, and shorter in a test's summary


def table_title(truth: str) -> str:
    """What a table of margins is called: the bounds are derived where the truth is exact, and estimated elsewhere."""
    return f"worst |error| / {'certified' if truth == EXACT else 'estimated'} bound, against {truth}"


def dispute_title(truth: str) -> str:
    """What stands over the oracles that are outside their own bound."""
    return f"Outside their own bound, held against {truth} (the layer is not blamed):"


def dispute_line(verdict: Verdict) -> str:
    """One of those oracles, and how far it is outside."""
    return f"{verdict.oracle}, {verdict.op} in {verdict.dtype}: {verdict.message}"


def source_order(margin: Margin) -> tuple[int, str]:
    """Where a source stands in a table: the layer under test first, then the frameworks."""
    known = margin.source in ORDER
    return (ORDER.index(margin.source) + 1 if known else 0 if "." in margin.source else len(ORDER) + 1), margin.source


def followed(margins: Iterable[Margin]) -> tuple[str, ...]:
    """A line on the conventions that were followed where there is a choice."""
    names = dict.fromkeys(name for m in margins for name in m.conventions)
    return (f"Where there is a choice it follows {'; '.join(names)}.",) if names else ()


@dataclass(frozen=True)
class Report:
    """The outcome of a run. `passed` says whether the layer is right; disputes and skips are listed, never silent."""

    title: str
    verdicts: tuple[Verdict, ...]
    margins: tuple[Margin, ...]
    versions: dict[str, str]
    seed: int
    cases: int
    seconds: float
    device: str = "cpu"
    notes: tuple[str, ...] = field(default=())
    command: str = ""  # what made it, where a command did
    place: Place | None = None  # where the layer's backward pass is written, where that is known
    truth: str = EXACT  # what results are held against

    @property
    def failures(self) -> tuple[Verdict, ...]:
        """The failed verdicts."""
        return self.of_status("failed")

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return not self.failures

    @property
    def verdict(self) -> str:
        """passed, FAILED, or NO VERDICT: where no claim was finished nothing is known of the layer."""
        if self.failures:
            return "FAILED"
        return "NO VERDICT" if self.of_status("unfinished") and not self.of_status("passed") else "passed"

    @property
    def counts(self) -> dict[str, int]:
        """How many claims passed and failed, a claim in each dtype, and the verdicts of every other status."""
        failed = {(v.op, v.check, v.dtype) for v in self.failures}
        passed = {(v.op, v.check, v.dtype) for v in self.of_status("passed")} - failed
        numbers = {"passed": len(passed), "failed": len(failed)}
        every = {status: numbers.get(status, len(self.of_status(status))) for status in STATUSES}
        return {status: number for status, number in every.items() if number}

    @property
    def outcome(self) -> str:
        """Passed, or how many of the claims failed, a claim in each dtype, and why."""
        open_ = self.counts.get("unfinished", 0)
        if self.verdict == "NO VERDICT":
            return f"NO VERDICT: none of {open_} claims was finished"
        if self.passed:
            return f"passed, and {open_} claims were not finished" if open_ else "passed"
        failed, passed = self.counts["failed"], self.counts.get("passed", 0)
        causes = list(dict.fromkeys(v.cause for v in self.failures if v.cause))
        said = "; ".join(causes)
        if len(said) > CAUSES:
            more = f"; and {len(causes) - 1} more" if len(causes) > 1 else ""
            said = shorten(causes[0], CAUSES, placeholder=" ...") + more
        return f"FAILED {failed} of {failed + passed} claims" + (f" ({said})" if said else "")

    def of_status(self, status: str) -> tuple[Verdict, ...]:
        """The verdicts of one status."""
        return tuple(v for v in self.verdicts if v.status == status)

    @property
    def left(self) -> list[str]:
        """A line for each claim that was not finished or skipped, with the reason."""
        return [
            f"{said}: {' '.join(filter(None, (v.op, v.dtype, v.message)))}"
            for status, said in (("unfinished", "not finished"), ("skipped", "skipped"))
            for v in self.of_status(status)
        ]

    def raise_for_failure(self) -> None:
        """Raise CheckFailed, with this report as its message, unless the layer passed."""
        if not self.passed:
            raise CheckFailed(str(self))

    def __str__(self) -> str:
        from .bugs import WIDTH, bug_text, bugs, dispute_text, wrapped

        counts = ", ".join(f"{number} {status}" for status, number in self.counts.items())
        lines = [f"{self.title}: {counts} ({self.cases} cases, {self.seconds:.1f} s, seed {self.seed})"]
        lines += [bug_text(bug) for bug in bugs(self.failures)]
        lines += [f"disputed: {dispute_text(v, width=WIDTH - 10)}" for v in self.of_status("disputed")]
        lines += [wrapped(str(v)) for v in (*self.of_status("unfinished"), *self.of_status("skipped"))]
        return "\n".join([*lines, *self.notes])

    def to_json(self) -> str:
        """The report as standard JSON; margins that are infinite are the text "inf"."""
        return json.dumps(to_data(self) | {"passed": self.passed}, allow_nan=False)

    def to_html(self, path: str | Path) -> None:
        """Write the report as one file that opens offline. Raises InputError where Jinja2 is not installed."""
        from .html_report import page

        Path(path).write_text(page(self), encoding="utf-8")

    def to_junit(self, path: str | Path) -> None:
        """Write the report as a JUnit XML file, a test case a verdict, for what shows the tests of a CI run."""
        from .junit import document

        Path(path).write_bytes(document(self))
