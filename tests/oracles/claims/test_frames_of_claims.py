"""The frames a claim is tried on."""

import pytest

from oracles import Layer
from oracles.candidates.layer import reference_layer
from oracles.claims import frames_of_claims as pools
from oracles.ops import OPS
from reference import softmax, softmax_vjp

ROWS = Layer("softmax", forward=softmax, vjp=softmax_vjp)


@pytest.mark.parametrize("op", OPS)
def test_each_pool_has_what_its_claim_needs(op):
    layer = reference_layer(op)
    assert any(0 in f.sizes for f in pools.small(layer, 1))
    assert not any(0 in f.sizes for f in pools.not_empty(layer, 1))
    assert all(f.sizes[0] > 1 for f in pools.several_samples(layer, 1))
    assert max(f.elements for f in pools.small_and_large(layer, 1)) > 65_536
    assert any(0 in f.sizes for f in pools.small_and_large(layer, 1))
    assert any(f.sizes and f.sizes[-1] > 256 for f in pools.with_a_wide_one(layer, 1))
    assert any(f.sizes[0] * f.sizes[1] > 4096 for f in pools.with_a_large_one(layer, 1) if len(f.sizes) > 1)
    tall, wide = pools.wide_and_tall(layer, 1)[-2:]
    assert tall.sizes[0] > 64 > tall.sizes[-1] > 1
    assert wide.sizes[-1] > 64 > wide.sizes[0] > 1


def test_a_layer_of_rows_is_not_tried_on_other_ranks():
    assert {len(f.sizes) for f in pools.small(ROWS, 1)} == {2}
    assert len({len(f.sizes) for f in pools.small(reference_layer("softmax"), 1)}) > 1


def test_a_pool_is_the_same_for_a_seed():
    assert pools.small(ROWS, 5) == pools.small(ROWS, 5)
    assert any(pools.small(ROWS, 5) != pools.small(ROWS, seed) for seed in range(6, 12))
