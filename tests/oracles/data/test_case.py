import json
import pickle
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oracles.data.case
from oracles import Case, InputError, Recipe, Result
from oracles.cases.generation import DTYPES, cases
from oracles.ops import OPS

NAMESPACE = {name: getattr(oracles.data.case, name) for name in oracles.data.case.__all__}
ONE = np.ones((1, 1))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", OPS)
def test_repr_and_json_give_the_same_case_back(op, dtype):
    @given(cases(op, dtype))
    def holds(case):
        assert eval(repr(case), NAMESPACE) == case
        assert Case.from_json(case.to_json()) == case

    holds()


def test_a_large_array_prints_as_its_recipe():
    case = Case("relu", [Recipe("uniform", (300, 300), "float32", seed=7)], Recipe("integers", (300, 300), "float32"))
    assert len(repr(case)) < 200
    assert eval(repr(case), NAMESPACE) == case


def test_a_case_owns_its_arrays():
    x = np.ones((2, 3))
    case = Case("relu", {"inputs": x}, x)
    x[0, 0] = 5
    assert case.primals["inputs"][0, 0] == case.cotangent[0, 0] == 1
    with pytest.raises(AttributeError):
        case.op = "softmax"
    with pytest.raises(TypeError):
        case.primals["inputs"] = x


def test_layout_is_kept():
    x = np.arange(12.0).reshape(3, 4)[::-1, ::2]
    assert Case("relu", [x], np.ones((3, 2))).primals["inputs"].strides == (-32, 16)


def test_primals_by_order_or_by_name():
    assert Case("dense", [ONE, ONE, ONE], ONE) == Case("dense", {"biases": ONE, "weights": ONE, "inputs": ONE}, ONE)


def test_equality_is_by_bits_and_layout():
    zero = Case("relu", [np.zeros((2, 2))], np.ones((2, 2)))
    assert zero != Case("relu", [-np.zeros((2, 2))], np.ones((2, 2)))
    assert zero != Case("relu", [np.zeros((2, 2), order="F")], np.ones((2, 2)))
    assert zero != "zero"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Case("denze", [ONE], ONE), "op: expected one of dense, relu, softmax"),
        (lambda: Case(None, [ONE], ONE), "got None"),
        (lambda: Case("dense", [ONE, ONE], ONE), "primals: dense takes inputs, weights, biases, got 2 of them"),
        (lambda: Case("relu", {"x": ONE}, ONE), "primals: relu takes inputs, got x"),
        (
            lambda: Case("relu", [ONE], np.ones(3)),
            "cotangent: expected shape (1, 1), that of the output of relu, got (3,)",
        ),
        (lambda: Case("relu", [["a"]], ONE), "inputs: expected numbers, got dtype <U1"),
        (lambda: Case("relu", [[[1], [1, 2]]], ONE), "inputs: expected an array of numbers"),
        (lambda: Case("relu", [np.ones((1, 1), int)], ONE), "inputs: expected one of float16"),
        (lambda: Case("relu", [np.ones((1, 1), np.longdouble)], ONE), "inputs: expected one of float16"),
        (lambda: Case("softmax", [np.ones(())], np.ones(())), "inputs: expected at least 1 dimension, got shape ()"),
        (
            lambda: Case("dense", [ONE, np.ones((2, 1)), ONE], ONE),
            "weights: expected shape (1, M), got (2, 1); K is 1 by inputs",
        ),
        (lambda: Case("relu", [ONE], ONE, {"reduction": "sum"}), "options: relu takes none, got reduction"),
        (lambda: Case("cross_entropy", [ONE, [0]], 1.0, {"reduction": "max"}), "reduction: expected one of mean"),
        (lambda: Case("cross_entropy", [ONE, [0, 1]], 1.0), "targets: expected shape (1,) (class ids) or (1, 1)"),
        (lambda: Case("cross_entropy", [np.ones(3), [0]], 1.0), "probabilities: expected 2 dimensions"),
        (lambda: Case("cross_entropy", [ONE, [3]], 1.0), "targets: class id 3 of sample 0 is outside 0..0"),
        (lambda: Case("cross_entropy", [ONE, [0.5]], 1.0), "targets: class ids must be integers"),
        (lambda: Case("cross_entropy", [ONE, [[np.nan]]], 1.0), "targets: weight nan"),
        (lambda: Case("cross_entropy", [ONE, [0]], 1.0, {"clip": 1}), "clip: expected a number between 0 and 0.5"),
        (lambda: Case("softmax", [np.ones((2, 0))], np.ones((2, 0))), "softmax: expected C >= 1, got C 0"),
        (
            lambda: Case("relu", [np.ones(2, np.float32)], np.ones(2)),
            "dtype: expected one for all of a case, got inputs",
        ),
        (lambda: Case("relu", None, 1.0), "primals: expected a mapping or a sequence of arrays, got NoneType"),
    ],
)
def test_bad_input_is_named_and_shown(call, message):
    with pytest.raises(InputError) as caught:
        call()
    assert message in str(caught.value)


