import subprocess
import sys
import textwrap
from io import StringIO

import numpy as np
import pytest
from failures import assert_fails_alone, assert_fits
from own_ops import installed, layer_of, swish_vjp
from rich.console import Console

from oracles import InputError, check_layer, parametrize_with_checks
from oracles.candidates.target import Target
from oracles.reports.bugs import bugs
from oracles.reports.tables import margins_table
from oracles.runs.isolated import check_isolated


def test_without_a_primal_the_report_speaks_of_self_consistency():
    report = check_layer(layer_of("swish"), max_examples=5, seed=0)
    assert report.passed, str(report)
    assert "self-consistency" in report.title
    assert "a gradient that agrees with a wrong forward passes" in report.notes[0]
    assert {v.oracle for v in report.verdicts} == {"itself"}
    assert report.truth == "its own forward pass"
    assert {v.check for v in report.of_status("skipped")} == {"sizes", "special_values"}


def test_with_a_primal_it_names_the_framework_and_says_that_bounds_are_estimated():
    if installed("torch"):
        pytest.skip(installed("torch"))
    report = check_layer(layer_of("swish", "torch"), max_examples=5, seed=0)
    assert report.passed, str(report)
    assert {v.oracle for v in report.verdicts} == {"torch"}
    assert any("estimated, not derived: swish_here has no definition" in note for note in report.notes)
    assert report.truth == "torch in float64"
    shown = StringIO()
    Console(file=shown, width=120).print(margins_table(report.margins, truth=report.truth))
    assert "worst |error| / estimated bound, against torch in float64" in " ".join(shown.getvalue().split())
    assert "exact value" not in report.to_json()
    with pytest.raises(InputError, match="no definition, and functions in torch, got 'jax'"):
        check_layer(layer_of("swish", "torch"), oracles=["jax"])


@pytest.mark.parametrize(
    ("vjp", "cause"),
    [
        (lambda g, x: 2 * swish_vjp(g, x), "scaled by 2"),
        (lambda g, x: np.zeros_like(x), "all zero"),
        (lambda g, x: swish_vjp(np.ones_like(g), x), "cotangent ignored"),
        (lambda g, x: np.multiply(g, swish_vjp(1, x), out=g), "overwrote its argument cotangent"),
    ],
)
def test_causes_of_ops_nobody_knows(vjp, cause):
    if installed("torch"):
        pytest.skip(installed("torch"))
    report = check_layer(layer_of("swish", "torch", vjp=vjp), dtypes=["float32"], max_examples=10, seed=0)
    assert any(cause in v.cause for v in report.failures), str(report)
    for failure in bug_firsts(report):
        assert_fits(failure)
        assert_fails_alone(failure)


def bug_firsts(report):
    return [bug[0] for bug in bugs(report.failures)]


def test_one_id_an_oracle():
    if installed("torch", "jax"):
        pytest.skip(installed("torch", "jax"))
    marked = parametrize_with_checks([layer_of("swish", "torch", "jax")])
    ids = [p.id for p in marked.args[1]]
    assert {"swish-values-torch", "swish-values-jax"} <= set(ids)


def test_one_id_where_there_is_no_oracle():
    marked = parametrize_with_checks([layer_of("swish")], max_examples=3)
    checks = {p.id: p.values[0] for p in marked.args[1]}
    checks["swish-values-itself"]()
    with pytest.raises(pytest.skip.Exception, match="up to its own cases"):
        checks["swish-sizes-itself"]()


MODULE = """
import numpy as np
from hypothesis import strategies as st
from oracles import Op, Layer
cube = Op("cube(x) -> output", cases=st.integers(1, 9).map(lambda n: {"x": np.full(2, n / 2)}))
wrong = Layer(cube, forward=lambda x: x**3, vjp=lambda g, x: 2 * g * x**2)
"""


def test_a_layer_in_a_process_of_its_own_and_its_failure_again(tmp_path):
    (tmp_path / "cubes.py").write_text(textwrap.dedent(MODULE))
    report = check_isolated(Target(f"{tmp_path}/cubes.py:wrong"), max_examples=5, seed=0)
    assert not report.passed
    assert report.failures[0].case.op == "cube"  # which this process has not declared
    command = [sys.executable, "-m", "oracles.cli.main"]
    done = subprocess.run(
        [
            *command,
            "check",
            f"{tmp_path}/cubes.py:wrong",
            "--examples",
            "25",
            "--seed",
            "0",
            "--save-cases",
            str(tmp_path / "failed"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    saved = next((tmp_path / "failed").glob("*values-float64.json"))
    again = subprocess.run([*command, "replay", str(saved)], capture_output=True, text=True, check=False)
    assert again.returncode == 1, again.stdout + again.stderr
    case = tmp_path / "case.json"
    report.failures[0].case.save(case)
    bare = subprocess.run([*command, "replay", str(case)], capture_output=True, text=True, check=False)
    assert bare.returncode == 2
    assert "op: expected one of" in bare.stderr
    assert "Traceback" not in bare.stderr
