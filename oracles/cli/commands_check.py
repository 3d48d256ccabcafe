"""`backproof check` and `backproof replay`: a candidate by name, in a process of its own."""

from __future__ import annotations

import random
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..ops import DECLARATIONS
from . import completion
from .terminal import (
    DEVICE,
    HTML,
    JSON,
    JUNIT,
    ORACLE,
    a_folder,
    annotate,
    misuse,
    page,
    progress_bar,
    set_up_frameworks,
    written,
)

if TYPE_CHECKING:  # the kit is loaded by the commands that need it
    from ..candidates.target import Target
    from ..reports.report import Report

VJP = click.option("--vjp", help="The function that computes the gradients, where the candidate is a function.")
FORMS = click.option(
    "--targets",
    multiple=True,
    shell_complete=completion.targets,
    help="A label form it takes: ids, one_hot or soft; may be repeated.",
)
FRAMEWORK = click.option(
    "--framework",
    shell_complete=completion.frameworks,
    help="torch or jax, where it is their code and theirs to differentiate.",
)
_TIMEOUT = click.option(
    "--timeout", type=float, default=60, show_default=True, help="Seconds a call of the layer may take."
)
_IN_PROCESS = click.option("--in-process", is_flag=True, help="For a debugger: no process of its own, no time limit.")


@click.command(short_help="Hold a layer of yours to every claim.")
@click.argument("candidate", metavar="MODULE:ATTR", shell_complete=completion.files)
@click.option(
    "--op",
    shell_complete=completion.ops,
    help=f"What it computes: {', '.join(DECLARATIONS)}, or FILE.py:OP, an Op of your own; a Layer says so itself.",
)
@VJP
@FRAMEWORK
@FORMS
@click.option(
    "--dtype",
    "dtypes",
    multiple=True,
    shell_complete=completion.dtypes,
    help="A dtype; may be repeated.  [default: float32, float64]",
)
@ORACLE
@DEVICE
@click.option("--examples", type=click.IntRange(min=1), help="Cases a claim and dtype.  [default: 60]")
@click.option("--seed", type=int, default=None, help="Draw the same shapes and values again.  [default: a fresh one]")
@_TIMEOUT
@JSON
@HTML
@JUNIT
@click.option(
    "--save-cases",
    type=click.Path(file_okay=False, path_type=Path),
    callback=a_folder,
    help="Write a file a failure, for replay.",
)
@click.option("--verbose", is_flag=True, help="Every failure in full, with code that shows it.")
@_IN_PROCESS
@misuse
def check(
    candidate: str,
    op: str | None,
    vjp: str | None,
    framework: str | None,
    targets: tuple[str, ...],
    dtypes: tuple[str, ...],
    oracles: tuple[str, ...],
    device: str,
    examples: int | None,
    seed: int | None,
    timeout: float,
    json_file: Any,
    html_file: Path | None,
    junit_file: Path | None,
    save_cases: Path | None,
    verbose: bool,
    in_process: bool,
) -> None:
    """Hold a layer of yours to every claim: a class with forward and backward, a Layer, or a function with its vjp.

    It runs in a process of its own, so that one that crashes or hangs is a failure, and the claims go on.

    \b
    backproof check layers:MyReLU --op relu
    backproof check layers.py:my_softmax --vjp layers.py:my_softmax_vjp --op softmax --dtype float32
    backproof check layers:MyLoss --op softmax_cross_entropy --targets ids --save-cases failures
    backproof check layers:MyReLU --op relu --html report.html --junit report.xml
    backproof check layers.py:norm --vjp norm_vjp --op layers.py:NORM
    backproof check kernels:Softmax --op softmax --framework torch --device cuda
    """  # noqa: D301  (click wants the character)
    set_up_frameworks()
    from ..candidates.target import Target, load_layer
    from ..runs.check_layer import check_layer, planned
    from ..runs.isolated import check_isolated

    target = Target(candidate, op, vjp, targets, framework, device)
    chosen = random.SystemRandom().randrange(2**32) if seed is None else seed
    settings = (oracles or None, dtypes or None, device, examples, chosen)
    with progress_bar(len(planned(dtypes, examples, chosen).steps)) as advance:
        if in_process:
            report = check_layer(load_layer(target), *settings, progress=advance)
        else:
            report = check_isolated(target, *settings, timeout=timeout, progress=advance)
    report = written(report, json_file, html_file, junit_file)
    saved = _saved(report, target, save_cases) if save_cases else []
    is_piped = bool(json_file) and json_file.name == "<stdout>"
    if not is_piped:
        _show(report, saved, verbose)
    annotate(report, err=is_piped)
    sys.exit({"passed": 0, "FAILED": 1, "NO VERDICT": 2}[report.verdict])


