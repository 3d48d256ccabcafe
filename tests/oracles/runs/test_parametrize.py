"""What parametrize_with_checks makes of layers: the ids, the marks, and what it refuses."""

import sys

import numpy as np
import pytest

from oracles import Case, InputError, Layer, parametrize_with_checks
from oracles.claims.checks import CHECKS
from oracles.reports.report import CheckFailed
from oracles.sources.registry import names

CASE = Case("relu", [np.array([[1.0]])], np.array([[3.0]]))


def layer(name="MyReLU", op="relu"):
    return Layer(op, forward=lambda x: x, vjp=lambda g, x: g, name=name)


def parameters(layers, **options):
    return parametrize_with_checks(layers, **options).args[1]


def ids(layers, **options):
    return [parameter.id for parameter in parameters(layers, **options)]


def test_values_have_an_id_an_oracle_and_every_other_claim_one():
    others = [check.name for check in CHECKS if check.name != "values"]
    assert ids([layer()]) == [f"MyReLU-values-{name}" for name in names()] + [f"MyReLU-{c}-exact" for c in others]
    assert ids([layer()], oracles=["torch"])[:2] == ["MyReLU-values-torch", "MyReLU-sizes-exact"]


def test_layers_of_one_name_get_distinct_ids():
    found = ids([layer("A"), layer("A", "softmax"), layer("A_2"), layer("A")])
    assert len(found) == len(set(found))
    assert list(dict.fromkeys(i.partition("-")[0] for i in found)) == ["A", "A_3", "A_2", "A_4"]


def test_expected_failures_are_strict_and_have_their_reason_the_most_particular_first():
    expected = {"stateless": "any", "MyReLU-stateless": "mine", "MyReLU-values-torch": "torch's"}
    marked = {p.id: p.marks for p in parameters([layer(), layer("Other")], expected_failures=expected) if p.marks}
    assert {name: mark.kwargs["reason"] for name, (mark,) in marked.items()} == {
        "MyReLU-values-torch": "torch's",
        "MyReLU-stateless-exact": "mine",
        "Other-stateless-exact": "any",
    }
    for (mark,) in marked.values():
        assert mark.name == "xfail"
        assert mark.kwargs["strict"] is True
        assert mark.kwargs["raises"] is CheckFailed


def test_examples_are_ids_of_the_layers_of_their_op(tmp_path):
    CASE.save(tmp_path / "case.json")
    found = ids([layer(), layer("MySoftmax", "softmax")], examples=[CASE, tmp_path / "case.json"])
    assert [i for i in found if "example" in i] == ["MyReLU-example0-exact", "MyReLU-example1-exact"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": []}, r"layers: expected a list of Layers, as Layer.from_class makes one of a class, got \[\]"),
        ({"layers": layer()}, "layers: expected a list of Layers, as Layer.from_class makes one of a class, got Layer"),
        ({"layers": [np.maximum]}, "layers: expected a list of Layers, as Layer.from_class makes one of a class, got"),
        ({"oracles": ["caffe"]}, "oracle: expected one of exact, finite_difference, jax, torch, got 'caffe'"),
        ({"dtypes": ["int8"]}, "dtypes: expected one of float32"),
        ({"device": "tpu"}, "device: expected one of cpu, cuda, got 'tpu'"),
        ({"max_examples": 0}, "max_examples: expected a positive number, got 0"),
        ({"examples": CASE}, "examples: expected a sequence of cases or paths, got Case"),
        ({"examples": ["nowhere.json"]}, "nowhere.json: "),
        ({"examples": [Case("softmax", [[1.0]], [1.0])]}, "examples: no layer is a softmax"),
        ({"expected_failures": {"MyReLU-vaules": "why"}}, "nothing is called 'MyReLU-vaules'; nearest: MyReLU-values,"),
        ({"expected_failures": {"values": " "}}, "expected_failures: 'values' needs a reason, got ' '"),
        ({"expected_failures": {"values": None}}, "expected_failures: 'values' needs a reason, got None"),
    ],
)
def test_misuse_is_named(options, message):
    with pytest.raises(InputError, match=message):
        parametrize_with_checks(**{"layers": [layer()], **options})


def test_without_pytest_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pytest", None)
    with pytest.raises(ModuleNotFoundError, match="install it with: pip install pytest"):
        parametrize_with_checks([layer()])
