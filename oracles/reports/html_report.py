"""A report as one HTML file: opens offline, asks for nothing, runs nothing but its own copy buttons.

What a candidate is called, says or returns is text: Jinja2 escapes it, and the page's own policy admits one script, by
its hash, and no request.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from importlib import resources
from typing import Any

from reference import InputError

from ..claims.compare import Elements
from ..claims.verdicts import EDGES, Margin, Verdict, distinct
from .report import Report, source_order, table_title

SYMBOLS = {"passed": "✓", "failed": "✗", "disputed": "?", "skipped": "-", "unfinished": "…", "xfailed": "✗"}
MARKS = {"passed": "✓", "FAILED": "✗", "NO VERDICT": "?"}
SHADES = 8  # of the heat map: each says how many decades the margin is from the bound


def page(report: Report) -> str:
    """The report as HTML. Raises InputError where Jinja2 is not installed."""
    templates = _environment()
    script = _file("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    text: str = templates.get_template("report.html").render(
        report=report,
        script=script,
        style=_file("report.css"),
        policy=f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; img-src data:",
        made=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        counts=list(report.counts.items()),
        failures=distinct(report.failures),
        disputed=report.of_status("disputed"),
        skipped=[_left(v) for status in ("unfinished", "skipped") for v in report.of_status(status)],
        claims=list(_claims(report.verdicts)),
        blocks=list(_blocks(report.margins)),
        bins=_bins(),
        title=table_title(report.truth),
        marks=MARKS,
        conventions=sorted({(m.op, m.source, c) for m in report.margins for c in m.conventions}),
    )
    return text


def _left(v: Verdict) -> str:
    return " ".join(filter(None, (v.op, v.dtype, v.oracle, v.message)))


def require() -> None:
    """Raise InputError unless a page can be made: to be told before a long run rather than after it."""
    _environment()


def _environment() -> Any:
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        raise InputError("html: needs Jinja2; install it with: pip install jinja2") from error
    templates = Environment(
        loader=PackageLoader("oracles.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"number": number, "exactly": repr, "grid": grid, "shade": shade, "symbol": SYMBOLS.get}
    return templates


def _file(name: str) -> str:
    return (resources.files("oracles.reports") / "templates" / name).read_text(encoding="utf-8")


def number(x: float) -> str:
    """A number for a table: three digits of a margin or value."""
    return f"{x:.3g}".replace("inf", "∞")


def shade(margin: float) -> str:
    """The class of a cell: the darker, the nearer the bound; "over" past it."""
    if margin > 1:
        return "over"
    if margin == 0:
        return "s0"
    return f"s{max(1, SHADES + math.ceil(math.log10(margin) * 2))}"


def grid(e: Elements) -> dict[str, Any]:
    """Elements as rows of cells for the template: what was computed, what is right, and how far over the bound."""
    width = max(1, e.width)
    cells = list(zip(e.actual, e.expected, e.allowed, e.margins, strict=True))
    rows = [cells[i : i + width] for i in range(0, len(cells), width)]
    return {
        "columns": [e.column + i for i in range(len(rows[0]) if rows else 0)],
        "rows": [(_row_label(e, i), row) for i, row in enumerate(rows)],
        "wrong": sum(m > 1 for m in e.margins),
        "shown": len(cells),
        "whole": math.prod(e.shape) == len(cells),
    }


def _row_label(e: Elements, i: int) -> str:
    """The index of a row: a number, or of a result of higher rank all indices but the last."""
    index, parts = e.row + i, []
    for size in reversed(e.shape[:-1]):
        index, at = divmod(index, size)
        parts.append(str(at))
    return ", ".join(reversed(parts)) or "0"


def _claims(verdicts: Sequence[Verdict]) -> Iterator[dict[str, Any]]:
    """A row a claim: the worst verdict in each dtype."""
    order = ("failed", "xfailed", "disputed", "unfinished", "passed", "skipped")
    dtypes = list(dict.fromkeys(v.dtype for v in verdicts if v.dtype))
    for op, check in dict.fromkeys((v.op, v.check) for v in verdicts if v.dtype):
        mine = [v for v in verdicts if (v.op, v.check) == (op, check)]
        cells = []
        for dtype in dtypes:
            found = sorted((v for v in mine if v.dtype == dtype), key=lambda v: order.index(v.status))
            cells.append((dtype, found[0].status if found else "", sorted({v.oracle for v in found if v.oracle})))
        yield {"op": op, "check": check, "cells": cells}


def _blocks(margins: Sequence[Margin]) -> Iterator[dict[str, Any]]:
    """An op each: its sources, its rows of dtype and result, and in each row the margin of every source, or none."""
    for op in dict.fromkeys(m.op for m in margins):
        mine = [m for m in margins if m.op == op]
        sources = list(dict.fromkeys(m.source for m in sorted(mine, key=source_order)))
        by_key = {(m.dtype, m.result, m.source): m for m in mine}
        keys = dict.fromkeys((dtype, result) for dtype, result, _ in by_key)
        rows = [{"dtype": d, "result": r, "cells": [by_key.get((d, r, s)) for s in sources]} for d, r in keys]
        yield {"op": op, "sources": sources, "rows": rows}


def _bins() -> list[str]:
    """The upper edge of each bin of the distributions."""
    return [*(f"{edge:.1g}" for edge in EDGES), "more"]
