"""The plugin in runs of pytest of their own: what it prints, refuses, passes between processes, and costs."""

import os
import re
from importlib.metadata import entry_points
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

# an installation older than the entry point has no plugin of that name
INSTALLED = any(point.name == "backproof" for point in entry_points(group="pytest11"))
PLUGIN = () if INSTALLED else ("-p", "oracles.runs.pytest_plugin")

LAYERS = """
import numpy as np
from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase
from oracles import Case, Layer, parametrize_with_checks

# whatever Hypothesis makes of the environment: where it sees CI, it draws the same and keeps nothing
database = DirectoryBasedExampleDatabase(".hypothesis/examples")
settings.register_profile("mine", derandomize=False, database=database)
settings.load_profile("mine")

RIGHT = Layer("relu", forward=lambda x: np.maximum(x, 0), vjp=lambda g, x: np.where(x > 0, g, 0), name="Right")
WRONG = Layer("relu", forward=lambda x: np.maximum(x, 0), vjp=lambda g, x: np.where(x > 0, 2 * g, 0), name="Wrong")
REPAIRED = Layer("relu", forward=RIGHT.start.args[1], vjp=RIGHT.start.args[2], name="Wrong")
QUICK = {"oracles": ["exact"], "dtypes": ["float64"], "max_examples": 10}
"""


@pytest.fixture
def run(pytester, monkeypatch):
    """Writes a test file that begins with LAYERS, and runs pytest on it."""
    paths = [str(Path(__file__).parents[3]), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))

    def run(source, *arguments):
        file = pytester.makepyfile(LAYERS + source)
        done = pytester.runpytest_subprocess(*PLUGIN, "-p", "no:cacheprovider", "-W", "error", *arguments)
        done.file = file
        return done

    return run


def decorated(arguments):
    return f"\n@parametrize_with_checks({arguments})\ndef test_mine(check):\n    check()\n"


def test_a_right_layer_passes_under_a_header_and_over_a_table(run):
    done = run(decorated("[RIGHT], **QUICK"), "--backproof-seed", "7")
    done.assert_outcomes(passed=9)
    assert len(re.findall(r"^backproof \S+: exact python-flint \S+; seed 7$", done.stdout.str(), re.M)) == 1
    done.stdout.fnmatch_lines(
        ["worst |error| / certified bound*", "*op, dtype*layer*", "*Right (relu)*", "*float64*dinputs*0*"]
    )


def test_a_wrong_layer_shows_its_case_and_no_line_of_the_kit(run):
    done = run(decorated("[WRONG], **QUICK"), "-k", "special_values or layouts")
    done.stdout.fnmatch_lines(
        [
            "*check()*",
            "E *CheckFailed: failed: Wrong, *, float64: dinputs: 1 of 1 elements wrong; worst at (0, 0): got *",
            "E *case: Case('relu', {'inputs': array(??1.0??, 'float64')}, *",
            "E *seed *: --backproof-seed * draws the same cases again",
        ]
    )
    assert "layer_check.py" not in done.stdout.str()
    assert "/hypothesis/" not in done.stdout.str()


def test_short_or_whole(run):
    short = run(decorated("[WRONG], **QUICK"), "-k", "special_values", "--backproof-seed", "3")
    (start, end) = [i for i, line in enumerate(short.stdout.lines) if line.startswith(("____", "===="))][-3:-1]
    assert 5 < end - start <= 25
    assert all(len(line) <= 120 for line in short.stdout.lines if line.startswith("E "))
    assert "holds(dinputs" not in short.stdout.str()
    assert "holds(dinputs" in run(decorated("[WRONG], **QUICK"), "-k", "special_values", "-vv").stdout.str()


OWN = """
from hypothesis import strategies as st
from oracles import Op

cases = st.lists(st.floats(1, 2), min_size=1, max_size=3).map(lambda x: {"x": np.array(x)})
twice = Op("twice(x) -> output", cases=cases, torch=lambda x: 2 * x, jax=lambda x: 2 * x)
alone = Op("alone(x) -> output", cases=cases)
OWN = [Layer(op, forward=lambda x: 2 * x, vjp=lambda g, x: 2 * g, name=op.name) for op in (twice, alone)]


def test_another():
    pass
"""


