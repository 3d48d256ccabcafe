"""The pytest plugin: a header line, options, and the table of worst margins after the tests.

pytest imports it in every run of an environment that has backproof installed. It costs nothing where nobody calls
`parametrize_with_checks`: it imports the standard library alone, prints nothing, and finds out whether it is used by
looking for the module of the checks among those that are loaded.

The seed is drawn once a run, by the process that is started: under pytest-xdist each worker is handed it, so that the
ids and the cases of a run are the same whoever runs them. It is printed; `--backproof-seed` draws the same cases again.
"""

from __future__ import annotations

import os
import random
import shlex
import sys
import traceback
from collections.abc import Generator, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .layer_check import LayerCheck, Run

CHECKS = "oracles.runs.layer_check"  # loaded where parametrize_with_checks is used, and only there
SEED = "backproof_seed"
SHORT = {"--oracle": "--backproof-oracle", "--device": "--backproof-device"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options under names that nobody else has."""
    group = parser.getgroup("backproof", "gradients held against oracles (backproof)")
    for name in SHORT.values():
        group.addoption(name, **_option(name))
    group.addoption("--backproof-seed", type=int, metavar="N", help="Draw the same cases again. [a fresh seed a run]")
    group.addoption("--backproof-examples", type=int, metavar="N", help="Cases a claim and dtype. [60]")


def _option(name: str) -> dict[str, Any]:
    if name.endswith("oracle"):
        text = "Hold values against this oracle; may be repeated. [every one installed]"
        return {"action": "append", "metavar": "NAME", "dest": "backproof_oracle", "help": text}
    return {"metavar": "cpu|cuda", "dest": "backproof_device", "help": "Where the frameworks run. [cpu]"}


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(parser: pytest.Parser) -> Generator[None, Any, Any]:
    """`--oracle` and `--device` as well, unless a conftest or another plugin has them: many a project does."""
    result = yield
    for short, name in SHORT.items():
        if _is_free(parser, short):
            parser.getgroup("backproof").addoption(short, **_option(name))
    return result


def _is_free(parser: pytest.Parser, name: str) -> bool:
    """Whether nobody has added the option: what a parser does not know it hands back."""
    given = f"{name}=?"
    try:
        return given in parser.parse_known_and_unknown_args([given])[1]
    except pytest.UsageError:  # known, and not of this value
        return False


def pytest_configure(config: pytest.Config) -> None:
    """Refuse unknown values, and start a run."""
    option = config.option
    if option.backproof_oracle or option.backproof_device is not None:
        from ..sources.registry import DEVICES, names

        for given, known in ((option.backproof_oracle or (), names()), ((option.backproof_device,), DEVICES)):
            for value in given:
                if value is not None and value not in known:
                    label = "--device" if known is DEVICES else "--oracle"
                    raise pytest.UsageError(f"{label}: expected one of {', '.join(known)}, got {value!r}")
    if option.backproof_examples is not None and option.backproof_examples < 1:
        raise pytest.UsageError(f"--backproof-examples: expected a positive number, got {option.backproof_examples}")
    config.pluginmanager.register(_Session(config), "backproof-session")


class _Session:
    """One run of pytest: its settings, and what its tests told."""

    def __init__(self, config: pytest.Config) -> None:
        handed = getattr(config, "workerinput", {}).get(SEED)
        self.config = config
        self.drawn: int = random.SystemRandom().randrange(2**32) if handed is None else handed
        self.told: list[dict[str, Any]] = []
        self.failed: list[dict[str, Any]] = []
        self.has_header = False

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """pytest-xdist starts a worker."""
        node.workerinput[SEED] = self.drawn

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """`--oracle` leaves the ids of the other oracles out; claims that are held against the exact value stay."""
        wanted = config.option.backproof_oracle
        if not wanted or CHECKS not in sys.modules:
            return
        out = {item for item in items if (c := _check(item)) and c.what == "values" and not {*c.oracles} & {*wanted}}
        if out:
            config.hook.pytest_deselected(items=[item for item in items if item in out])
            items[:] = [item for item in items if item not in out]

    def pytest_report_collectionfinish(self, items: Iterable[pytest.Item]) -> list[str]:
        """The header, now that it is known whether it is needed."""
        checks = [c for c in map(_check, items) if c] if CHECKS in sys.modules else []
        if not checks or self.config.option.collectonly:
            return []
        from ..sources.available import load_on, version_of
        from .layer_check import seed_of

        versions, run = {}, self._run()
        first = {name: one for one in reversed(checks) for name in one.oracles}
        for name, check in first.items():
            try:
                versions[name] = version_of(load_on(name, run.device or check.given.device or "cpu"))
            except Exception:  # its ids say why: those that cannot run skip, and what is wrong fails
                versions[name] = "unavailable"
        self.has_header = True
        return [_header(versions, {seed_of(run, check.given) for check in checks})]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """A check finds the settings of the run it is in."""
        if not _check(item):
            return (yield)
        from .layer_check import RUN

        item.stash[TOLD] = run = self._run()
        token = RUN.set(run)
        try:
            return (yield)
        finally:
            RUN.reset(token)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """What a check tells travels with the report of its test, from a worker as well."""
        report = yield
        if call.when == "call" and TOLD in item.stash:
            try:
                _say_what_failed(report, item.stash[TOLD].said)
                report.backproof = item.stash[TOLD].said  # type: ignore[attr-defined]  # reports may carry anything
            except Exception:  # a fault of this plugin is this id's failure, and ends no session
                report.outcome, report.longrepr = "failed", f"a fault of backproof:\n{traceback.format_exc()}"
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called where the summary is printed."""
        told = getattr(report, "backproof", ())
        self.told += told
        if report.failed:  # one that is expected to fail does not
            for one in told:
                again = f"pytest {shlex.quote(report.nodeid)} --backproof-seed {one['seed']}"
                count = self.config.option.backproof_examples
                again += f" --backproof-examples {count}" if count else ""
                self.failed += [failure | {"again": again} for failure in one["failures"]]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The worst margins and the disputes, where there were checks."""
        if not self.told or hasattr(self.config, "workerinput"):
            return
        try:
            self._summary(terminalreporter)
        except Exception:  # the tests have passed or failed by now, whatever can be shown of them
            terminalreporter.write_line(f"backproof: no summary, by a fault of backproof:\n{traceback.format_exc()}")

    def _summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        from ..reports.tables import told_lines

        lines = told_lines(self.told, with_table=self.config.option.verbose >= 0)
        if not self.has_header:  # the process that started pytest-xdist's workers collects nothing
            versions = {name: version for one in self.told for name, version in sorted(one["versions"].items())}
            lines.insert(0, _header(versions, {one["seed"] for one in self.told}))
        if lines:
            terminalreporter.section("backproof")
        for line in lines:
            terminalreporter.write_line(line)
        if self.failed and os.environ.get("GITHUB_ACTIONS") == "true":
            from ..reports.github import commands

            terminalreporter.ensure_newline()  # a command begins its line
            for line in commands(self.failed, os.environ.get("GITHUB_WORKSPACE") or os.getcwd()):
                terminalreporter.write_line(line)

    def _run(self) -> Run:
        from .layer_check import Run

        option = self.config.option
        run = Run(option.backproof_seed, option.backproof_device, option.backproof_examples)
        return replace(run, drawn=self.drawn, verbose=option.verbose > 1)


TOLD = pytest.StashKey["Run"]()


def _say_what_failed(report: pytest.TestReport, told: Iterable[dict[str, Any]]) -> None:
    """In pytest's short summary: what failed, first of all; the test's id says of which layer and claim."""
    crash = getattr(report.longrepr, "reprcrash", None)
    messages = [failure["message"] for one in told for failure in one["failures"]]
    if crash is not None and messages:
        crash.message = "; ".join(messages)


def _check(item: pytest.Item) -> LayerCheck | None:
    """The check that a test was parametrized with."""
    module: Any = sys.modules.get(CHECKS)
    if module is None:
        return None
    given = getattr(getattr(item, "callspec", None), "params", {}).values()
    return next((value for value in given if isinstance(value, module.LayerCheck)), None)


def _header(versions: dict[str, str], seeds: Iterable[int]) -> str:
    from importlib.metadata import version

    sources = ", ".join(f"{name} {text}" for name, text in sorted(versions.items()) if text.strip())
    return f"backproof {version('backproof')}: {sources}; seed {', '.join(map(str, sorted(seeds)))}"
