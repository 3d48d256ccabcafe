"""What a Disagreement says of itself: its symptom, and the case before it was made small."""

import numpy as np
import pytest

from oracles import Case
from oracles.candidates.gpu_lost import Lost
from oracles.claims.disagreement import Disagreement, Kind, of_lost, raising_is_wrong

CASE = Case("relu", [np.ones((1, 2))], np.ones((1, 2)))


def test_what_a_pass_raises_is_a_finding_that_says_where():
    with pytest.raises(Disagreement, match="raised ZeroDivisionError") as caught, raising_is_wrong(CASE):
        _ = 1 // 0
    found = caught.value
    assert found.kind is Kind.RAISED
    kind, error, where = found.symptom
    assert (kind, error) == ("raised", "ZeroDivisionError")
    assert where.startswith("test_disagreement.py:")


def test_a_symptom_is_plain_text_of_what_is_wrong():
    found = Disagreement(CASE, "overwrote", kind=Kind.ARGUMENT, names=["inputs"])
    assert found.symptom == ("argument", "inputs")
    assert found.shown()["symptom"] == found.symptom
    assert found.origin is CASE


@pytest.mark.parametrize(("noticed", "kind"), [(True, Kind.GONE), (False, Kind.LOST)])
def test_a_gpu_that_was_lost_before_is_told_from_one_that_this_call_lost(noticed, kind):
    assert of_lost(Lost(CASE, "no more", noticed=noticed)).kind is kind
