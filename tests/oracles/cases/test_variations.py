import numpy as np
import pytest

from oracles import Case, Recipe
from oracles.cases.variations import variations, with_masked_rows, with_unlikely_label

CASE = Case("softmax_cross_entropy", [Recipe("uniform", (4, 3), "float32"), np.array([0, 2, 1, 1])], np.float32(1))


def test_each_kind_is_there_and_differs_as_it_says():
    found = dict(variations(CASE))
    assert list(found)[:4] == ["larger values", "the same first sample", "fewer samples", "more samples"]
    assert list(found)[4:] == ["other labels", "another memory layout", "a NaN at the end", "other values"]
    assert np.isnan(found["a NaN at the end"].primals["logits"]).sum() == 1
    x = CASE.primals["logits"]
    assert np.abs(found["larger values"].primals["logits"]).max() == 64 * np.abs(x).max()
    same = found["the same first sample"]
    assert (same.primals["logits"][0] == x[0]).all()
    assert (same.primals["logits"] != x).any()
    assert same.primals["targets"].tolist() == [0, 1, 1, 2]
    assert found["fewer samples"].primals["logits"].shape == (3, 3)
    assert found["more samples"].primals["logits"].shape == (8, 3)
    assert found["more samples"].primals["targets"].tolist() == [0, 2, 1, 1, 1, 1, 2, 0]
    turned = found.pop("another memory layout")
    assert turned.primals["logits"].flags.f_contiguous
    assert np.array_equal(turned.primals["logits"], x)
    assert all(other != CASE for other in found.values())


def test_all_but_one_kind_of_argument_may_stay_as_they_were():
    dense = Case("dense", [np.ones((2, 3)), np.ones((3, 2)), np.ones((1, 2))], np.ones((2, 2)))
    found = dict(variations(dense))
    for what, name in (("another cotangent", "cotangent"), ("other weights", "weights"), ("other biases", "biases")):
        now = {**found[what].primals, "cotangent": found[what].cotangent}
        then = {**dense.primals, "cotangent": dense.cotangent}
        assert {n for n in then if not np.array_equal(now[n], then[n])} == {name}
    assert np.array_equal(dict(variations(CASE))["other labels"].primals["logits"], CASE.primals["logits"])
    assert "another cotangent" not in dict(variations(Case("relu", [np.ones((2, 2))], np.zeros((2, 2)))))


@pytest.mark.parametrize("shape", [(), (0, 3)])
def test_an_empty_or_scalar_case_has_none(shape):
    assert not list(variations(Case("relu", [np.zeros(shape)], np.zeros(shape))))


@pytest.mark.parametrize(("op", "at"), [("cross_entropy", 0.0), ("softmax_cross_entropy", -np.inf)])
@pytest.mark.parametrize(
    "labels", [[2, 1], [[1.0, 0.0, 0.0], [0.0, 0.25, 0.75]], [[False, False, True], [False, True, False]]]
)
def test_the_last_samples_label_has_no_chance(op, at, labels):
    predictions = np.full((2, 3), 0.5)
    case = Case(op, [predictions.copy(), np.array(labels)], np.float64(1))
    found = with_unlikely_label(case)
    predictions[1, 1] = at
    assert np.array_equal(found.primals[case.signature.differentiable[0]], predictions)
    assert np.array_equal(found.primals["targets"], case.primals["targets"])
    assert found.options == case.options


def test_without_samples_no_label_has():
    case = Case("cross_entropy", [np.ones((0, 3)), np.zeros(0, int)], np.float64(1))
    assert with_unlikely_label(case) == case


def test_masked_rows_keep_their_last_value():
    inputs = np.arange(6.0).reshape(2, 3)
    masked = with_masked_rows(Case("softmax", [inputs], inputs)).primals["inputs"]
    assert masked.tolist() == [[-np.inf, -np.inf, 2.0], [-np.inf, -np.inf, 5.0]]
