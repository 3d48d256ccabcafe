"""What a campaign shows while it runs: on a terminal a table that changes, elsewhere a line a minute."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from .run import Watch
from .state import State

EVERY = 60.0  # seconds between two lines


@contextmanager
def live_view(state: State) -> Iterator[Watch]:
    """A watch for `run` that writes to standard error."""
    clock = Clock(state)
    if sys.stderr is None or not sys.stderr.isatty() or os.environ.get("TERM") in ("dumb", "unknown"):
        last = time.monotonic()

        def line(state: State, flying: int) -> None:
            nonlocal last
            if time.monotonic() - last >= EVERY:
                last = time.monotonic()
                click.echo(clock.line(state), err=True)

        yield line
        return
    with Live(console=Console(stderr=True), transient=True, auto_refresh=False) as live:
        yield lambda state, flying: live.update(clock.page(state, flying), refresh=True)


class Clock:
    """Speed and time left, from what was done since this run began."""

    def __init__(self, state: State) -> None:
        self._start, self._before = time.monotonic(), state.findings.cases
        self._chunks = state.plan.chunks()
        self._total = sum(chunk.cases for chunk in self._chunks)

    def speed(self, state: State) -> float:
        """Cases a second."""
        return (state.findings.cases - self._before) / max(1e-3, time.monotonic() - self._start)

    def line(self, state: State) -> str:
        """All of it in a line."""
        f = state.findings
        return (
            f"{f.cases} of {self._total} cases, {self.speed(state):.0f} a second, {self._time_left(state)} left, "
            f"worst margin {f.worst():.3g}, {f.failing} failed"
        )

    def page(self, state: State, flying: int) -> Group:
        """A row an op, a bar, and the line."""
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        table.add_column("op", no_wrap=True)
        for heading in ("cases", "worst margin", "failed", "others' worst"):
            table.add_column(heading, justify="right", no_wrap=True)
        for op in state.plan.ops:
            counts = state.findings.counts.get(op)
            if counts is None:
                table.add_row(op, "0", "", "", "")
                continue
            others = [m for m in state.findings.margins.values() if m.op == op and not state.findings.is_of_layer(m)]
            worst = max(others, key=lambda m: m.worst, default=None)
            said = "" if worst is None else f"{worst.worst:.3g} {worst.source} {worst.dtype} {worst.result}"
            table.add_row(op, str(counts.cases), f"{state.findings.worst(op):.3g}", str(counts.failing), said)
        bar = Table.grid()  # by itself it ends no line
        bar.add_row(
            ProgressBar(total=self._left(state) + state.findings.cases, completed=state.findings.cases, width=60)
        )
        return Group(table, bar, self.line(state), f"{flying} chunks in flight")

    def _left(self, state: State) -> int:
        """Cases that are still to come: of chunks that were given up none are."""
        lost = sum(chunk.cases for chunk in self._chunks if chunk.number in state.broken)
        return self._total - state.findings.cases - lost

    def _time_left(self, state: State) -> str:
        speed = self.speed(state)
        if not speed:
            return "?"
        minutes = self._left(state) / speed / 60
        return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"