@click.command(short_help="Run a saved failure, or a saved case, again.")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("candidate", metavar="[MODULE:ATTR]", required=False, shell_complete=completion.files)
@VJP
@FRAMEWORK
@FORMS
@ORACLE
@DEVICE
@_TIMEOUT
@_IN_PROCESS
@misuse
def replay(
    file: Path,
    candidate: str | None,
    vjp: str | None,
    framework: str | None,
    targets: tuple[str, ...],
    oracles: tuple[str, ...],
    device: str,
    timeout: float,
    in_process: bool,
) -> None:
    """Run a saved failure again: does the claim hold now? Or hold a candidate against a saved case.

    FILE was written by `check --save-cases`, or by Case.save. A bare case without a candidate shows what the reference
    and the oracles compute for it.

    \b
    backproof replay failures/MyReLU-values-float32.json
    backproof replay case.json layers:MyReLU
    backproof replay case.json
    """  # noqa: D301  (click wants the character)
    set_up_frameworks()
    from ..candidates.target import Target, load_layer
    from ..reports.tables import comparisons_table
    from ..runs import isolated
    from ..runs import replay as replays

    recording = replays.Recording.load(file)
    target = Target(candidate, recording.case.op, vjp, targets, framework, device) if candidate else recording.target
    console = page()
    if target is None:
        found = replays.sources(recording.case, oracles or None, device)
        console.print(comparisons_table({name: one.comparisons for name, one in found.items()}))
        for name, one in found.items():
            if one.failure:
                console.print(f"{name}: {one.failure}", markup=False)
        sys.exit(0 if "reference" not in found or found["reference"].passed else 1)
    if in_process:
        done = replays.replay(load_layer(target), recording.check, recording.case, recording.earlier)
    else:
        done = isolated.replay_isolated(recording, target, timeout=timeout)
    if done.comparisons:
        console.print(comparisons_table({target.name: done.comparisons}))
    what = f"{target.name}, {recording.check}, {recording.case.dtype}"
    if recording.message not in ("", done.failure):
        console.print(f"it was: {recording.message}", markup=False)
    console.print(f"passed: {what}" if done.passed else f"FAILED: {what}: {done.failure}", markup=False)
    sys.exit(0 if done.passed else 1)


def _show(report: Report, saved: list[Path], verbose: bool) -> None:
    from ..reports.tables import margins_table, summary_lines

    console = page()
    if report.margins:
        console.print(margins_table(report.margins, report.verdicts[0].layer, report.truth))
    *lines, versions, outcome = summary_lines(report, verbose=verbose)
    many = f"{len(saved)} failures, one a file" if len(saved) > 1 else "the failure"
    hints = [f"saved {many}; run it again with: backproof replay {saved[0]}"] if saved else []
    if report.failures and not verbose:
        hints.append("--verbose shows every failure in full, with code that fails in a fresh interpreter")
    for line in (*lines, *hints, versions, outcome):
        console.print(line, markup=False)


def _saved(report: Report, target: Target, folder: Path) -> list[Path]:
    """One file a claim and dtype that failed."""
    from ..claims.verdicts import distinct
    from ..runs.replay import Recording

    paths = []
    for verdict in distinct(report.failures):
        recording = Recording.of(verdict, target)
        if recording is not None:
            name = re.sub(r"[^\w.-]+", "_", f"{verdict.layer}-{verdict.check}-{verdict.dtype}")
            path = folder / f"{name}.json"
            try:
                folder.mkdir(parents=True, exist_ok=True)
                recording.save(path)
                paths.append(path)
            except OSError as error:  # the verdict stands, and is still to be said
                click.echo(f"--save-cases: {path}: not written: {error.strerror}", err=True)
    return paths
