from types import SimpleNamespace

import numpy as np
import pytest

import oracles.runs.check_layer as kit_module
import reference
from oracles import InputError, Layer, Oracle, Result, load
from oracles.candidates.layer import reference_layer
from oracles.runs.check_layer import check_layer


def test_a_right_layer_passes_with_a_verdict_a_claim_dtype_and_oracle():
    report = check_layer(
        reference_layer("softmax"), max_examples=10
    )  # tests/test_reference_conformance.py has the others
    assert report.passed, str(report)
    oracles = {v.oracle for v in report.verdicts if v.check == "values" and v.status == "passed"}
    assert {"exact", "finite_difference"} <= oracles
    assert not report.of_status("disputed")
    assert len([v for v in report.verdicts if v.oracle == "exact"]) == 18


def test_a_wrong_layer_never_raises_and_is_reported():
    def broken(g, x):
        raise RuntimeError("no such kernel")

    report = check_layer(Layer("softmax", forward=lambda x: x, vjp=broken), dtypes=["float32"], max_examples=10)
    assert not report.passed
    assert "raised RuntimeError: no such kernel" in str(report)


@pytest.mark.parametrize("returned", [None, "text", [[1.0], [1.0, 2.0]], object(), np.nan])
def test_what_is_no_gradient_is_reported(returned):
    layer = Layer("relu", forward=lambda x: np.maximum(x, 0), vjp=lambda g, x: returned)
    assert not check_layer(layer, dtypes=["float32"], max_examples=5).passed


def test_a_wrong_oracle_is_disputed_and_the_layer_is_not_blamed(monkeypatch):
    exact = load("exact")

    def biased(case, device):
        result = exact.vjp(case)
        return Result(result.output * 1.001, result.gradients)

    wrong = Oracle("mine", "1", "cpu", SimpleNamespace(vjp=biased))
    monkeypatch.setattr(kit_module, "load_oracles", lambda names, device, **settings: ((exact, wrong), {}))
    report = check_layer(reference_layer("softmax"), dtypes=["float64"], max_examples=20)
    assert report.passed
    assert [v.oracle for v in report.of_status("disputed")] == ["mine"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"oracles": ["caffe"]}, "oracle: expected one of exact"),
        ({"dtypes": ["int8"]}, "dtypes: expected one of float32"),
        ({"device": "tpu"}, "device: expected one of cpu, cuda, got 'tpu'"),
        ({"max_examples": 0}, "max_examples: expected a positive number, got 0"),
    ],
)
def test_misuse_is_named(options, message):
    with pytest.raises(InputError, match=message):
        check_layer(reference_layer("relu"), **options)


def test_a_seed_gives_the_same_report_again():
    wrong = Layer("relu", forward=lambda x: np.maximum(x, 0), vjp=lambda g, x: g * (x >= 0), name="leaks")
    first, second = (check_layer(wrong, dtypes=["float64"], max_examples=20, seed=4) for _ in range(2))
    assert [v.message for v in first.failures] == [v.message for v in second.failures]
    assert first.failures[0].case == second.failures[0].case


def relu_layer(at_nan, **settings):
    def vjp(g, x):
        return np.where(np.isnan(x) if at_nan else x > 0, g, np.where(x > 0, g, 0)).astype(g.dtype)

    return Layer("relu", forward=reference.relu, vjp=vjp, any_rank=True, **settings)


@pytest.mark.parametrize(("at_nan", "who"), [(1, "torch"), (0, "jax")])
def test_a_layer_may_follow_either_framework_and_the_report_says_which(at_nan, who):
    report = check_layer(relu_layer(at_nan), oracles=["exact"], dtypes=["float64"], seed=1)
    assert report.passed
    assert f"Where there is a choice it follows {who}: relu'(NaN) = {at_nan}" in str(report)


@pytest.mark.parametrize(("at_nan", "who"), [(1, "jax"), (0, "torch")])
def test_a_pinned_convention_is_the_only_one_right(at_nan, who):
    report = check_layer(relu_layer(at_nan, convention=who), oracles=["exact"], dtypes=["float64"], seed=1)
    assert {v.check for v in report.failures} == {"special_values"}
    right = check_layer(relu_layer(1 - at_nan, convention=who), oracles=["exact"], dtypes=["float64"], seed=1)
    assert right.passed


def test_sums_in_bfloat16_are_wrong_unless_asked_for_and_the_report_says_what_that_costs():
    def vjp(g, x, w, b):
        total = np.zeros_like(b)
        for row in g:  # each step rounds to bfloat16
            total = (total + row).astype(b.dtype)
        dinputs, dweights, _ = reference.dense_vjp(g, x, w, b)
        return dinputs, dweights, total

    settings = {"forward": reference.dense, "vjp": vjp}
    options = {"oracles": ["exact"], "dtypes": ["bfloat16"], "seed": 1}
    strict = check_layer(Layer("dense", **settings), **options)
    assert any(v.message.startswith("dbiases") for v in strict.failures)
    native = check_layer(Layer("dense", accumulate="native", **settings), **options)
    assert native.passed, str(native)
    assert 'accumulate="native": the bounds are wider by a median factor of float16' in str(native)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"convention": "caffe"}, "convention: expected one of None, torch, jax, got 'caffe'"),
        ({"accumulate": "float8"}, "accumulate: expected one of strict, native, got 'float8'"),
    ],
)
def test_an_unknown_setting_is_named(setting, message):
    with pytest.raises(InputError, match=message):
        relu_layer(0, **setting)
