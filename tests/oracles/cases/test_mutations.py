import random

import numpy as np
import pytest

from oracles import Case, Recipe
from oracles.candidates.layer import reference_layer
from oracles.candidates.run import run
from oracles.cases import mutations
from oracles.cases.frames import Frame
from oracles.cases.mutations import mutate
from oracles.causes.telling_cases import plain_case
from oracles.claims.truth import Truth
from oracles.data.arrays import element_strides
from oracles.ops import OPS

SIZES = {"dense": (4, 3, 2)}
LABELS = [("ids", "mean"), ("one_hot", "sum"), ("soft", "none")]


def start(op, dtype="float32", targets="ids", reduction="mean"):
    frame = Frame(op, SIZES.get(op, (4, 3)), reduction, targets)
    return plain_case(reference_layer(op), dtype, frame)


def walk(case, steps=150, seed=0, **settings):
    rng = random.Random(seed)
    for _ in range(steps):
        case = mutate(case, rng, **settings)
        yield case


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("op", OPS)
def test_a_walk_stays_among_the_cases_of_the_op(op, dtype):
    for case in walk(start(op, dtype)):
        assert (case.op, case.dtype.name) == (op, dtype)
        assert Case.from_json(case.to_json()) == case


@pytest.mark.parametrize("op", OPS)
def test_the_same_seed_takes_the_same_walk(op):
    assert list(walk(start(op))) == list(walk(start(op)))
    assert list(walk(start(op), seed=1)) != list(walk(start(op)))


def test_the_case_itself_is_left_as_it_was():
    case = start("dense")
    before = case.to_json()
    list(walk(case))
    assert case.to_json() == before


@pytest.mark.parametrize(("targets", "reduction"), LABELS)
def test_probabilities_stay_within_0_and_1_and_labels_what_they_are(targets, reduction):
    case = start("cross_entropy", targets=targets, reduction=reduction)
    rows = {tuple(sorted(row)) for row in np.atleast_2d(case.primals["targets"]).tolist()}
    seen = set()
    for changed in walk(case):
        p, y = changed.primals["probabilities"], changed.primals["targets"]
        assert ((p >= 0) & (p <= 1)).all()
        assert changed.options == case.options
        seen.add(y.tobytes())
        if targets == "ids":
            assert ((y >= 0) & (y < p.shape[1])).all()
        elif p.shape[1] == case.primals["probabilities"].shape[1]:
            assert {tuple(sorted(row)) for row in y.tolist()} <= rows
    assert len(seen) > 1


def test_a_cotangent_that_may_not_change_does_not():
    case = start("softmax_cross_entropy")
    assert all(changed.cotangent == case.cotangent for changed in walk(case, cotangent_too=False))


def test_values_layouts_labels_and_shapes_all_change(monkeypatch):
    monkeypatch.setattr(mutations, "NEW_SHAPE", 0.05)
    case = start("softmax_cross_entropy")
    walked = list(walk(case, 400))
    assert len({c.primals["logits"].shape for c in walked}) > 2
    assert len({element_strides(c.primals["logits"]) for c in walked}) > 4
    assert len({c.primals["targets"].tobytes() for c in walked}) > 4
    assert len({c.primals["logits"].tobytes() for c in walked}) > 100
    assert len({c.cotangent.tobytes() for c in walked}) > 20


@pytest.mark.parametrize("shape", [(), (0, 3), (1,)])
def test_tiny_and_empty_cases(shape):
    case = Case("relu", [np.ones(shape, np.float32)], np.ones(shape, np.float32))
    assert all(c.op == "relu" for c in walk(case, 60))


def margin(case):
    result = run(reference_layer(case.op), case)
    return max(c.margin for c in Truth.of(case).judge(result).values())


def test_what_is_near_a_high_margin_is_higher_than_what_is_anywhere():
    """Uphill from one case, against as many cases as that takes, drawn anew."""

    def drawn(seed):
        recipes = [
            Recipe("uniform", s, "float32", 4 * seed + i) for i, s in enumerate([(5, 4), (4, 3), (1, 3), (5, 3)])
        ]
        return Case("dense", recipes[:3], recipes[3])

    rng, case = random.Random(0), drawn(0)
    best = start = margin(case)
    for _ in range(400):
        changed = mutate(case, rng)
        found = margin(changed)
        if best < found <= 1:
            case, best = changed, found
    assert best > 1.3 * start
    assert best > max(margin(drawn(seed)) for seed in range(400))
