"""A report for GitHub Actions: an annotation a failure beside the code, and a summary of the run in Markdown.

The commands and their escapes:
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .place import Place
from .report import Report, Verdict, distinct, source_order

SHOWN = 50  # failures in a summary, which GitHub refuses as a whole over 1 MiB
LIMIT = 4000  # characters of a failure in it


def error(title: str, text: str, file: str | None = None, line: int | None = None) -> str:
    """The workflow command that annotates a line of a file with an error, or the run where there is no file."""
    where = {} if file is None else {"file": file, "line": str(line)}
    properties = ",".join(f"{name}={_property(value)}" for name, value in {**where, "title": title}.items())
    return f"::error {properties}::{_data(text)}"


def errors(report: Report, folder: str) -> list[str]:
    """An error for each distinct failure; its file is as seen from the folder, the repository's."""
    file, line = located(report.place, folder)
    found = []
    for verdict in distinct(report.failures):
        title, text = told(verdict)
        found.append(error(title, f"{text}\nagain: {again(report)}", file, line))
    return found


def told(verdict: Verdict) -> tuple[str, str]:
    """The title and the text of a failure: what, the cause, the shrunk case."""
    lines = [verdict.message, f"cause: {verdict.cause}" if verdict.cause else ""]
    if verdict.case is not None:
        lines += [*(f"after: {case!r}" for case in verdict.earlier), f"case: {verdict.case!r}"]
    return f"{verdict.layer}: {verdict.check}, {verdict.dtype}", "\n".join(filter(None, lines))


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
    """The run in Markdown: the outcome, each distinct failure with its cause and case, and the worst margins."""
    failures = distinct(report.failures)
    mark = "✅" if report.passed else "❌"
    lines = [
        f"### {_text(report.title)}",
        "",
        f"**{mark} {_text(report.outcome)}**: {report.cases} cases, seed {report.seed}",
    ]
    for verdict in failures[:SHOWN]:
        title, text = told(verdict)
        lines += ["", f"**{_text(title)}**", "", *_fenced(text)]
        if verdict.snippet:
            lines += ["", "<details><summary>in a fresh interpreter</summary>", ""]
            lines += [*_fenced(verdict.snippet, "python"), "", "</details>"]
    if len(failures) > SHOWN:
        lines += ["", f"… and {len(failures) - SHOWN} more."]
    if failures:
        lines += ["", "Again:", "", *_fenced(again(report))]
    lines += ["", *_table(report)] if report.margins else []
    disputed = report.of_status("disputed")
    if disputed:
        lines += ["", "Outside their own bound, held against the exact value (the layer is not blamed):", ""]
        lines += [f"- {_text(f'{v.oracle}, {v.op} in {v.dtype}: {v.message}')}" for v in disputed[:SHOWN]]
    skipped = dict.fromkeys(" ".join(filter(None, (v.op, v.dtype, v.message))) for v in report.of_status("skipped"))
    lines += ["", *(f"- skipped: {_text(line)}" for line in skipped)] if skipped else []
    lines += ["", *(f"- {_text(note)}" for note in report.notes)] if report.notes else []
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    return "\n".join([*lines, "", f"{_text(versions)}; device {_text(report.device)}", ""])


def failures_told(failures: Iterable[Verdict], place: Place | None) -> list[dict[str, Any]]:
    """Failures as plain data, which travels between the processes of a pytest run; `commands` reads it."""
    where = {} if place is None else {"file": place.file, "line": place.line}
    return [{"title": title, "text": text, **where} for title, text in map(told, failures)]


def commands(failures: Iterable[Mapping[str, Any]], folder: str) -> list[str]:
    """An error for each distinct one of what `failures_told` told; "again" says how to run it again."""
    found = []
    for one in {(f["title"], f["text"]): f for f in reversed(list(failures))}.values():
        place = Place(one["file"], one["line"]) if "file" in one else None
        text = f"{one['text']}\nagain: {one['again']}" if "again" in one else one["text"]
        found.append(error(one["title"], text, *located(place, folder)))
    return found[::-1]


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
    yield "Worst error / certified bound, against the exact value:"
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
