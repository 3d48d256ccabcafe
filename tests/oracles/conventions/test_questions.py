import numpy as np
import pytest

from oracles.cases.generation import DTYPES
from oracles.conventions.answers import key
from oracles.conventions.questions import FUNCTIONS, PROBES, shown


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("probe", PROBES, ids=key)
def test_a_question_is_a_case_of_its_op_in_every_dtype(probe, dtype):
    case = probe.case(dtype)
    assert case.op == probe.op
    assert case.dtype.name == dtype
    assert probe.why


def test_questions_have_names_of_their_own():
    names = [key(p) for p in (*PROBES, *FUNCTIONS)]
    assert len(set(names)) == len(names)


def test_rounding_is_no_change_but_another_value_is():
    assert shown(np.array([0.333333, -0.0])) == shown(np.array([0.3334, 0.0])) == "0.33, 0"
    assert shown(np.array([0.5])) != shown(np.array([1.0]))
    assert shown(np.array([np.nan, -np.inf])) == "nan, -inf"
