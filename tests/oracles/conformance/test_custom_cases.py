import numpy as np
import pytest
from hypothesis import find
from hypothesis import strategies as st

from oracles import CustomOp, InputError
from oracles.conformance.cases import Variety, cases
from oracles.conformance.custom_cases import own_frame


def first(op, dtype="float32", **variety):
    frame = own_frame(op, lambda arrays: arrays[op.primals[0]].shape)
    return find(cases(op.name, dtype, frames=[frame], variety=Variety(**variety)), lambda case: True)


def test_floats_take_the_dtype_and_integers_stay():
    drawn = st.just({"x": np.ones((2, 2)), "at": np.array([1, 0])})
    case = first(CustomOp("mixed", ["x", "at"], drawn, differentiable=["x"]))
    assert [a.dtype.name for a in case.primals.values()] == ["float32", "int64"]
    assert case.cotangent.shape == (2, 2)


def test_a_cotangent_that_is_given_is_kept():
    case = first(CustomOp("pair", ["x"], st.just(({"x": np.ones(2)}, np.array([3.0, 4.0])))))
    assert case.cotangent.tolist() == [3.0, 4.0]


@pytest.mark.parametrize("drawn", [np.ones(3), {"y": np.ones(3)}, {"x": "text"}, {"x": np.array([1])}])
def test_what_is_no_case_is_refused(drawn):
    with pytest.raises(InputError, match=r"cases|primals|x"):
        first(CustomOp("refused", ["x"], st.just(drawn)))
