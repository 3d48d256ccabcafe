"""What snippets bring along does what its docstring says."""

from types import SimpleNamespace

import ml_dtypes
import numpy as np
import pytest

from oracles.snippets.snippet_helpers import HELPERS


@pytest.fixture
def helpers():
    space = {"np": np}
    for text in HELPERS.values():
        exec(text, space)
    return SimpleNamespace(**{name: space[name] for name in HELPERS})


def test_numbers_of_other_libraries_are_read_in_their_dtype(helpers):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    for dtype in (torch.float32, torch.bfloat16):
        found = helpers.host(torch.tensor([1.0, 2.5], dtype=dtype, requires_grad=True))
        assert found.dtype == (np.float32 if dtype is torch.float32 else ml_dtypes.bfloat16)
        assert found.tolist() == [1.0, 2.5]
    assert helpers.host(SimpleNamespace(get=lambda: np.ones(2))).tolist() == [1, 1]
    assert helpers.host(SimpleNamespace(copy_to_host=lambda: np.ones(2))).tolist() == [1, 1]


def test_memory_is_where_an_array_lies(helpers):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    a = np.ones(4, np.float32)
    on_device = SimpleNamespace(__cuda_array_interface__=a.__array_interface__)
    assert np.shares_memory(helpers.memory(on_device), a)
    assert np.shares_memory(helpers.memory(torch.from_numpy(a)), a)
    half = torch.ones(4, dtype=torch.bfloat16)
    assert np.shares_memory(helpers.memory(half), helpers.memory(half[1:]))
    assert not np.shares_memory(helpers.memory(half), helpers.memory(half.clone()))


def test_the_same_is_bit_for_bit(helpers):
    assert helpers.same(np.array([0.0, np.nan]), np.array([0.0, np.nan]))
    assert not helpers.same(np.array([0.0]), np.array([-0.0]))
    assert not helpers.same(np.zeros(1), np.zeros(1, np.float32))
