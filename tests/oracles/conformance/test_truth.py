import numpy as np

import oracles.conformance.truth as truth_module
from oracles import Case, Result, load
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


def test_a_wrong_result_is_named_and_the_others_are_not():
    case = Case("relu", {"inputs": [1.0, 2.0]}, [1.0, 1.0])
    judged = Truth.of(case).judge(Result(np.array([1.0, 2.0]), {"inputs": np.array([1.0, 0.0])}))
    assert judged["output"].passed
    assert not judged["dinputs"].passed
