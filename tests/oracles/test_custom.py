import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import strategies as st

from oracles import Case, CustomOp, InputError, Layer

ONES = st.just({"x": np.ones(3)})


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: CustomOp("relu", ["x"], ONES), "relu is an op of the suite"),
        (lambda: CustomOp("not a name", ["x"], ONES), "not a name"),
        (lambda: CustomOp("mine", "x", ONES), "sequence of names"),
        (lambda: CustomOp("mine", ["x", "targets"], ONES), "targets"),
        (lambda: CustomOp("mine", ["x"], ONES, differentiable=["y"]), "'y'"),
        (lambda: CustomOp("mine", ["x"], ONES, tensorflow=abs), "tensorflow: no framework"),
        (lambda: CustomOp("mine", ["x"], ONES, exact=abs), "exact: no framework"),
        (lambda: CustomOp("mine", ["x"], ONES, torch=3), "expected a function"),
        (lambda: CustomOp("mine", ["x"], [np.ones(3)]), "strategy"),
        (lambda: Layer.from_class(CustomOp("mine", ["x"], ONES), dict), "no interface for mine"),
    ],
)
def test_what_makes_no_op_is_refused_with_the_value(make, said):
    with pytest.raises(InputError, match=said):
        make()


def test_a_name_keeps_its_primals():
    CustomOp("kept", ["x"], ONES)
    assert CustomOp("kept", ["x"], ONES).primals == ("x",)
    with pytest.raises(InputError, match="kept was declared with the primals x"):
        CustomOp("kept", ["x", "y"], ONES)


def test_a_layer_names_the_op_or_holds_it():
    op = CustomOp("held", ["x"], ONES)
    for given in (op, "held"):
        layer = Layer(given, forward=np.tanh, vjp=lambda g, x: g)
        assert (layer.op, layer.custom) == ("held", op)


def test_a_case_prints_and_travels():
    CustomOp("travels", ["x", "at"], ONES, differentiable=["x"])
    case = Case("travels", {"x": np.ones(2, np.float32), "at": [1, 0]}, np.ones(1, np.float32))
    names = {}
    exec("from oracles.case import *", names)
    assert eval(repr(case), names) == case
    assert Case.from_json(case.to_json()) == case


def test_a_case_is_read_where_its_op_is_not_declared_but_not_made_there(tmp_path):
    CustomOp("elsewhere", ["x"], ONES)
    path = tmp_path / "case.json"
    Case("elsewhere", [np.ones(2)], np.ones(2)).save(path)
    code = f"from oracles import Case; print(Case.load({str(path)!r}).signature); Case('elsewhere', [[1.0]], [1.0])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "<op elsewhere(x) -> output>" in done.stdout
    assert "InputError" in done.stderr
    assert "known once the code that declares it has run" in done.stderr
    data = json.loads(path.read_text()) | {"differentiable": ["y"]}
    with pytest.raises(InputError, match="differentiable"):
        Case.from_json(json.dumps(data))
