"""Reports as text for a terminal: the table of worst margins, and what stands under it. Readable without colour."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from .report import Margin, Report, Verdict

LAYER_FIRST = ("torch", "jax", "finite_difference")


def margin_text(margin: float) -> Text:
    """Two digits; over 1 marked with an exclamation mark as well as red."""
    if math.isinf(margin):
        return Text("inf !", "bold red")
    text = "0" if margin == 0 else f"{margin:.2f}" if margin < 100 else f"{margin:.1e}"
    return Text(f"{text} !", "bold red") if margin > 1 else Text(text, "green" if margin <= 0.5 else "yellow")


def margins_table(margins: Sequence[Margin]) -> Table:
    """Worst |error| / bound against the exact value: a row an op, result and dtype, a column a source."""
    named = {source: source.partition(".")[0] for source in sorted({m.source for m in margins}, key=_column_order)}
    columns = list(dict.fromkeys(named.values()))
    table = Table(title="worst |error| / certified bound, against the exact value", title_justify="left")
    for heading in ("op", "result", "dtype"):
        table.add_column(heading, no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    cells = {(m.op, m.result, m.dtype, named[m.source]): m.worst for m in margins}
    rows = list(dict.fromkeys((m.op, m.dtype, m.result) for m in margins))
    previous = ""
    for op, dtype, result in rows:
        if previous and op != previous:
            table.add_section()
        values = [cells.get((op, result, dtype, column)) for column in columns]
        table.add_row(
            op if op != previous else "", result, dtype, *(margin_text(v) if v is not None else Text("-") for v in values)
        )
        previous = op
    return table


def _column_order(source: str) -> tuple[int, str]:
    known = LAYER_FIRST.index(source) + 1 if source in LAYER_FIRST else 0 if "." in source else len(LAYER_FIRST) + 1
    return known, source


def summary_lines(report: Report) -> list[str]:
    """What a reader needs under the table: failures in full, then who is outside a bound, what was skipped, the verdict."""
    lines = [str(v) for v in report.failures]
    disputed = report.of_status("disputed")
    if disputed:
        lines.append("Outside their own bound, held against the exact value (the layer is not blamed):")
        lines += [f"  {_dispute(v)}" for v in disputed]
    lines += [f"skipped: {v.oracle}: {v.message}" for v in report.of_status("skipped")]
    lines += report.notes
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    lines.append(f"{versions}; device {report.device}; seed {report.seed}; {report.cases} cases in {report.seconds:.0f} s")
    lines.append("passed" if report.passed else f"FAILED: {len(report.failures)} verdicts")
    return lines


def _dispute(v: Verdict) -> str:
    result, _, rest = v.message.partition(":")
    return f"{v.oracle}, {v.op} {result} in {v.dtype}: margin {v.margin:.3g};{rest.partition(';')[2]}"