def test_big_endian_arrays_become_native():
    v = np.arange(500, dtype=">f4")
    case = Case("relu", [v], v)
    assert eval(repr(case), NAMESPACE) == case == Case.from_json(case.to_json())
    assert (case.primals["inputs"] == np.arange(500)).all()


def test_numpy_scalars_in_options_and_recipes_print_as_code():
    recipe = Recipe("uniform", (2, 300), np.float32, seed=np.int64(3), scale=np.float64(2))
    case = Case(
        "cross_entropy", [recipe, [0, 1]], np.float32(1), {"reduction": np.str_("sum"), "clip": np.float64(0.1)}
    )
    assert eval(repr(case), NAMESPACE) == case


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1" * 5000, "case: "),
        (None, "case: not JSON"),
        ("", "case: not JSON"),
        ("[]", 'case: expected an object with "format": 1'),
        ('{"format": 2}', 'case: expected an object with "format": 1'),
        ('{"format": 1, "op": "relu", "primals": []}', "case: expected objects for primals, options and cotangents"),
        ('{"format": 1, "op": "relu", "primals": {"inputs": 3}}', "primals.inputs: expected an object"),
        ("[" * 100_000, "case: not JSON"),
    ],
)
def test_bad_json_is_refused(text, message):
    with pytest.raises(InputError) as caught:
        Case.from_json(text)
    assert message in str(caught.value)


def test_files_round_trip_and_errors_name_them(tmp_path):
    case = Case("relu", [ONE], ONE)
    case.save(tmp_path / "case.json")
    assert Case.load(tmp_path / "case.json") == case
    json.loads((tmp_path / "case.json").read_text())
    (tmp_path / "torn.json").write_text(case.to_json()[:-20])
    for name in ("torn.json", "absent.json"):
        with pytest.raises(InputError, match=name):
            Case.load(tmp_path / name)


def test_hypothesis_prints_a_falsifying_case_as_code():
    @settings(database=None)
    @given(cases("softmax"))
    def fails(case):
        raise AssertionError

    with pytest.raises(AssertionError) as caught:
        fails()
    note = "\n".join(caught.value.__notes__)
    (text,) = re.findall(r"case=(Case\(.*\)),?(?:  # or any.*)?$", note, re.MULTILINE)
    case = eval(text, NAMESPACE)
    assert case == Case("softmax", [[[0.0]]], [[0.0]]) or case.size <= 6  # shrunk


def test_results_are_named():
    assert list(Result(ONE, {"inputs": ONE, "weights": ONE}).named()) == ["output", "dinputs", "dweights"]


def test_a_large_array_keeps_its_recipe_on_the_way():
    made = Recipe("uniform", (20, 10), "float32", 3, layout="F")
    case = Case("relu", {"inputs": made}, Recipe("ones", (20, 10), "float32"))
    for text in (case.to_json(), case.to_json(short=True)):
        assert Case.from_json(text) == case
        assert repr(Case.from_json(text)) == repr(case)
    assert len(case.to_json(short=True)) < 700


def test_a_recipe_that_does_not_make_the_values_is_named():
    case = Case("relu", {"inputs": Recipe("uniform", (20, 10), "float32", 3)}, np.ones((20, 10), "float32"))
    data = json.loads(case.to_json())
    data["primals"]["inputs"]["recipe"]["seed"] = 4
    with pytest.raises(InputError, match=r"primals\.inputs\.recipe: it does not make the values of primals\.inputs"):
        Case.from_json(json.dumps(data))


@pytest.mark.parametrize("op", OPS)
@given(data=st.data())
def test_between_processes_it_travels_as_json(op, data):
    case = data.draw(cases(op, data.draw(st.sampled_from(DTYPES))))
    pickled = pickle.dumps(case)
    again = pickle.loads(pickled)
    assert again == case
    assert repr(again) == repr(case)
    assert b"from_json" in pickled


def test_a_case_with_other_arrays_keeps_the_rest():
    case = Case("softmax_cross_entropy", [np.ones((2, 3)), np.array([0, 1])], np.ones(2), {"reduction": "none"})
    other = case.with_arrays({"targets": np.array([2, 2])})
    assert other.primals["targets"].tolist() == [2, 2]
    assert other == Case(case.signature, {**case.primals, "targets": np.array([2, 2])}, case.cotangent, case.options)
    assert list(case.arrays) == ["logits", "targets", "cotangent"]
    with pytest.raises(InputError, match="cotangent: expected shape"):
        case.with_arrays({"cotangent": np.ones(3)})
