import numpy as np
import pytest

from oracles.candidates.layer import reference_layer
from oracles.cases.variations import with_nan
from oracles.causes.telling_cases import kinks, masks, offsets, plain_case, probes, takes_matrices
from oracles.ops import OPS, Op


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
    zeros = [x for x in kinks(OPS["relu"], "float16").primals["inputs"].ravel() if x == 0]
    assert {bool(np.signbit(z)) for z in zeros} == {True, False}


def test_a_scalar_cotangent_is_neither_0_nor_1():
    cotangent = plain_case(reference_layer("softmax_cross_entropy"), "float64").cotangent
    assert cotangent.ndim == 0
    assert cotangent not in (0, 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_subtracted_from_a_row_shows_in_one_of_the_offsets(dtype):
    apart, below, equal = (case.primals["inputs"].astype(np.float64) for case in offsets(OPS["softmax"], dtype))
    least = np.log(np.finfo(dtype).smallest_subnormal) - 1
    assert (apart - apart.max()).min() < least, "the batch's largest"
    for x in (below, equal):
        assert (x - np.abs(x).max()).max() < least, "the largest magnitude"


def test_every_length_of_a_block_is_masked_in_some_row():
    hidden = np.isneginf(masks(OPS["softmax"], "float32").primals["inputs"]).sum(axis=1)
    assert hidden.tolist() == [1, 2, 4, 8, 16, 32, 64, 128, 256]


def test_matrices_are_for_ops_that_take_them():
    said = {"f(x[...]) -> y[...]": True, "f(x[..., C]) -> y[..., C]": True, "f(x[N, C]) -> y[N, C]": True}
    said |= {"f(x[N]) -> y[N]": False, "f(x[N, N]) -> y[N]": False, "f(x[1, N]) -> y[N]": False}
    said |= {"f(x[N, H, W]) -> y[N]": False, "f(x[]) -> y[]": False}
    assert {text: takes_matrices(Op(text, definition=lambda xp, x: x)) for text in said} == said
