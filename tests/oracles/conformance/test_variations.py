import numpy as np
import pytest

from oracles import Case, Recipe
from oracles.conformance.variations import variations

CASE = Case("softmax_cross_entropy", [Recipe("uniform", (4, 3), "float32"), np.array([0, 2, 1, 1])], np.float32(1))


def test_each_kind_is_there_and_differs_as_it_says():
    found = dict(variations(CASE))
    assert set(found) == {"larger values", "the same first sample", "fewer samples", "other values"}
    x = CASE.primals["logits"]
    assert np.abs(found["larger values"].primals["logits"]).max() == 64 * np.abs(x).max()
    same = found["the same first sample"]
    assert (same.primals["logits"][0] == x[0]).all()
    assert (same.primals["logits"] != x).any()
    assert same.primals["targets"].tolist() == [0, 1, 1, 2]
    assert found["fewer samples"].primals["logits"].shape == (3, 3)
    assert all(other != CASE for other in found.values())


@pytest.mark.parametrize("shape", [(), (0, 3)])
def test_an_empty_or_scalar_case_has_none(shape):
    assert not list(variations(Case("relu", [np.zeros(shape)], np.zeros(shape))))
