"""The runs a diagnosis is made from: wrong and right ones, of several sizes."""

import numpy as np

from oracles import Case, Layer
from oracles.candidates.layer import reference_layer
from oracles.causes.evidence import Evidence, gather
from oracles.causes.telling_cases import plain_case
from oracles.claims.checks import CHECKS
from oracles.runs.trial import search

WRONG = Layer("relu", forward=lambda x: np.maximum(x, 0), vjp=lambda g, x: np.where(x >= 0, g, 0), name="leaks")
CASE = Case("relu", [np.array([0.0, 1.0, -1.0])], np.array([2.0, 3.0, 4.0]))


def test_a_run_says_which_elements_are_wrong():
    run = Evidence.of(WRONG, CASE)
    assert run.wrong("dinputs").tolist() == [True, False, False]
    assert not run.wrong("output").any()
    assert run.computed("dinputs").tolist() == [2.0, 3.0, 0.0]
    assert run.expected("dinputs").tolist() == [0.0, 3.0, 0.0]


def test_a_run_that_raises_has_no_results():
    def broken(g, x):
        raise KeyError("weights")

    run = Evidence.of(Layer("relu", forward=lambda x: x, vjp=broken), CASE)
    assert run.raised == "raised KeyError: 'weights'"
    assert not run.actual
    assert not run.wrong("dinputs").any()


def test_an_accepted_alternative_is_not_wrong():
    """relu'(NaN) may be 1, as in torch."""
    torch_like = Layer("relu", forward=lambda x: np.maximum(x, 0), vjp=lambda g, x: np.where(x <= 0, 0, g))
    case = Case("relu", [np.array([np.nan, 1.0])], np.array([2.0, 3.0]))
    assert not Evidence.of(torch_like, case).wrong("dinputs").any()


def test_a_result_of_another_shape_is_wrong_everywhere():
    flat = Layer("relu", forward=lambda x: np.maximum(x, 0), vjp=lambda g, x: np.zeros((1, 3)))
    assert Evidence.of(flat, CASE).wrong("dinputs").all()


def test_runs_are_gathered_that_are_wrong_and_that_are_right():
    values = next(check for check in CHECKS if check.name == "values")
    found = search(values, WRONG, "float64", 60, seed=1)
    runs = gather(WRONG, values, found, "float64", 1)
    wrong = [run.wrong("dinputs").any() for run in runs]
    assert any(wrong)
    assert not all(wrong)
    assert len({run.first.shape for run in runs}) > 4


def test_the_sizes_of_a_case_have_letters():
    run = Evidence.of(reference_layer("dense"), plain_case(reference_layer("dense"), "float64"))
    assert run.sizes == {"N": 5, "K": 3, "M": 4}
    assert run.size("N*M") == 20
    assert run.axes("dweights") == ("K", "M")
