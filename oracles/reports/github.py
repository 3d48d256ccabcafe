"""A report for GitHub Actions: an annotation a bug beside the code, and a summary of the run in Markdown.

The commands and their escapes:
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..candidates.backward_source import Place
from ..claims.verdicts import Verdict
from .bugs import bug_key, bug_text, bugs
from .report import Report, dispute_line, dispute_title, source_order, table_title

MARKS = {"passed": "✅", "FAILED": "❌", "NO VERDICT": "❔"}
SHOWN = 50  # failures in a summary, which GitHub refuses as a whole over 1 MiB
LIMIT = 4000  # characters of a failure in it


def error(title: str, text: str, file: str | None = None, line: int | None = None) -> str:
    """The workflow command that annotates a line of a file with an error, or the run where there is no file."""
    where = {} if file is None else {"file": file, "line": str(line)}
    properties = ",".join(f"{name}={_property(value)}" for name, value in {**where, "title": title}.items())
    return f"::error {properties}::{_data(text)}"


def errors(report: Report, folder: str) -> list[str]:
    """An error for each bug; its file is as seen from the folder, the repository's."""
    told = failures_told(report.failures, report.place)
    return commands([one | {"again": again(report)} for one in told], folder)


def located(place: Place | None, folder: str) -> tuple[str | None, int | None]:
    """File and line as an annotation wants them: nothing where the file is not the repository's."""
    file = place.within(folder) if place is not None else None
    return (None, None) if place is None or file is None else (file, place.line)


def again(report: Report) -> str:
    """The command, or the seed, that draws the same cases again."""
    if not report.command:
        return f"seed {report.seed}"
    has_seed = re.search(r"\s--seed[\s=]", report.command)
    return report.command if has_seed else f"{report.command} --seed {report.seed}"


def summary(report: Report) -> str:
    """The run in Markdown: the outcome, each bug with its cause and case, and the worst margins."""
    found = bugs(report.failures)
    lines = [
        f"### {_text(report.title)}",
        "",
        f"**{MARKS[report.verdict]} {_text(report.outcome)}**: {report.cases} cases, seed {report.seed}",
    ]
    for bug in found[:SHOWN]:
        lines += ["", f"**{_text(_title(bug[0]))}**", "", *_fenced(bug_text(bug))]
        if bug[0].snippet:
            lines += ["", "<details><summary>in a fresh interpreter</summary>", ""]
            lines += [*_fenced(bug[0].snippet, "python"), "", "</details>"]
    if len(found) > SHOWN:
        lines += ["", f"… and {len(found) - SHOWN} more."]
    if found:
        lines += ["", "Again:", "", *_fenced(again(report))]
    lines += ["", *_table(report)] if report.margins else []
    disputed = report.of_status("disputed")
    if disputed:
        lines += ["", dispute_title(report.truth), ""]
        lines += [f"- {_text(dispute_line(v))}" for v in disputed[:SHOWN]]
    lines += ["", *(f"- {_text(line)}" for line in dict.fromkeys(report.left))] if report.left else []
    lines += ["", *(f"- {_text(note)}" for note in report.notes)] if report.notes else []
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    return "\n".join([*lines, "", f"{_text(versions)}; device {_text(report.device)}", ""])


def failures_told(failures: Sequence[Verdict], place: Place | None) -> list[dict[str, Any]]:
    """Bugs as plain data, which travels between the processes of a pytest run; `commands` reads it."""
    where = {} if place is None else {"file": place.file, "line": place.line}
    return [
        {
            "bug": list(bug_key(bug[0])),
            "title": _title(bug[0]),
            "message": bug[0].message,
            "text": bug_text(bug),
            **where,
        }
        for bug in bugs(failures)
    ]


def commands(failures: Iterable[Mapping[str, Any]], folder: str) -> list[str]:
    """An error for each bug of what `failures_told` told; "again" says how to run it again."""
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for failure in failures:
        groups.setdefault((*failure["bug"], failure.get("file", "")), []).append(failure)
    found = []
    for one, *others in groups.values():
        place = Place(one["file"], one["line"]) if "file" in one else None
        more = [f"and in {len(others)} more tests"] if others else []
        again = [f"again: {one['again']}"] if "again" in one else []
        found.append(error(one["title"], "\n".join([one["text"], *more, *again]), *located(place, folder)))
    return found


def _title(verdict: Verdict) -> str:
    return f"{verdict.layer}: {verdict.check}, {verdict.dtype}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _text(text: str) -> str:
    """Text that Markdown and HTML leave as it is, in one line."""
    return re.sub(r"([\\`*_\[\]<>#|~&])", r"\\\1", " ".join(text.split()))


def _fenced(text: str, language: str = "") -> Iterator[str]:
    """Text as it is, within a fence that it does not hold."""
    text = text if len(text) <= LIMIT else f"{text[:LIMIT]}…"
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    yield from (f"{fence}{language}", text.rstrip("\n"), fence)


def _table(report: Report) -> Iterator[str]:
    """Worst |error| / bound, a row a dtype and result, a column a source, the layer's first; over 1 in bold."""
    margins = report.margins
    ordered = sorted(margins, key=lambda m: (m.source in report.versions, *source_order(m)))
    sources = list(dict.fromkeys(m.source for m in ordered))
    cells = {(m.op, m.dtype, m.result, m.source): m.worst for m in margins}
    yield f"{_text(table_title(report.truth))}:"
    yield ""
    yield f"| op | dtype | result | {' | '.join(map(_text, sources))} |"
    yield f"|---|---|---|{'--:|' * len(sources)}"
    for op, dtype, result in dict.fromkeys((m.op, m.dtype, m.result) for m in margins):
        row = [_margin(cells.get((op, dtype, result, source))) for source in sources]
        yield f"| {' | '.join((_text(op), dtype, _text(result), *row))} |"


def _margin(margin: float | None) -> str:
    if margin is None:
        return "-"
    text = "inf" if math.isinf(margin) else f"{margin:.3g}"
    return f"**{text}**" if margin > 1 else text
