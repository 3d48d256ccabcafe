"""What GitHub Actions reads: workflow commands that hold whatever a candidate says, and a summary in Markdown."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles import Case
from oracles.candidates.backward_source import Place
from oracles.claims.verdicts import Margin, Verdict
from oracles.reports import github
from oracles.reports.report import Report

CASE = Case("relu", {"inputs": [0.0]}, [1.0])
FAILED = Verdict("values", "relu", "mine", "torch", "float32", "failed", np.inf, "leaks", "dinputs: wrong", CASE)
PASSED = Verdict("values", "relu", "mine", "jax", "float32", "passed", 0.25)
DISPUTED = Verdict("oracle", "relu", "", "jax", "float16", "disputed", 3.0, message="output: off", case=CASE)
SKIPPED = Verdict("values", "", "mine", "cupy", "", "skipped", message="no cupy")
MARGINS = (
    Margin("relu", "output", "float32", "torch", 0.25, 10, 0.0, CASE),
    Margin("relu", "output", "float32", "mine", np.inf, 10, 0.0, CASE),
)
COMMAND = re.compile(r"::error ((?:[^:,=]+=[^:,\n]*)(?:,[^:,=]+=[^:,\n]*)*)::([^\n\r]*)")


def report(*verdicts, **changes):
    given = {"versions": {"numpy": "2", "torch": "2.13"}, "seed": 7, "cases": 10, "seconds": 1.5, "notes": ("a note",)}
    return Report(**{"title": "a run", "verdicts": verdicts, "margins": MARGINS, **given, **changes})


def read(command):
    """The properties and the message of a command, as GitHub's runner reads them."""
    properties, message = COMMAND.fullmatch(command).groups()

    def decoded(text, escapes):
        for escape, character in escapes:
            text = text.replace(escape, character)
        return text.replace("%25", "%")

    data = [("%0D", "\r"), ("%0A", "\n")]
    pairs = (pair.split("=", 1) for pair in properties.split(","))
    return {k: decoded(v, [*data, ("%3A", ":"), ("%2C", ",")]) for k, v in pairs}, decoded(message, data)


def test_a_failure_says_what_why_on_which_case_and_how_to_see_it_again():
    (command,) = github.errors(report(FAILED, command="backproof check mine:relu"), "/")
    properties, message = read(command)
    assert properties == {"title": "mine: values, float32"}
    assert message.splitlines() == [
        "failed: mine, values, float32: dinputs: wrong",
        "  cause: leaks",
        f"  case: {CASE!r}",
        "again: backproof check mine:relu --seed 7",
    ]


def test_it_stands_beside_the_backward_pass_where_that_is_in_the_repository(tmp_path):
    inside, outside = Place(str(tmp_path / "a,b" / "mine:x%.py"), 3), Place("/elsewhere/mine.py", 4)
    (command,) = github.errors(report(FAILED, place=inside), str(tmp_path))
    assert read(command)[0] == {"file": "a,b/mine:x%.py", "line": "3", "title": "mine: values, float32"}
    assert command.startswith("::error file=a%2Cb/mine%3Ax%25.py,line=3,title=mine%3A values%2C float32::")
    (command,) = github.errors(report(FAILED, place=outside), str(tmp_path))
    assert set(read(command)[0]) == {"title"}


def test_a_bug_is_annotated_once_whichever_claims_and_dtypes_show_it():
    same = [replace(FAILED, oracle="jax"), replace(FAILED, dtype="float64"), replace(FAILED, check="sizes")]
    (command,) = github.errors(report(FAILED, *same, PASSED, DISPUTED, SKIPPED), "/")
    assert "also in: values (float64), sizes (float32)" in read(command)[1]
    assert len(github.errors(report(FAILED, replace(FAILED, check="sizes", cause="another")), "/")) == 2
    assert github.errors(report(PASSED, DISPUTED, SKIPPED), "/") == []


@given(st.text(), st.text())
def test_a_command_is_one_line_and_holds_every_text(title, text):
    assert read(github.error(title, text, "a.py", 1)) == ({"file": "a.py", "line": "1", "title": title}, text)


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("", "seed 7"),
        ("backproof check a:b", "backproof check a:b --seed 7"),
        ("backproof check a:b --seed 3 --op relu", "backproof check a:b --seed 3 --op relu"),
        ("backproof check a:b --seed=3", "backproof check a:b --seed=3"),
    ],
)
def test_the_command_is_shown_with_its_seed(command, shown):
    assert github.again(report(command=command)) == shown


def test_what_a_pytest_run_told_is_annotated_once_with_its_test(tmp_path):
    place = Place(str(tmp_path / "mine.py"), 3)
    told = github.failures_told([FAILED], place)
    again = [told[0] | {"again": f"pytest test.py::{i}"} for i in (1, 2)]
    (command,) = github.commands(again, str(tmp_path))
    properties, message = read(command)
    assert properties == {"file": "mine.py", "line": "3", "title": "mine: values, float32"}
    assert message.endswith("and in 1 more tests\nagain: pytest test.py::1")


def test_the_summary_of_a_failure_is_complete():
    text = github.summary(report(FAILED, PASSED, DISPUTED, SKIPPED, command="backproof check mine:relu"))
    for part in (
        "### a run",
        "**❌ FAILED 1 of 1 claims (leaks)**: 10 cases, seed 7",
        "**mine: values, float32**",
        f"```\nfailed: mine, values, float32: dinputs: wrong\n  cause: leaks\n  case: {CASE!r}\n```",
        "backproof check mine:relu --seed 7",
        "| op | dtype | result | mine | torch |\n|---|---|---|--:|--:|\n| relu | float32 | output | **inf** | 0.25 |",
        "- jax, relu in float16: output: off",
        "- skipped: no cupy",
        "- a note",
        "numpy 2, torch 2.13; device cpu",
    ):
        assert part in text


def test_the_summary_of_a_pass_says_so():
    assert "**✅ passed**: 10 cases, seed 7" in github.summary(report(PASSED))


def test_the_summary_passes_nothing_that_was_not_finished():
    text = github.summary(report(replace(SKIPPED, status="unfinished", message="slow")))
    assert "**❔ NO VERDICT: none of 1 claims was finished**" in text
    assert "✅" not in text


def test_a_fence_is_longer_than_what_it_holds_and_text_is_no_markup():
    evil = "``` </details><script>alert(1)</script> | ````"
    text = github.summary(report(replace(FAILED, message=evil, layer="a|b<i>*_"), notes=("<img src=x>",)))
    assert f"`````\nfailed: a|b<i>*_, values, float32: {evil}" in text
    assert r"a\|b\<i\>\*\_: values" in text
    assert r"\<img src=x\>" in text


def test_a_summary_stays_below_what_github_takes():
    long = {"cause": "unexplained", "snippet": "y" * 10**5}
    many = [replace(FAILED, message=f"{i} " + "x" * 10**5, symptom=("value", str(i)), **long) for i in range(200)]
    text = github.summary(report(*many))
    assert len(text.encode()) < 2**20
    assert "… and 150 more." in text
