import pytest

from oracles import InputError
from oracles.cases.frames import frame_pool, large_frames
from oracles.ops import OPS


@pytest.mark.parametrize("op", OPS)
def test_the_edges_are_always_there_and_the_rest_is_fresh(op):
    pools = [frame_pool(op, seed) for seed in range(8)]
    for pool in pools:
        sizes = [f.sizes for f in pool]
        assert any(0 in s for s in sizes), "no samples"
        assert any(s and s[0] == 1 for s in sizes), "one sample"
        assert any(s and s[-1] == 1 for s in sizes), "one feature or class"
        assert any(s and s[-1] % 4 == 1 and s[-1] > 4 for s in sizes), "4k + 1"
        assert 0 < pool[0].elements <= min(f.elements for f in pool[1:-2])
    assert len({tuple(f.sizes for f in pool) for pool in pools}) > 1
    assert frame_pool(op, 3) == frame_pool(op, 3)


@pytest.mark.parametrize("op", OPS)
def test_large_frames_pass_64_and_256_in_each_direction_and_65536_elements(op):
    frames = large_frames(op, 0)
    axes = len(frames[0].sizes)
    for axis in range(axes):
        assert any(64 < f.sizes[axis] <= 256 for f in frames)
        assert any(f.sizes[axis] > 256 for f in frames)
        assert {64, 256} <= {f.sizes[axis] for f in frames}, "whole blocks"
        assert any(f.sizes[axis] > 1024 for f in frames), "more than one block of 1024"
    assert max(f.elements for f in frames) > 65_536
    if op == "dense":
        assert any(min(f.sizes) > 32 for f in frames), "blocks in all directions"
        products = [(n * k, k * m, n * m) for n, k, m in (f.sizes for f in frames)]
        assert all(max(sizes) > 65_536 for sizes in zip(*products, strict=True)), "inputs, weights and output"
    assert len({f.sizes for f in frames} & {f.sizes for f in large_frames(op, 1)}) < len(frames)


@pytest.mark.parametrize("op", ["cross_entropy", "softmax_cross_entropy"])
def test_every_label_form_and_reduction_appears(op):
    found = {(f.reduction, f.targets) for f in frame_pool(op, 0) + large_frames(op, 0)}
    assert len(found) == 9
    only = frame_pool(op, 0, targets=("ids",), reductions=("mean",))
    assert {(f.reduction, f.targets) for f in only} == {("mean", "ids")}


@pytest.mark.parametrize("op", ["cross_entropy", "softmax_cross_entropy"])
@pytest.mark.parametrize("seed", range(4))
def test_ids_reach_the_ends_of_int8_and_uint8(op, seed):
    frames = large_frames(op, seed, targets=("one_hot", "ids"))
    assert {f.sizes[1] for f in frames if f.targets == "ids"} >= {128, 256}
    assert not [f for f in large_frames(op, seed, targets=("one_hot",)) if f.targets == "ids"]


def test_misuse_is_named():
    with pytest.raises(InputError, match="op: expected one of"):
        frame_pool("denze", 0)
    with pytest.raises(InputError, match="targets, reductions: expected at least one"):
        frame_pool("cross_entropy", 0, targets=())
