"""What the commands share: a caller's mistake as one line, a page, a bar, and the settings of the process.

Settings of the process (threads, jax's compilation cache and memory) are made here and nowhere else.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from os.path import exists, isfile, realpath, samefile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from reference import InputError

from ..ops import OPS as KNOWN
from ..sources.registry import DEVICES, OracleUnavailable
from ..words import printable
from . import completion

if TYPE_CHECKING:
    from ..reports.report import Report


def _in_a_folder(context: click.Context, option: click.Parameter, path: Path | None) -> Path | None:
    """Told before a run rather than after it: a folder that is not there."""
    if path is not None and not path.absolute().parent.is_dir():
        raise click.BadParameter(f"{path.parent}: no such folder", context, option)
    return path


def a_folder(context: click.Context, option: click.Parameter, path: Path | None) -> Path | None:
    """Likewise: a folder that can never be, since a file is in its way."""
    there = next((p for p in (path, *path.absolute().parents) if p.exists()), None) if path is not None else None
    if there is not None and not there.is_dir():
        raise click.BadParameter(f"{there}: is a file, not a folder", context, option)
    return path


def _needs_jinja(context: click.Context, option: click.Parameter, path: Path | None) -> Path | None:
    """Told before a run as well: what a page needs."""
    if _in_a_folder(context, option, path) is not None:
        from ..reports.html_report import require

        try:
            require()
        except InputError as error:
            raise click.UsageError(str(error)) from error
    return path


HTML = click.option(
    "--html",
    "html_file",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_needs_jinja,
    help="Write the report as a page that opens offline.",
)
OPS = click.option(
    "--op",
    "ops",
    multiple=True,
    shell_complete=completion.ops,
    help=f"Only this op, of {', '.join(KNOWN)}; may be repeated.",
)
DTYPES = click.option(
    "--dtype", "dtypes", multiple=True, shell_complete=completion.dtypes, help="Only this dtype; may be repeated."
)
ORACLE = click.option(
    "--oracle",
    "oracles",
    multiple=True,
    shell_complete=completion.oracles,
    help="Only this oracle; may be repeated.  [default: all installed]",
)
DEVICE = click.option(
    "--device",
    default="cpu",
    show_default=True,
    shell_complete=completion.devices,
    help=f"Where the frameworks run: {' or '.join(DEVICES)}.",
)
JSON = click.option(
    "--json", "json_file", type=click.File("a", lazy=False), help="Write the report as JSON; - for standard output."
)
JUNIT = click.option(
    "--junit",
    "junit_file",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_in_a_folder,
    help="Write the report as JUnit XML, for a CI.",
)


def written(report: Report, json_file: Any, html_file: Path | None, junit_file: Path | None) -> Report:
    """The report with the command that made it, written to the files that were asked for, GitHub's summary included."""
    report = replace(report, command=printable(shlex.join(["backproof", *sys.argv[1:]])))
    to_json = partial(_write_json, report, json_file)
    for path, write_to in (
        (json_file and json_file.name, to_json),
        (html_file, report.to_html),
        (junit_file, report.to_junit),
    ):
        if path:
            try:
                write_to(path)
                if path != "<stdout>":
                    click.echo(f"wrote {printable(str(path))}", err=True)
            except OSError as error:  # the verdict stands, and is still to be said
                click.echo(f"{printable(str(path))}: not written: {error.strerror}", err=True)
    if os.environ.get("GITHUB_STEP_SUMMARY"):
        from ..reports.github import summary

        try:
            with open(os.environ["GITHUB_STEP_SUMMARY"], "a", encoding="utf-8") as file:
                file.write(summary(report))
        except OSError as error:  # of the machine the run is on; the verdict stands
            click.echo(f"GITHUB_STEP_SUMMARY: {error}", err=True)
    return report


def _write_json(report: Report, file: Any, path: str | Path) -> None:
    try:
        if path != "<stdout>" and isfile(path):  # what it held is lost now, and not when it was named
            file.seek(0)
            file.truncate()
        file.write(report.to_json() + "\n")
        file.flush()
    except OSError:
        with suppress(OSError):
            file.close()  # or it is tried once more at the end
        raise


def annotate(report: Report, *, err: bool) -> None:
    """On GitHub Actions, an annotation a failure; on standard error where standard output holds something else."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        from ..reports.github import errors

        for command in errors(report, os.environ.get("GITHUB_WORKSPACE") or os.getcwd()):
            click.echo(command, err=err)


def misuse(command: Callable[..., Any]) -> Callable[..., Any]:
    """Errors that are the caller's become one line and exit code 2."""

    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            files = {name: kwargs[name] for name in FILES if kwargs.get(name) is not None}
            _told_apart({name: f if isinstance(f, Path) else f.name for name, f in files.items()})
            return command(*args, **kwargs)
        except (InputError, OracleUnavailable) as error:
            raise click.UsageError(printable(str(error))) from error
        except KeyboardInterrupt:
            click.echo("stopped: Ctrl-C", err=True)
            sys.exit(130)

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return run


# parameters of commands that name a file which is written
FILES = {"state_file": "--state", "json_file": "--json", "html_file": "--html", "junit_file": "--junit"}


def _told_apart(files: Mapping[str, str | Path]) -> None:
    """Raises UsageError where two of the files are one, by whatever names: the second would be lost in the first."""
    seen: list[tuple[str, str | Path]] = []
    for name, path in files.items():
        if path == "<stdout>" or (exists(path) and not isfile(path)):  # a device holds nothing
            continue
        for option, other in seen:
            if realpath(path) == realpath(other) or (exists(path) and exists(other) and samefile(path, other)):
                raise click.UsageError(f"{FILES[name]}: {printable(str(path))} is the file of {option}")
            if option == "--state" and realpath(path) == f"{realpath(other)}-journal":
                raise click.UsageError(f"{FILES[name]}: {printable(str(path))} is a file of {option}")
        seen.append((FILES[name], path))


def is_terminal(stream: Any) -> bool:
    """Whether somebody may be looking; a stream that was closed is None."""
    return stream is not None and bool(stream.isatty())


def page() -> Console:
    """Standard output; where nobody sees a terminal's edge, no cell is cut at one."""
    return Console(soft_wrap=True, highlight=False, width=None if is_terminal(sys.stdout) else 120)


@contextmanager
def progress_bar(total: int) -> Any:
    """A live bar on standard error: cases done, what is being done, the time left. Silent where that is no terminal."""
    if not is_terminal(sys.stderr):  # a disabled Progress of rich 13 still ends with a line of its own
        yield lambda done, what: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("loading the oracles", total=total)

        def told(done: int, what: str) -> None:
            text = f"{what:34}"  # shown at once where it is new: it may be done before the next picture
            bar.update(task, advance=done, description=text, refresh=text != bar.tasks[0].description)

        yield told


def set_up_frameworks() -> None:
    """Settings of this process, which is the command's own, before torch and jax are loaded in it.

    Keep what jax compiles in the user's cache directory, let it take a GPU's memory as it needs it (by default it takes
    three quarters, and a second process, or a framework beside it, finds too little), and hold torch and XLA to one
    thread. Where the environment says otherwise it stands.
    """
    from ..runs.processes import one_thread

    os.environ.update(one_thread())
    with suppress(RuntimeError):  # nobody's home: then nothing is kept
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "backproof" / "jax"
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(cache))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
