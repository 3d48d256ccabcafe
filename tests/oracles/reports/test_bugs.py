"""A bug is told once, in lines that fit a terminal, whatever the candidate says and however large the case is."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles import Case, Layer, Recipe, check_layer
from oracles.causes.diagnose import UNEXPLAINED, Diagnosis
from oracles.claims.checks import CHECKS
from oracles.claims.disagreement import Disagreement, Kind
from oracles.claims.verdicts import Verdict
from oracles.reports.bugs import LINES, WIDTH, bug_text, bugs, claims, dispute_text, whole

CASE = Case("relu", {"inputs": [0.0]}, [1.0])
FAILED = Verdict(
    "values", "relu", "mine", "exact", "float32", "failed", np.inf, "leaks", "dinputs: wrong", CASE, snippet="assert 0"
)


def fits(text, width=WIDTH):
    return len(text.splitlines()) <= LINES and max(map(len, text.splitlines())) <= width


def test_one_cause_is_one_bug_whichever_claims_and_dtypes_show_it():
    seen = [replace(FAILED, check=c, dtype=d) for c in ("values", "sizes") for d in ("float32", "float64")]
    twice = [replace(v, oracle=name) for v in seen for name in ("torch", "jax")]
    (bug,) = bugs(twice)
    assert claims(bug[1:]) == "values (float64), sizes (float32, float64)"
    assert len(bugs([*seen, replace(FAILED, check="dtypes", cause="another")])) == 2


def test_a_shape_that_is_wrong_is_one_bug_whatever_the_sizes():
    causes = [f"dinputs: shape ({n}, {n}) in the place of ({n}, 1)" for n in (2, 3)]
    causes += ["dinputs: shape (4,) in the place of (1, 4), with the right values"]
    assert [len(bug) for bug in bugs([replace(FAILED, cause=c, check=c) for c in causes])] == [2, 1]


def test_without_a_cause_the_same_result_wrong_is_one_bug():
    def unexplained(result, message, dtype="float32"):
        return replace(
            FAILED, cause="unexplained", message=message, symptom=("value", result), dtype=dtype, check=message
        )

    found = bugs([unexplained("dx", "1 of 2"), unexplained("dx", "3 of 9", "float64"), unexplained("output", "2 of 2")])
    assert [len(bug) for bug in found] == [2, 1]


def test_what_raises_is_told_apart_by_what_and_where():
    def raises(where):
        def vjp(g, x):
            if where(x):
                raise ValueError(f"shape {x.shape}")
            return np.where(x > 0, g, 0) if x.flags.writeable else int("none")

        return Layer("relu", forward=lambda x: np.maximum(x, 0), vjp=vjp, name="mine")

    report = check_layer(raises(lambda x: x.size == 0), dtypes=["float32", "float64"], oracles=["exact"], seed=1)
    found = bugs(report.failures)
    assert {bug[0].symptom[:2] for bug in found} <= {("raised", "ValueError")}
    assert len(found) == 2
    assert all(bug[0].symptom[2].startswith("test_bugs.py:") for bug in found)


def test_a_small_case_is_code_in_a_line():
    assert bug_text([FAILED]).splitlines() == [
        "failed: mine, values, float32: dinputs: wrong",
        "  cause: leaks",
        f"  case: {CASE!r}",
    ]
    assert whole(FAILED).splitlines()[-1] == "assert 0"


@pytest.mark.parametrize("shape", [(3, 40), (64, 70), (1000, 300)])
def test_a_large_case_is_cut_and_never_base64(shape):
    rng = np.random.default_rng(0)
    case = Case("relu", [rng.standard_normal(shape)], rng.standard_normal(shape))
    text = bug_text([replace(FAILED, case=case, earlier=(case, case))])
    assert fits(text)
    assert "packed(" not in text
    assert f"<float64 {shape}: 0.12573022" in text


def test_an_array_with_a_recipe_is_shown_by_it():
    case = Case("relu", [Recipe("uniform", (64, 70), "float32", seed=7)], Recipe("ones", (64, 70), "float32", seed=1))
    text = bug_text([replace(FAILED, case=case)])
    assert fits(text)
    assert "Recipe('uniform', (64, 70), 'float32', seed=7)" in text


def test_a_dispute_fits_as_well():
    case = Case("relu", [np.linspace(0, 1, 70)], np.linspace(0, 1, 70))
    disputed = replace(FAILED, status="disputed", oracle="jax", message="output: off by much " * 9, case=case)
    assert fits(dispute_text(disputed))
    assert fits(dispute_text(disputed, width=110), 110)


def test_a_layout_is_told_where_the_array_is_cut():
    wide = np.arange(400.0).reshape(20, 20).T
    assert "(20, 20), strides (1, 20): 0.0, 20.0" in bug_text([replace(FAILED, case=Case("relu", [wide], wide))])


@given(st.text(max_size=2000), st.text(max_size=500), st.integers(0, 6))
def test_whatever_is_said_it_fits(message, cause, earlier):
    odd = Case("relu", [np.linspace(0, 1, 300)], np.ones(300))
    verdict = replace(FAILED, message=message, cause=cause, case=odd, earlier=(odd,) * earlier)
    assert fits(bug_text([verdict]))
    assert fits(bug_text([verdict], width=100, after=20), 100)


def softmax(x, keepdims=True):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=keepdims)


def softmax_vjp(g, x, keepdims=True):
    s = softmax(x)
    return s * (g - (g * s).sum(axis=-1, keepdims=keepdims))


@pytest.mark.parametrize(
    ("result", "layer"),
    [
        ("dinputs", Layer("softmax", forward=softmax, vjp=lambda g, x: softmax_vjp(g, x, keepdims=False))),
        ("output", Layer("softmax", forward=lambda x: softmax(x, keepdims=False), vjp=softmax_vjp)),
    ],
)
def test_a_result_of_another_shape_is_one_bug_whether_or_not_larger_cases_raise(result, layer):
    """Where keepdims is forgotten it broadcasts with as many rows as columns, or one column, and raises elsewhere."""
    report = check_layer(layer, dtypes=["float64"], max_examples=20, seed=1)
    assert {v.check for v in report.failures} >= {"values", "sizes", "special_values", "dtypes", "repeatable"}
    (bug,) = bugs(report.failures)
    assert {"raised" in v.message for v in bug} == {True, False}
    assert all(v.cause.startswith(f"{result}: shape (") for v in bug)


def test_what_raises_for_its_shapes_is_told_by_the_case_that_does_not():
    (check,) = (c for c in CHECKS if c.name == "dtypes")  # alone, as a test of pytest is
    layer = Layer("softmax", forward=softmax, vjp=lambda g, x: softmax_vjp(g, x, keepdims=False))
    found = Disagreement(
        Case("softmax", {"inputs": np.zeros((2, 3))}, np.ones((2, 3))), "raised ValueError: no", kind=Kind.RAISED
    )
    assert Diagnosis(layer, 0).of(check, found, "float64") == "dinputs: shape (5, 5) in the place of (5, 1)"
    refuses = Layer("softmax", forward=softmax, vjp=lambda g, x: softmax_vjp(g, x)[[9]])
    assert Diagnosis(refuses, 0).of(check, found, "float64") == UNEXPLAINED
