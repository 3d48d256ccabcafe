from dataclasses import replace

import numpy as np
import pytest

import oracles.claims.truth as truth_module
from oracles import Case, InputError, Result, load
from oracles.claims.truth import Truth


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


class TestInFloat64:
    case = Case("softmax", {"inputs": np.array([1, 2], np.float32)}, np.array([3, 4], np.float32))

    def test_it_decides_what_passes(self, monkeypatch):
        monkeypatch.setattr(truth_module, "enclose", lambda *a, **b: pytest.fail("balls were not needed"))
        exact = np.exp([1.0, 2.0]) / np.exp([1.0, 2.0]).sum()
        dinputs = exact * ([3.0, 4.0] - (exact * [3.0, 4.0]).sum())
        truth = Truth.of(self.case)
        judged = truth.judge(Result(exact.astype(np.float32), {"inputs": dinputs.astype(np.float32)}))
        assert not truth.in_balls
        assert all(c.passed and 0 < c.margin < 0.5 for c in judged.values())

    def test_what_fails_is_judged_in_balls(self):
        truth = Truth.of(self.case)
        blunt = {n: replace(e, value=e.value + 1.0) for n, e in truth.enclosures.items()}
        right = load("exact").vjp(self.case)
        assert all(c.passed for c in replace(truth, enclosures=blunt).judge(right).values())
        wrong = Result(right.output + 1, right.gradients)
        judged = truth.judge(wrong)["output"]
        assert not judged.passed
        assert judged.expected == load("exact").vjp(Case("softmax", [[1.0, 2.0]], [3.0, 4.0])).output[0]

    def test_where_it_is_no_sharper_than_the_bound_balls_decide(self):
        assert Truth.of(Case("softmax", {"inputs": np.array([1e30, 1], np.float32)}, np.ones(2, np.float32))).in_balls

    def test_the_final_truth_is_in_balls(self):
        final = Truth.of(self.case).final()
        assert final.in_balls
        assert final.final() is final
        assert final.enclosures["output"].residual.any()
