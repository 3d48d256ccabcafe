import os

import click
import pytest

from oracles import InputError, OracleUnavailable
from oracles.terminal import misuse, page, progress_bar, use_compilation_cache


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
    use_compilation_cache()
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == "mine"
    assert os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] == "0"
