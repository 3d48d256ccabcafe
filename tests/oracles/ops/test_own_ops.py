import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import strategies as st

from oracles import Case, InputError, Layer, Op, booleans, ids

ONES = st.just({"x": np.ones(3)})


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: layer_of(Op("relu(x) -> output", cases=ONES)), "relu is an op of the suite"),
        (lambda: Op("not a name(x) -> output", cases=ONES), "not a name"),
        (lambda: Op("mine(x) -> output"), "does not say the axes of x; say them, or give cases="),
        (lambda: Op("mine(x[N], cotangent[N]) -> output[N]"), "the cotangent comes with each output"),
        (lambda: Op("mine(x[N]) -> output[N]", domains={"y": booleans}), "'y'"),
        (lambda: Op("mine(x[N]) -> output[N]", domains={"x": booleans}), "mine has no primal with a gradient"),
        (lambda: layer_of(Op("mine(x[N]) -> output[N]", tensorflow=abs)), "tensorflow: no framework"),
        (lambda: layer_of(Op("mine(x[N]) -> output[N]", exact=abs)), "exact: no framework"),
        (lambda: Op("mine(x[N]) -> output[N]", torch=3), "expected a function or its dotted name, got 3"),
        (lambda: Op("mine(x) -> output", cases=[np.ones(3)]), "strategy"),
        (lambda: Op("mine(x[N]) -> output[N]", torch="torch.nn.functional.gelo").function_in("torch"), "gelu"),
        (lambda: Op("mine(x[N]) -> output[N]", torch="nowhere.gelu").function_in("torch"), "no module 'nowhere'"),
    ],
)
def test_what_makes_no_op_is_refused_with_the_value(make, said):
    if "torch.nn" in said or "gelu" in said:
        pytest.importorskip("torch")
    with pytest.raises(InputError, match=said):
        make()


def layer_of(op):
    return Layer(op, forward=np.tanh, vjp=lambda g, x: g)


def test_a_name_keeps_its_primals():
    layer_of(Op("kept(x) -> output", cases=ONES))
    assert layer_of(Op("kept(x) -> output", cases=ONES)).declaration.primals == ("x",)
    with pytest.raises(InputError, match="kept was declared with the primals x"):
        layer_of(Op("kept(x, y) -> output", cases=ONES))


def test_a_layer_names_the_op_or_holds_it():
    op = Op("held(x) -> output", cases=ONES)
    for given in (op, "held"):
        layer = layer_of(given)
        assert (layer.op, layer.declaration) == ("held", op)


def test_a_case_prints_and_travels():
    layer_of(Op("travels(x, at) -> output", cases=ONES, domains={"at": ids("N")}))
    case = Case("travels", {"x": np.ones(2, np.float32), "at": [1, 0]}, np.ones(1, np.float32))
    names = {}
    exec("from oracles.data.case import *", names)
    assert eval(repr(case), names) == case
    assert Case.from_json(case.to_json()) == case


def test_a_case_is_read_where_its_op_is_not_declared_but_not_made_there(tmp_path):
    layer_of(Op("elsewhere(x) -> output", cases=ONES))
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
