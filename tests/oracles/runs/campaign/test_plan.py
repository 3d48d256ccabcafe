from collections import Counter

import pytest
from here import plan

from oracles import InputError
from oracles.candidates.target import Target
from oracles.cases.generation import DTYPES
from oracles.ops import OPS
from oracles.runs.campaign.plan import CHUNK, Plan


def test_by_default_every_op_and_dtype_of_the_reference():
    p = Plan.of()
    assert (p.ops, p.dtypes, p.devices, p.size) == (tuple(OPS), DTYPES, ("cpu",), CHUNK)


def test_of_a_candidate_the_dtypes_that_check_takes():
    p = Plan.of(target=Target("layers.py:MyReLU", "relu"))
    assert (p.ops, p.dtypes) == (("relu",), ("float32", "float64"))


@pytest.mark.parametrize(("cases", "size"), [(100, 20), (101, 20), (7, 20), (1, 1), (99, 7)])
def test_every_op_gets_exactly_its_cases(cases, size):
    p = plan(cases=cases, size=size, devices=["cpu", "cuda"])
    counted = Counter()
    for chunk in p.chunks():
        counted[chunk.op] += chunk.cases
        assert 1 <= chunk.cases <= size
    assert counted == dict.fromkeys(p.ops, cases)


def test_what_comes_first_has_seen_everything():
    first = [(c.op, c.dtype) for c in plan().chunks()][:4]
    assert len(set(first)) == 4


def test_chunks_are_numbered_and_seeded_apart():
    chunks = plan(cases=2000).chunks()
    assert [c.number for c in chunks] == list(range(len(chunks)))
    assert len({c.seed for c in chunks}) == len(chunks)
    assert chunks == plan(cases=2000).chunks()
    assert not {c.seed for c in chunks} & {c.seed for c in plan(cases=2000, seed=8).chunks()}


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"cases": 0}, "cases"),
        ({"size": 0}, "chunk"),
        ({"size": 1, "cases": 10**9}, "chunk"),
        ({"ops": ["sofmax"]}, "did you mean softmax"),
        ({"dtypes": ["float8"]}, "dtype"),
        ({"devices": ["tpu"]}, "device"),
        ({"oracles": ["tensorflow"]}, "oracle"),
    ],
)
def test_misuse_is_named(wrong, named):
    with pytest.raises(InputError, match=named):
        plan(**wrong)
