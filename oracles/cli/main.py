"""The `backproof` command and all it can do. Exit 0: passed; 1: a wrong layer; 2: misuse; 130: stopped early."""

from __future__ import annotations

import faulthandler
import json
import platform
import random
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as distribution_version
from pathlib import Path
from typing import Any

import click

from ..sources.registry import OracleUnavailable, install_line, load, missing, names
from .commands_campaign import campaign
from .commands_check import check, replay
from .commands_ops import ops
from .terminal import (
    DEVICE,
    DTYPES,
    HTML,
    JSON,
    JUNIT,
    OPS,
    ORACLE,
    misuse,
    page,
    progress_bar,
    set_up_frameworks,
    written,
)

DISTRIBUTIONS = ("numpy", "ml_dtypes", "hypothesis", "python-flint", "rich", "click")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="backproof")
def main() -> None:
    """Is this backward pass right? Gradients held against PyTorch, JAX and exact arithmetic, within derived bounds.

    \b
    backproof verify
    backproof check layers.py:MyReLU --op relu
    backproof replay failures/MyReLU-values-float32.json
    backproof campaign --cases 1000000
    backproof conventions
    backproof ops layer_norm
    backproof doctor
    """  # noqa: D301  (click wants the character)
    with suppress(OSError, ValueError, RuntimeError):  # no file to write to
        faulthandler.enable()  # what a framework crashes of is shown, with where


main.add_command(check)
main.add_command(campaign)
main.add_command(replay)
main.add_command(ops)


@main.command(short_help="Hold the reference against every installed oracle.")
@OPS
@DTYPES
@ORACLE
@DEVICE
@click.option("--examples", type=int, default=None, help="Cases an op and dtype.  [default: 60]")
@click.option("--seed", type=int, default=None, help="Draw the same shapes and values again.  [default: a fresh one]")
@click.option(
    "--workers",
    type=int,
    default=None,
    help="Processes that share the work.  [default: one a core, up to 4, of a long run]",
)
@JSON
@HTML
@JUNIT
@misuse
def verify(
    ops: tuple[str, ...],
    dtypes: tuple[str, ...],
    oracles: tuple[str, ...],
    device: str,
    examples: int | None,
    seed: int | None,
    json_file: Any,
    html_file: Path | None,
    junit_file: Path | None,
    workers: int | None,
) -> None:
    """Hold the reference and every installed oracle against the exact value.

    \b
    backproof verify
    backproof verify --op softmax --dtype float32 --examples 1000
    backproof verify --oracle torch --device cuda --json report.json
    backproof verify --html report.html --junit report.xml
    """  # noqa: D301  (click wants the character)
    set_up_frameworks()
    from ..reports.tables import margins_table, summary_lines
    from ..runs.verify import EXAMPLES, planned_cases
    from ..runs.verify import verify as run

    count = EXAMPLES if examples is None else examples
    chosen = random.SystemRandom().randrange(2**32) if seed is None else seed
    with progress_bar(planned_cases(ops, dtypes, count, chosen)) as advance:
        report = run(
            ops=ops,
            dtypes=dtypes,
            oracles=oracles,
            device=device,
            examples=count,
            seed=chosen,
            workers=workers,
            progress=advance,
        )
    report = written(report, json_file, html_file, junit_file)
    if not json_file or json_file.name != "<stdout>":
        console = page()
        console.print(margins_table(report.margins))
        for line in summary_lines(report):
            console.print(line, markup=False)
    sys.exit(0 if report.passed else 1)