def test_ops_of_ones_own_have_ids_whoever_judges_them(run):
    done = run(OWN + decorated("OWN, dtypes=['float64'], max_examples=2"), "-k", "values or repeatable or another")
    outcomes = done.parseoutcomes()
    assert "errors" not in outcomes
    assert outcomes["passed"] >= 4
    done.stdout.fnmatch_lines(["backproof *: *; seed *"])
    done.stdout.no_fnmatch_line("*INTERNALERROR*")


def test_oracle_keeps_the_ids_that_it_judges_with_another(run):
    pytest.importorskip("torch", reason="torch is not installed")
    pytest.importorskip("jax", reason="jax is not installed")
    done = run(OWN + decorated("OWN, dtypes=['float64'], max_examples=2"), "--oracle", "torch", "--collect-only", "-q")
    assert "twice-values-torch" in done.stdout.str()
    assert "twice-repeatable-torch+jax" in done.stdout.str()


FAULTS = {
    "header": "import oracles.sources.available as m\nm.load_on = None",
    "report": "import oracles.runs.pytest_plugin as m\nm._say_what_failed = None",
    "summary": "import oracles.reports.tables as m\nm.told_lines = None",
}


@pytest.mark.parametrize("where", FAULTS)
def test_a_fault_of_the_plugin_ends_no_session(run, where):
    done = run(f"{FAULTS[where]}\ndef test_another(): pass\n" + decorated("[RIGHT], **QUICK"), "-k", "another or sizes")
    done.stdout.no_fnmatch_line("*INTERNALERROR*")
    expected = {"passed": 1, "failed": 1} if where == "report" else {"passed": 2}
    done.assert_outcomes(deselected=8, **expected)
    if where != "header":
        done.stdout.fnmatch_lines(["*a fault of backproof*", "*'NoneType' object is not callable*"])


def test_an_expected_failure_is_strict(run):
    source = decorated(
        '[RIGHT, WRONG], expected_failures={"Wrong-values": "doubled", "Right-sizes": "repaired"}, **QUICK'
    )
    done = run(source, "-k", "Wrong-values or Right-sizes")
    done.assert_outcomes(xfailed=1, failed=1)
    done.stdout.fnmatch_lines(["[[]XPASS(strict)[]] repaired"])


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["one process", "workers"])
def test_github_shows_a_failure_beside_the_code_and_nothing_that_is_expected(run, monkeypatch, workers):
    if workers:
        pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    expected = 'expected_failures={"Wrong-sizes": "doubled"}'
    arguments = ["-k", "values-exact or sizes", "--backproof-seed", "3", *workers]
    done = run(decorated(f"[RIGHT, WRONG], {expected}, **QUICK"), *arguments)
    found = [line for line in done.stdout.lines if line.startswith("::error ")]
    line = done.file.read_text().partition("\nWRONG")[0].count("\n") + 2
    assert {text.partition("::failed")[0] for text in found} == {
        f"::error file={done.file.name},line={line},title=Wrong%3A {check}%2C float64" for check in ("values",)
    }
    assert "%0A  cause: dinputs: " in found[0]
    assert "%0Aand in 1 more tests%0A" in found[0]
    assert "--backproof-seed 3" in found[0]


def test_elsewhere_nothing_is_annotated(run):
    assert "::error" not in run(decorated("[WRONG], **QUICK"), "-k", "values-exact").stdout.str()


def test_an_oracle_that_cannot_run_skips_visibly(run):
    source = """
import oracles.sources.registry
oracles.sources.registry.missing = lambda name: name if name in ("torch", "jax") else None
"""
    done = run(source + decorated("[RIGHT], max_examples=5"), "-rs", "-k", "Right-values")
    outcomes = done.parseoutcomes()
    assert outcomes["skipped"] >= 2
    done.stdout.fnmatch_lines(["*jax unavailable*", "SKIPPED*jax: jax is not installed; install it with: pip install*"])


