import os
from pathlib import Path

import click
import pytest

from oracles import InputError, OracleUnavailable
from oracles.cli.terminal import misuse, page, progress_bar, set_up_frameworks, written
from oracles.reports.report import Report


@pytest.mark.parametrize("error", [InputError("op: no"), OracleUnavailable("torch: no")])
def test_a_callers_mistake_is_a_usage_error(error):
    def command():
        """What it does."""
        raise error

    wrapped = misuse(command)
    assert (wrapped.__name__, wrapped.__doc__) == ("command", "What it does.")
    with pytest.raises(click.UsageError, match="no"):
        wrapped()


def test_a_bar_and_a_page_that_nobody_sees_are_silent_and_wide(capsys):
    with progress_bar(2) as advance:
        advance(1, "a claim")
    page().print("x" * 300)
    assert capsys.readouterr() == ("x" * 300 + "\n", "")


def test_the_environment_decides_about_the_cache(monkeypatch):
    monkeypatch.setattr(os, "environ", {"JAX_COMPILATION_CACHE_DIR": "mine", "XDG_CACHE_HOME": "cache"})
    set_up_frameworks()
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == "mine"
    assert os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] == "0"


@pytest.mark.parametrize(("given", "expected"), [({}, "false"), ({"XLA_PYTHON_CLIENT_PREALLOCATE": "true"}, "true")])
def test_jax_leaves_a_gpu_s_memory_to_others_unless_it_is_told_otherwise(monkeypatch, given, expected):
    monkeypatch.setattr(os, "environ", {"XDG_CACHE_HOME": "cache", **given})
    set_up_frameworks()
    assert os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] == expected


@pytest.mark.parametrize("home", [{"XDG_CACHE_HOME": "cache"}, {"XDG_CACHE_HOME": ""}, {}])
def test_nobody_at_home(monkeypatch, home):
    def nobody():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(os, "environ", dict(home))
    monkeypatch.setattr(Path, "home", nobody)
    set_up_frameworks()
    expected = os.path.join("cache", "backproof", "jax") if home.get("XDG_CACHE_HOME") else None
    assert os.environ.get("JAX_COMPILATION_CACHE_DIR") == expected


def test_ctrl_c_is_a_stop_and_no_verdict(capsys):
    def command():
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as stopped:
        misuse(command)()
    assert stopped.value.code == 130
    assert "stopped: Ctrl-C" in capsys.readouterr().err


@pytest.mark.parametrize(("one", "other"), [("r", "r"), ("r", "x/../r"), ("r", "link")])
def test_reports_that_would_overwrite_each_other_are_refused(tmp_path, monkeypatch, one, other):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").mkdir()
    (tmp_path / "link").symlink_to("r")
    with pytest.raises(click.UsageError, match=f"--junit: {other} is the file of --html"):
        misuse(lambda **files: None)(html_file=Path(one), junit_file=Path(other))
    misuse(lambda **files: None)(html_file=Path("/dev/null"), junit_file=Path("/dev/null"))


def report():
    return Report("title", (), (), {}, 1, 0, 0.0)


def test_a_report_goes_to_a_device(tmp_path, capsys):
    with open(os.devnull, "a") as file:
        written(report(), file, None, None)
    assert capsys.readouterr().err == f"wrote {os.devnull}\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_the_verdict_stands_where_a_report_cannot_be_written(capsys):
    with open("/dev/full", "a") as file:
        written(report(), file, None, None)
    assert capsys.readouterr().err == "/dev/full: not written: No space left on device\n"


def test_streams_that_were_closed_are_no_terminals(monkeypatch):
    monkeypatch.setattr("sys.stdout", None)
    monkeypatch.setattr("sys.stderr", None)
    page().print("seen by nobody")
    with progress_bar(1) as advance:
        advance(1, "a claim")
