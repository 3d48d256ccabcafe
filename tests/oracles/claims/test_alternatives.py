import numpy as np
import pytest

from oracles import Case, Result, load
from oracles.claims.alternatives import alternatives
from oracles.claims.truth import Truth
from oracles.sources.registry import OracleUnavailable
from reference.nnfs import Loss_CategoricalCrossentropy

NAN, INF = np.nan, np.inf
ONES = np.ones(3, np.float32)

CASES = {
    "torch: relu'(NaN) = 1": (Case("relu", [np.array([NAN, 1, 2], np.float32)], ONES), "torch"),
    "jax: relu'(subnormal) = 0": (Case("relu", [np.array([1e-40, 1, 2], np.float32)], ONES), "jax"),
    "torch and jax: 0 times log 0 is NaN in a loss on rows of weights": (
        Case("softmax_cross_entropy", [[[-INF, 0.0, 0.0]], [[0.0, 1.0, 0.0]]], 1.0),
        "torch",
    ),
    "the book: probabilities clipped to [1e-7, 1 - 1e-7]": (
        Case("cross_entropy", [[[1.0, 1e-9]], [1]], 1.0),
        "the book",
    ),
    "0 for the mean loss of no samples": (Case("cross_entropy", [np.zeros((0, 2)), []], 1.0), "some"),
    "jax: half the gradient at a bound of clip": (
        Case("cross_entropy", [[[0.25, 0.5]], [[1.0, 1.0]]], 1.0, {"clip": 0.25}),
        "jax",
    ),
    "torch 2.15: no gradient at a bound of clip": (
        Case("cross_entropy", [[[0.25, 0.5]], [[1.0, 1.0]]], 1.0, {"clip": 0.25}),
        "torch 2.15",
    ),
}


def named(name, case, book):
    (found,) = [a for a in alternatives(case, book=book) if a.name == name]
    return found


@pytest.mark.parametrize("name", CASES)
def test_each_alternative_is_what_a_framework_does(name):
    case, follower = CASES[name]
    book = follower == "the book"
    assert named(name, case, book).where.any()
    if follower == "the book":
        result = Result(
            Loss_CategoricalCrossentropy().calculate(*case.primals.values()), load("exact").vjp(case).gradients
        )
    elif follower == "some":
        result = Result(np.array(0.0), load("exact").vjp(case).gradients)
    elif follower == "torch 2.15":  # recorded/torch-2.15.0.json says so of clamp
        exact = load("exact").vjp(case)
        result = Result(exact.output, {"probabilities": exact.gradients["probabilities"] * [0, 1]})
    else:
        try:
            result = load(follower).vjp(case)
        except OracleUnavailable as reason:
            pytest.skip(str(reason))
    judged = Truth.of(case, book=book).judge(result)
    assert all(c.passed for c in judged.values())
    assert name in {convention for c in judged.values() for convention in c.conventions}


@pytest.mark.parametrize("name", CASES)
def test_neither_choice_is_anything(name):
    case, follower = CASES[name]
    book = follower == "the book"
    exact = load("exact").vjp(case)
    alternative = named(name, case, book)
    results = {key: value.copy() for key, value in exact.named().items()}
    results[alternative.result][alternative.where] = 0.3
    wrong = Result(results.pop("output"), {k[1:]: v for k, v in results.items()})
    assert not all(c.passed for c in Truth.of(case, book=book).judge(wrong).values())


def test_ordinary_cases_have_none():
    assert alternatives(Case("relu", [np.array([1.0, -2.0])], np.ones(2))) == ()


def test_clipping_is_the_books_alone():
    case, _ = CASES["the book: probabilities clipped to [1e-7, 1 - 1e-7]"]
    assert alternatives(case) == ()


def test_a_negative_subnormal_may_be_the_larger_of_two_zeros():
    case = Case("relu", [np.array([-5e-309, -1.0, 5e-309])], np.ones(3))
    (found,) = [a for a in alternatives(case) if a.result == "output"]
    assert found.where.tolist() == [True, False, False]
    assert (found.values[0], found.by) == (-5e-309, ("jax",))
