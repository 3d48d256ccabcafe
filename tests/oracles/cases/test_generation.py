"""Do the strategies reach what the contract speaks of?"""

import numpy as np
import pytest
from hypothesis import find, given, settings

from oracles import InputError
from oracles.cases.frames import Frame, frame_pool
from oracles.cases.generation import DTYPES, cases
from oracles.data.arrays import is_plain
from oracles.ops import OPS

SEARCH = settings(max_examples=3000, database=None, derandomize=True)


def reaches(op, condition, dtype="float32"):
    return find(cases(op, dtype), condition, settings=SEARCH)


def values(case):
    return np.concatenate([a.astype(float).ravel() for a in (*case.primals.values(), case.cotangent)])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", OPS)
def test_dtypes_are_those_asked_for(op, dtype):
    @given(cases(op, dtype))
    def holds(case):
        assert case.op == op
        assert case.dtype.name == case.cotangent.dtype.name == dtype

    holds()


@pytest.mark.parametrize("op", OPS)
def test_the_cotangent_is_not_always_uniform_and_sometimes_special(op):
    frames = [f for f in frame_pool(op, 0) if f.elements >= 6 and f.reduction in ("none", "mean")]
    if op in ("cross_entropy", "softmax_cross_entropy"):
        frames = [f for f in frames if f.reduction == "none" and f.sizes[0] > 1]

    def found(condition):
        return find(cases(op, frames=frames), lambda case: condition(case.cotangent), settings=SEARCH)

    found(lambda g: np.unique(g).size > 3)
    found(lambda g: g.size > 1 and not g.any())
    found(lambda g: g.size > 1 and np.count_nonzero(g) == 1)
    found(lambda g: np.abs(g).max(initial=0) > 1e15)
    if op in ("dense", "softmax"):
        found(lambda g: g.shape[-1] > 1 and g.any() and not g.sum(axis=-1).any())


@pytest.mark.parametrize("op", OPS)
def test_layouts_are_reached(op):
    first = OPS[op].primals[0]
    assert not is_plain(
        reaches(op, lambda c: c.primals[first].ndim > 1 and not c.primals[first].flags.c_contiguous).primals[first]
    )
    reaches(op, lambda c: any(s < 0 for s in c.primals[first].strides))
    reaches(op, lambda c: c.primals[first].size > 1 and 0 in c.primals[first].strides)
    reaches(op, lambda c: not c.primals[first].flags.writeable)


@pytest.mark.parametrize(
    ("op", "condition"),
    [
        ("relu", lambda v: np.isnan(v).any()),
        ("relu", lambda v: np.isinf(v).any()),
        ("relu", lambda v: ((v != 0) & (np.abs(v) < 1e-38)).any()),
        ("relu", lambda v: ((v == 0) & np.signbit(v)).any()),
        ("softmax", lambda v: (v == -np.inf).any()),
        ("softmax", lambda v: (v == np.inf).any()),
        ("softmax", lambda v: (v > 3e38).any() & np.isfinite(v).all()),
        ("dense", lambda v: np.isnan(v).any()),
        ("dense", lambda v: ((v != 0) & (np.abs(v) < 1e-38)).any()),
    ],
)
def test_special_values_are_reached(op, condition):
    reaches(op, lambda case: bool(condition(values(case))))


def test_saturated_and_tied_logits_are_reached():
    def logits(condition):
        reaches("softmax", lambda c: np.isfinite(c.primals["inputs"]).all() and condition(c.primals["inputs"]))

    logits(lambda x: 100 < np.abs(x).max(initial=0) < 2000)
    logits(lambda x: x.size > 3 and np.unique(x).size < x.size)


@pytest.mark.parametrize("op", ["cross_entropy", "softmax_cross_entropy"])
def test_label_forms_are_reached(op):
    def targets(condition):
        reaches(op, lambda c: c.primals["targets"].size > 0 and bool(condition(c.primals["targets"], c)))

    targets(lambda y, c: y.ndim == 1 and y.dtype.kind == "u")
    targets(
        lambda y, c: (
            y.ndim == 1
            and c.primals[OPS[op].primals[0]].shape[1] > 1
            and (y == c.primals[OPS[op].primals[0]].shape[1] - 1).any()
        )
    )
    targets(lambda y, c: y.ndim == 2 and y.dtype.kind == "b")
    targets(lambda y, c: y.ndim == 2 and y.dtype.kind == "f" and not np.isin(y.sum(axis=1), 1).any())
    for reduction in ("mean", "sum", "none"):
        reaches(op, lambda c, wanted=reduction: c.options["reduction"] == wanted)


def test_a_zero_probability_is_reached():
    reaches("cross_entropy", lambda c: (c.primals["probabilities"] == 0).any())


def test_failures_shrink_to_a_small_case():
    case = find(
        cases("dense", "float32"),
        lambda c: c.primals["inputs"].size > 0 and bool((c.cotangent > 2).any()),
        settings=SEARCH,
    )
    assert case.size <= 34  # four by one by five
    assert set(values(case)) <= {-3, -2, -1, 0, 1, 2, 3}
    assert all(is_plain(a) for a in case.primals.values())


def test_frames_can_be_given():
    case = find(cases("softmax", frames=[Frame("softmax", (70, 3))]), lambda c: True, settings=SEARCH)
    assert case.primals["inputs"].shape == (70, 3)


def test_an_unknown_dtype_is_named():
    with pytest.raises(InputError, match="dtype: expected one of"):
        cases("dense", "float8")


def test_soft_labels_that_sum_to_1_are_reached():
    frame = Frame("softmax_cross_entropy", (5, 4), targets="soft")
    found = cases("softmax_cross_entropy", "float64", frames=[frame])

    def rows(case):
        return case.primals["targets"]

    for condition in (
        lambda y: (np.abs(y.sum(axis=1) - 1) < 1e-9).all() and (y.max(axis=1) < 1).all(),  # smoothed
        lambda y: y[0].max() == 1 and y[0].sum() == 1 and y.max(axis=1).min() < 1,  # mixtures after a one-hot row
        lambda y: (np.abs(y.sum(axis=1) - 1) > 0.1).all(),
    ):
        find(found, lambda case, condition=condition: condition(rows(case)), settings=SEARCH)


@pytest.mark.parametrize(("classes", "kind"), [(128, "int8"), (256, "uint8")])
def test_the_last_id_of_a_short_dtype_is_reached(classes, kind):
    frame = Frame("cross_entropy", (3, classes), targets="ids")
    targets = find(cases("cross_entropy", frames=[frame]), lambda case: True, settings=SEARCH).primals["targets"]
    assert targets.dtype == kind
    assert targets.max() == np.iinfo(kind).max


def test_a_cotangent_of_dense_may_hold_nan():
    find(cases("dense"), lambda case: np.isnan(case.cotangent).any(), settings=SEARCH)
