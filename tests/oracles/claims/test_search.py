import itertools

from oracles.cases.frames import Frame
from oracles.claims.disagreement import Disagreement
from oracles.claims.search import shrunk, try_cases

FRAME = Frame("relu", (5, 7))


def wrong_when(condition):
    def judge(case):
        if condition(case):
            raise Disagreement(case, "wrong", 2.0)

    return judge


def test_what_holds_is_tried_as_often_as_asked():
    tried, found = try_cases(lambda case: None, FRAME, "float32", 25, 0)
    assert (tried, found) == (25, None)


def test_the_first_case_that_does_not_hold_is_kept_and_shrunk():
    judge = wrong_when(lambda case: (case.primals["inputs"] == 1).any())
    tried, found = try_cases(judge, FRAME, "float32", 25, 0)
    assert 0 < tried <= 25
    small = shrunk(judge, found)
    assert small.case.primals["inputs"].tolist() == [[1.0]]
    assert small.message == "wrong"


def test_a_seed_decides_the_cases():
    def seen(seed):
        cases = []
        try_cases(cases.append, FRAME, "float32", 5, seed)
        return cases

    assert seen(1) == seen(1)
    assert seen(1) != seen(2)


def test_a_failure_that_does_not_come_again_is_still_found():
    calls = itertools.count()
    judge = wrong_when(lambda case: next(calls) == 3)
    tried, found = try_cases(judge, FRAME, "float32", 25, 0)
    assert tried == 4
    assert shrunk(judge, found) is found


def test_shrinking_keeps_to_what_is_admitted():
    judge = wrong_when(lambda case: True)
    _, found = try_cases(judge, FRAME, "float32", 1, 0)
    small = shrunk(judge, found, lambda case: case.primals["inputs"].shape[0] == 5)
    assert small.case.primals["inputs"].shape == (5, 1)
