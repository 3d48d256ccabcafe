"""`backproof campaign`: a long search for disagreements, kept in a file, over processes or a cluster."""

from __future__ import annotations

import math
import shlex
import sys
from pathlib import Path
from typing import Any

import click

from ..words import printable
from . import completion
from .commands_check import FORMS, FRAMEWORK, VJP
from .terminal import DTYPES, HTML, JSON, JUNIT, OPS, ORACLE, misuse, page, set_up_frameworks, written

STATE = "campaign.sqlite"


@click.command(short_help="Search for hours, and go on after a stop.")
@click.argument("candidate", metavar="[MODULE:ATTR]", required=False, shell_complete=completion.files)
@OPS
@DTYPES
@click.option(
    "--device",
    "devices",
    multiple=True,
    shell_complete=completion.devices,
    help="Where the frameworks run; may be repeated.  [default: cpu]",
)
@ORACLE
@VJP
@FRAMEWORK
@FORMS
@click.option("--cases", type=click.IntRange(min=1), help="Cases an op.  [default: 100000]")
@click.option("--chunk", type=click.IntRange(min=1), help="Cases that a worker does at a time.  [default: 5000]")
@click.option("--seed", type=int, help="Draw the same shapes and values again.  [default: a fresh one]")
@click.option(
    "--state",
    "state_file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=STATE,
    show_default=True,
    help="The file that keeps all of it.",
)
@click.option("--resume", is_flag=True, help="Go on with the campaign of that file.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes.  [default: one a core]")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    help="Seconds that a chunk may take.  [default: 600, more for chunks over 2400 cases]",
)
@click.option("--dask", metavar="ADDRESS", help="Run on the Dask cluster of the scheduler there, tcp://HOST:PORT.")
@click.option(
    "--database",
    metavar="WHERE",
    help="Where failing cases go, for pytest to replay: a folder, or redis://HOST:PORT.  [default: Hypothesis' own]",
)
@JSON
@HTML
@JUNIT
@misuse
def campaign(
    state_file: Path,
    resume: bool,
    workers: int | None,
    timeout: float | None,
    dask: str | None,
    database: str | None,
    json_file: Any,
    html_file: Path | None,
    junit_file: Path | None,
    **plan: Any,
) -> None:
    """Search for disagreements for hours: the reference, or a candidate, against the frameworks and the exact value.

    The work is done in chunks, whose results are kept in one file: killed at any moment, --resume goes on. The search
    draws cases, and mutates those with the highest margins.

    \b
    backproof campaign --cases 1000000
    backproof campaign --resume --html report.html
    backproof campaign layers.py:MySoftmax --op softmax --cases 20000
    backproof campaign --dask tcp://scheduler:8786 --database redis://cache:6379
    """  # noqa: D301  (click wants the character)
    set_up_frameworks()
    from ..reports.tables import margins_table, summary_lines
    from ..runs.campaign.executors import Dask, Local
    from ..runs.campaign.live_view import live_view
    from ..runs.campaign.report import report as report_of
    from ..runs.campaign.run import CampaignStopped, run
    from ..runs.database import active, opened

    if timeout is not None and math.isnan(timeout):
        raise click.BadParameter("expected a number of seconds", param_hint="--timeout")
    if dask is not None and workers:
        raise click.UsageError("--workers: the cluster has its own; leave it out beside --dask")
    examples = active() if database is None else opened(database)
    executor = Local(workers) if dask is None else Dask(dask)
    stopped = ""
    try:
        with _state(state_file, resume, plan) as state:
            try:
                with live_view(state) as watch:
                    run(state, executor, at_once=executor.at_once, timeout=timeout, database=examples, watch=watch)
            except (CampaignStopped, KeyboardInterrupt) as error:
                why = str(error) or "Ctrl-C"
                more = {"--state": state_file, "--dask": dask, "--workers": workers, "--timeout": timeout}
                again = [x for k, v in (more | {"--database": database}).items() if v is not None for x in (k, str(v))]
                stopped = f"stopped: {why}; go on with: backproof campaign {shlex.join([*again, '--resume'])}"
            except Exception:
                if not resume and not state.done:  # it would stand in the way of the right command
                    state.discard()
                raise
            report = written(report_of(state), json_file, html_file, junit_file)
    finally:
        executor.shutdown(cancel_futures=True)
    if not json_file or json_file.name != "<stdout>":
        console = page()
        console.print(margins_table(report.margins))
        for line in summary_lines(report):
            console.print(line, markup=False)
    if stopped:
        click.echo(printable(stopped), err=True)
    sys.exit(130 if stopped else 0 if report.passed else 1)


def _state(path: Path, resume: bool, given: dict[str, Any]) -> Any:
    """The state of a new campaign, or of the one to go on with, which has its plan already."""
    from ..candidates.target import Target
    from ..runs.campaign.plan import Plan
    from ..runs.campaign.state import State

    asked = {name: value for name, value in given.items() if value not in (None, ())}
    if resume:
        if asked:
            name = {"ops": "op", "dtypes": "dtype", "devices": "device", "oracles": "oracle"}
            listed = ", ".join("MODULE:ATTR" if n == "candidate" else f"--{name.get(n, n)}" for n in asked)
            raise click.UsageError(f"--resume: the campaign has its plan already; leave out {listed}")
        return State.open(path)
    candidate, target = asked.pop("candidate", None), None
    words = {name: asked.pop(name) for name in ("vjp", "framework", "targets") if name in asked}
    if candidate:
        ops = asked.pop("ops", ())
        if len(ops) > 1:
            raise click.UsageError(f"--op: {candidate} computes one op, got {', '.join(ops)}")
        target = _known(Target(candidate, *ops, **words))
    elif words:
        raise click.UsageError(f"--{next(iter(words))}: says something of a candidate, and none is given")
    if "chunk" in asked:
        asked["size"] = asked.pop("chunk")
    return State.create(path, Plan.of(target=target, **asked))


def _known(target: Any) -> Any:
    """The target with its op, which a Layer says itself. What is wrong with it is said before anything runs."""
    from dataclasses import replace

    from ..candidates.target import load_layer

    return replace(target, op=load_layer(target).op)
