"""Reports as text for a terminal: the table of worst margins, and what stands under it. Readable without colour."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..claims.compare import Comparison
from ..claims.verdicts import EXACT, Margin, distinct, merged
from ..conventions.answers import Row
from .bugs import bug_text, bugs, whole, wrapped
from .report import Report, dispute_line, dispute_title, source_order, table_title

ALL_SORTS = "the exact value, and for ops of your own what their reports say"
SHORT = {"finite_difference": "fin. diff"}


def margin_text(margin: float) -> Text:
    """Two digits or three; over 1 marked with an exclamation mark as well as red."""
    if math.isinf(margin):
        return Text("inf !", "bold red")
    text = "0" if margin == 0 else f"{margin:.2f}" if margin < 10 else f"{margin:.3g}"
    return Text(f"{text} !", "bold red") if margin > 1 else Text(text, "green" if margin <= 0.5 else "yellow")


def margins_table(margins: Sequence[Margin], layer: str = "", truth: str = EXACT) -> Table:
    """Worst |error| / bound against the truth: a block an op, a row a dtype and result, a column a source.

    The column of the `layer` of that name comes first.
    """
    ordered = sorted(margins, key=lambda m: (m.source != layer, *source_order(m)))
    columns = list(dict.fromkeys(_heading(m.source) for m in ordered))
    table = Table(title=table_title(truth), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    table.add_column("op, dtype", no_wrap=True)
    table.add_column("result", no_wrap=True)
    for column in columns:
        table.add_column(SHORT.get(column, column), justify="right", no_wrap=True)
    cells = {(m.op, m.dtype, m.result, _heading(m.source)): m.worst for m in margins}
    for op in dict.fromkeys(m.op for m in margins):
        table.add_row(Text(op, "bold"))
        for dtype, result in dict.fromkeys((m.dtype, m.result) for m in margins if m.op == op):
            values = [cells.get((op, dtype, result, column)) for column in columns]
            table.add_row(f"  {dtype}", result, *(Text("-") if v is None else margin_text(v) for v in values))
    return table


def summary_lines(report: Report, *, verbose: bool = False) -> list[str]:
    """What a reader needs under the table: failures, who is outside a bound, what was skipped, the verdict.

    Of each bug the first failure in a few lines, and where else it was seen; verbose: every failure in full, with its
    code.
    """
    lines = [whole(v) for v in distinct(report.failures)] if verbose else [*map(bug_text, bugs(report.failures))]
    disputed = report.of_status("disputed")
    if disputed:
        lines.append(dispute_title(report.truth))
        lines += [wrapped(f"  {dispute_line(v)}") for v in disputed]
    lines += map(wrapped, report.left)
    lines += report.notes
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    lines.append(f"{versions}; device {report.device}")
    lines.append(f"{report.outcome}: {report.cases} cases in {report.seconds:.0f} s, seed {report.seed}")
    return lines


def comparisons_table(sources: Mapping[str, Sequence[Comparison]]) -> Table:
    """What each source computed, where it is farthest from the exact value: a row a result."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for heading in ("source", "result", "at"):
        table.add_column(heading, no_wrap=True)
    for heading in ("got", "expected", "allowed", "margin"):
        table.add_column(heading, justify="right", no_wrap=True)
    for source, comparisons in sources.items():
        for c in comparisons:
            at = "" if c.at is None else str(c.at)
            numbers = (repr(c.actual), repr(c.expected), f"{c.allowed:.3g}") if c.at is not None else ("", "", "")
            table.add_row(source, c.result, at or c.problem or "no elements", *numbers, margin_text(c.margin))
    return table


def conventions_table(rows: Sequence[Row], headings: Sequence[str]) -> Table:
    """A row a question and the dtypes that answer it alike, a column a framework, and what the reference does."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for heading in ("question", "dtypes", *headings, "reference"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        *theirs, ours = row.answers.values()
        said = f"{ours} ({row.why})" if ours and row.why else ours
        table.add_row(*(Text(text) for text in (row.question, row.scope, *theirs, said)))
    return table


def told_lines(told: Iterable[Mapping[str, Any]], *, with_table: bool = True, width: int = 120) -> list[str]:
    """What the checks of a pytest run told, in plain text: the worst margins over all of them, and the disputes."""
    every = list(told)
    truths = {one["truth"] for one in every}
    truth = truths.pop() if len(truths) == 1 else ALL_SORTS
    disputed = [text for one in every for text in one["disputed"]]
    rows = merged(
        Margin(r["block"], r["result"], r["dtype"], r["source"], r["worst"], r["cases"], 0.0)
        for one in every
        for r in one["margins"]
    )
    lines: list[str] = []
    if rows and with_table:
        text = StringIO()
        Console(file=text, width=width, color_system=None).print(margins_table(rows, truth=truth))
        lines += [line.rstrip() for line in text.getvalue().rstrip().splitlines()]
    if disputed:
        lines.append(dispute_title(truth))
        lines += [f"  {line}" for text in dict.fromkeys(disputed) for line in text.splitlines()]
    return lines


def _heading(source: str) -> str:
    """The layer under test goes by the first part of its name: "reference" for "reference.dense"."""
    return source.partition(".")[0]
