import numpy as np

from oracles import Case
from oracles.data.wide import floats, label_weights, signed_scales


def loss(targets, cotangent=1.0, **options):
    return Case("cross_entropy", [np.full((2, 3), 0.25, np.float32), targets], np.float32(cotangent), options)


def test_arrays_are_in_float64():
    assert floats(loss([0, 2]), "probabilities").dtype == floats(loss([0, 2]), "cotangent").dtype == np.float64


def test_labels_are_rows_of_weights_in_any_form():
    assert label_weights(loss([0, 2])).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert label_weights(loss([[0.5, 0.5, 0], [0, 0, 1]])).tolist() == [[0.5, 0.5, 0], [0, 0, 1]]


def test_each_sample_gets_its_share_of_the_cotangent_and_never_nothing():
    assert signed_scales(loss([0, 2], 3.0, reduction="sum"), 2).tolist() == [[3], [3]]
    assert signed_scales(loss([0, 2], 3.0, reduction="mean"), 2).tolist() == [[1.5], [1.5]]
    smallest = Case("cross_entropy", [np.full((3, 1), 0.5), [0, 0, 0]], -5e-324)
    assert (signed_scales(smallest, 3) == -5e-324).all()