@main.command(short_help="Where the installed frameworks differ.")
@ORACLE
@DEVICE
@click.option("--all", "every", is_flag=True, help="Questions that are answered alike as well.")
@click.option(
    "--record", type=click.Path(file_okay=False, path_type=Path), help="Write a record a framework into this folder."
)
@click.option("--json", "json_file", type=click.File("w", lazy=False), help="Write the answers as JSON; - for stdout.")
@misuse
def conventions(oracles: tuple[str, ...], device: str, every: bool, record: Path | None, json_file: Any) -> None:
    """Where the installed frameworks differ, what the reference does, and what changed since it was recorded.

    Exits 1 where a framework answers otherwise than its record says, or that of the version before it.

    \b
    backproof conventions
    backproof conventions --all --oracle torch
    backproof conventions --record records
    """  # noqa: D301  (click wants the character)
    set_up_frameworks()
    from ..conventions import answers as table
    from ..data.json_data import to_data
    from ..reports.tables import conventions_table
    from ..sources.available import load_oracles

    loaded, absent = load_oracles(oracles or None, device)
    now = [table.ask(oracle) for oracle in loaded if oracle.is_framework]
    if not now:
        why = "; ".join(absent.values()) or f"{', '.join(oracles)} is none"
        raise OracleUnavailable(f"no framework can run here: {why}")
    known = {one.framework: table.recorded(one.framework, one.version, device=one.device) for one in now}
    if record:
        for one in now:
            click.echo(f"recorded: {table.save(one, record)}", err=True)
    if json_file:
        json_file.write(json.dumps(to_data(now)) + "\n")
    console = page()
    if not json_file or json_file.name != "<stdout>":
        found = [row for row in table.rows([*now, table.ask_reference()]) if every or row.differs]
        console.print(conventions_table(found, [f"{one.framework} {one.version}" for one in now]))
    changed = [c for one in now if (before := known[one.framework]) for c in table.changes(before, one)]
    for one in now:
        before = known[one.framework]
        against = "no record of it" if before is None else f"against the record of {before.version}"
        many = sum(c.framework == one.framework for c in changed)
        console.print(f"{one.framework} {one.version} ({one.device}), {against}: {many} changed", markup=False)
    for change in changed:
        console.print(f"CHANGED: {change}", markup=False)
    sys.exit(1 if changed else 0)


@main.command(short_help="What is installed, and on which devices.")
def doctor() -> None:
    """Say what is installed, which devices there are, what is missing and how to install it.

    \b
    backproof doctor
    """  # noqa: D301  (click wants the character)
    _line("part", "version", "devices", "state")
    _line("python", platform.python_version(), "", f"{platform.system()} {platform.machine()}")
    for name in ("backproof", *DISTRIBUTIONS):
        _line(name, _version(name), "", "ok" if _version(name) else f"missing: pip install {name}")
    frameworks = 0
    for name in names():
        version, devices, state, is_framework = _oracle_row(name)
        frameworks += is_framework
        _line(f"oracle {name}", version, devices, state)
    if not frameworks:
        lines = " or ".join(f"`{install_line(name)}`" for name in ("torch", "jax"))
        click.echo(f"No framework oracle can run: nothing would be cross-validated. Install one with {lines}.")
    elif not any(_devices(name) and "cuda" in _devices(name) for name in ("torch", "jax")):
        click.echo("No CUDA device: --device cuda cannot run here; everything else can.")


def _line(part: str, version: str, devices: str, state: str) -> None:
    """One row; a long state is neither cut nor folded."""
    click.echo(f"{part:26}{version:21}{devices:10}{state}".rstrip())


def _oracle_row(name: str) -> tuple[str, str, str, bool]:
    absent = missing(name)
    if absent:
        return "", "", f"missing {absent}: {install_line(name)}", False
    try:
        oracle = load(name)
    except OracleUnavailable as error:
        return "", "", str(error), False
    trouble = getattr(oracle.module, "trouble", str)()
    return oracle.version, " ".join(oracle.module.devices()), trouble or "ok", oracle.is_framework


def _devices(name: str) -> tuple[str, ...]:
    try:
        return tuple(load(name).module.devices())
    except OracleUnavailable:
        return ()


def _version(name: str) -> str:
    try:
        return distribution_version(name)
    except PackageNotFoundError:
        return ""


if __name__ == "__main__":
    main()