def test_oracle_leaves_the_ids_of_others_out(run):
    done = run(decorated("[RIGHT], max_examples=5"), "--oracle", "finite_difference", "--collect-only", "-q")
    assert "Right-values-finite_difference" in done.stdout.str()
    assert "Right-values-exact" not in done.stdout.str()
    assert "Right-layouts-exact" in done.stdout.str()


def test_a_case_is_pinned_and_judged(run):
    done = run(decorated("[RIGHT, WRONG], examples=[Case('relu', [[1.0]], [1.0])], **QUICK"), "-k", "example0")
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["FAILED *Wrong-example0-exact*"])


def test_a_failing_case_is_tried_first_in_the_next_run(run, pytester):
    done = run(decorated("[WRONG], **QUICK"), "-k", "special_values", "--backproof-examples", "60")
    done.assert_outcomes(failed=1)
    assert (pytester.path / ".hypothesis" / "examples").is_dir()
    again = run(decorated("[WRONG], **QUICK"), "-k", "special_values", "--backproof-examples", "1")
    again.assert_outcomes(failed=1)
    again.stdout.fnmatch_lines(["E * kept from an earlier run*"])
    run(decorated("[REPAIRED], **QUICK"), "-k", "special_values").assert_outcomes(passed=1)
    assert not list((pytester.path / ".hypothesis" / "examples").rglob("*/*"))


def test_workers_have_the_same_ids_and_seed_and_print_one_table(run):
    pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    done = run(decorated("[RIGHT, WRONG], **QUICK"), "-n", "2")
    text = done.stdout.str()
    assert "Different tests were collected" not in text
    assert text.count("worst |error| / certified bound") == 1
    assert len({seeds.strip() for seeds in re.findall(r"seed ([\d, ]+)", text)}) == 1
    assert done.parseoutcomes()["passed"] >= 9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--oracle", "caffe"], "--oracle: expected one of exact, finite_difference, jax, torch, got 'caffe'"),
        (["--device", "tpu"], "--device: expected one of cpu, cuda, got 'tpu'"),
        (["--backproof-examples", "0"], "--backproof-examples: expected a positive number, got 0"),
        (["--backproof-seed", "many"], "argument --backproof-seed: invalid int value: 'many'"),
    ],
)
def test_unknown_values_are_misuse(pytester, run, arguments, message):
    done = run(decorated("[RIGHT], **QUICK"), *arguments)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert message in done.stderr.str()
    assert "Traceback" not in done.stderr.str()


def test_options_of_a_conftest_come_first(run, pytester):
    pytester.makeconftest("def pytest_addoption(parser):\n    parser.addoption('--device', choices=['tpu'])\n")
    done = run(decorated("[RIGHT], **QUICK"), "--device", "tpu", "--backproof-device", "cpu", "-k", "sizes")
    done.assert_outcomes(passed=1)


UNRELATED = """
import sys, time

def test_nothing_is_loaded(pytestconfig):
    assert pytestconfig.pluginmanager.hasplugin("backproof-session")
    heavy = {"numpy", "hypothesis", "torch", "jax", "rich", "click", "flint", "reference", "oracles.claims"}
    assert not heavy & set(sys.modules)
"""


def test_a_run_that_has_nothing_to_do_with_it_loads_and_prints_nothing(pytester, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    pytester.makepyfile(UNRELATED)
    done = pytester.runpytest_subprocess(*PLUGIN)
    done.assert_outcomes(passed=1)
    assert "backproof" not in re.sub(r"plugins: .*", "", done.stdout.str())
    assert not re.search(r"seed|margin|certified", done.stdout.str())


def test_that_check_can_fail(pytester, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    pytester.makepyfile("import reference\n" + UNRELATED)
    pytester.runpytest_subprocess(*PLUGIN).assert_outcomes(failed=1)


def test_the_plugin_is_an_entry_point():
    text = (Path(__file__).parents[3] / "pyproject.toml").read_text()
    assert '[project.entry-points.pytest11]\nbackproof = "oracles.runs.pytest_plugin"\n' in text
