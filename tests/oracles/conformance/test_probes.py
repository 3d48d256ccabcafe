import numpy as np

from oracles.conformance.layer import reference_layer
from oracles.conformance.probes import kinks, plain_case, probes, with_nan


def test_the_plain_case_has_no_two_equal_arrays():
    for op in ("relu", "softmax"):
        case = plain_case(reference_layer(op), "float64")
        assert not np.array_equal(case.primals["inputs"], case.cotangent)
        assert len(np.unique(case.primals["inputs"])) == case.primals["inputs"].size


def test_a_loss_is_probed_in_every_form_it_takes():
    frames = list(probes(reference_layer("cross_entropy")))
    assert {(f.reduction, f.targets) for f in frames} == {
        (r, t) for r in ("mean", "sum", "none") for t in ("ids", "one_hot", "soft")
    }


def test_a_nan_stands_last_and_nowhere_else():
    case = plain_case(reference_layer("relu"), "float32")
    changed = with_nan(case).primals["inputs"]
    assert np.argwhere(np.isnan(changed)).tolist() == [[4, 2]]
    assert not np.isnan(case.primals["inputs"]).any()


def test_both_zeros_are_among_the_kinks():
    zeros = [x for x in kinks("float16").primals["inputs"].ravel() if x == 0]
    assert {bool(np.signbit(z)) for z in zeros} == {True, False}


def test_a_scalar_cotangent_is_neither_0_nor_1():
    cotangent = plain_case(reference_layer("softmax_cross_entropy"), "float64").cotangent
    assert cotangent.ndim == 0
    assert cotangent not in (0, 1)
