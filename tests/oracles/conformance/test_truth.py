import numpy as np
import pytest

import oracles.conformance.truth as truth_module
from oracles import Case, InputError, Result, load
from oracles.conformance.truth import Truth


def test_precision_is_raised_until_the_truth_is_sharp(monkeypatch):
    asked = []
    original = truth_module.enclose

    def blunt(case, *, precision):
        asked.append(precision)
        return original(case, precision=60 if precision == 160 else precision)

    monkeypatch.setattr(truth_module, "enclose", blunt)
    Truth.of(Case("softmax", {"inputs": [1.0, 2.0]}, [1.0, 2.0]))
    assert asked == [160, 640]


def test_every_result_is_judged_under_its_name():
    case = Case("dense", [np.ones((2, 3)), np.ones((3, 2)), np.ones((1, 2))], np.ones((2, 2)))
    judged = Truth.of(case).judge(load("exact").vjp(case))
    assert list(judged) == ["output", "dinputs", "dweights", "dbiases"]
    assert all(c.passed and c.margin <= 0.5 for c in judged.values())


@pytest.mark.parametrize(
    ("output", "gradients", "message"),
    [
        (np.ones(2), {}, "result: expected output, dinputs, got output"),
        (np.ones(2), {"dinputs": np.ones(2)}, "result: expected output, dinputs, got output, ddinputs"),
        ([1.0, 1.0], {"inputs": np.ones(2)}, "output: expected an array of real numbers, got list"),
        (np.ones(2), {"inputs": np.ones(2) + 1j}, "dinputs: expected an array of real numbers"),
    ],
)
def test_a_result_that_is_not_whole_is_refused(output, gradients, message):
    with pytest.raises(InputError, match=message):
        Truth.of(Case("relu", {"inputs": [1.0, 2.0]}, [1.0, 1.0])).judge(Result(output, gradients))


def test_a_wrong_result_is_named_and_the_others_are_not():
    case = Case("relu", {"inputs": [1.0, 2.0]}, [1.0, 1.0])
    judged = Truth.of(case).judge(Result(np.array([1.0, 2.0]), {"inputs": np.array([1.0, 0.0])}))
    assert judged["output"].passed
    assert not judged["dinputs"].passed
