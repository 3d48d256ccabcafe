import warnings

import numpy as np
import pytest

from oracles.data.arrays import array, element_strides
from oracles.data.recipe import LAYOUTS, laid_out

torch = pytest.importorskip("torch", reason="torch is not installed")

from oracles.sources.torch import tensors as torch_tensors  # noqa: E402
from oracles.sources.torch.tensors import lost, pulling, share, to_array  # noqa: E402


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_tensor_is_on_the_memory_of_its_array_where_torch_has_such_strides(dtype):
    a = array([[1, 2], [3, 4]], dtype)
    for view in (a, a.T, a[:, :1], np.broadcast_to(a[0], (3, 2))):
        tensor = share(view)
        assert np.shares_memory(to_array(tensor), a)
        assert tensor.tolist() == view.tolist()
    tensor = share(a[::-1])
    assert not np.shares_memory(to_array(tensor), a)
    assert tensor.tolist() == [[3, 4], [1, 2]]


@pytest.mark.parametrize("layout", [layout for layout in LAYOUTS if layout != "reversed"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_on_another_device_a_tensor_has_the_strides_of_its_array(dtype, layout):
    a = laid_out(array([[1, 2, 3], [4, 5, 6]], dtype), layout)
    tensor = share(a, "cpu:0")  # goes the way of other devices
    assert tensor.stride() == element_strides(a)
    assert np.array_equal(to_array(tensor), a)
    assert tensor.requires_grad_().is_leaf


def test_what_torch_says_of_its_own_threads_is_not_passed_on():
    said = "Attempting to run cuBLAS, but there was no current CUDA context! Attempting to set the primary context..."
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with pulling(torch.device("cuda")):
            warnings.warn(said, stacklevel=1)
            warnings.warn("something else", stacklevel=1)
    assert [str(w.message) for w in seen] == ["something else"]


def test_a_device_that_does_not_answer_is_lost(monkeypatch):
    def gone():
        raise RuntimeError("CUDA error: device-side assert triggered\nFor debugging consider ...")

    assert lost() == ""
    monkeypatch.setattr(torch_tensors.torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch_tensors.torch.cuda, "synchronize", gone)
    assert lost() == "CUDA error: device-side assert triggered"
