import io

import pytest
from here import Here, plan
from rich.console import Console

from oracles.runs.campaign import live_view
from oracles.runs.campaign.live_view import Clock
from oracles.runs.campaign.run import run
from oracles.runs.campaign.state import State


@pytest.fixture
def state(tmp_path):
    with State.create(tmp_path / "c.sqlite", plan(oracles=["finite_difference"])) as state:
        yield state


def shown(clock, state, flying=0, width=120):
    console = Console(file=io.StringIO(), width=width)
    console.print(clock.page(state, flying))
    return console.file.getvalue()


def test_the_page_says_what_is_done_what_is_left_and_what_is_worst(state):
    clock = Clock(state)
    assert "0 of 200 cases" in shown(clock, state)
    run(state, Here(), at_once=1)
    page = shown(clock, state, 2)
    assert "200 of 200 cases" in page
    assert "0 min left" in page
    assert f"{state.findings.worst():.3g}" in page
    assert "finite_difference" in page
    assert "2 chunks in flight" in page


def test_on_a_narrow_terminal_the_line_is_whole(state):
    clock = Clock(state)
    assert all(word in shown(clock, state, width=80) for word in ("a second", "left", "worst margin", "failed"))


def test_chunks_that_were_given_up_are_not_waited_for(state):
    run(state, Here(), at_once=1)
    cases = state.findings.cases
    state.findings.counts.pop("dense")
    state.broken = {c.number: "died" for c in state.plan.chunks() if c.op == "dense"}
    assert Clock(state)._left(state) == 0
    assert state.findings.cases < cases


def test_what_was_done_before_does_not_count_as_speed(state):
    run(state, Here(), at_once=1)
    assert Clock(state).speed(state) == 0
    assert "? left" in Clock(state).line(state)


def test_where_there_is_no_terminal_it_is_a_line_now_and_then(state, capsys, monkeypatch):
    with live_view.live_view(state) as watch:
        watch(state, 0)
        assert capsys.readouterr().err == ""
    monkeypatch.setattr(live_view, "EVERY", 0.0)
    with live_view.live_view(state) as watch:
        watch(state, 0)
    assert "0 of 200 cases" in capsys.readouterr().err


def test_on_a_terminal_it_is_live(state, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with live_view.live_view(state) as watch:
        watch(state, 1)
    assert "chunks in flight" in terminal.getvalue()
