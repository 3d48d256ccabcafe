"""What holds of the torch adapter beyond agreement, which tests/oracles/test_agreement.py checks."""

import numpy as np
import pytest

from oracles import Case, load
from oracles.arrays import array, element_strides
from oracles.recipe import LAYOUTS, laid_out

torch = pytest.importorskip("torch", reason="torch is not installed")

CASE = Case("softmax", [np.array([[1.0, 2.0, 4.0]], np.float32)], np.array([[1.0, -1.0, 0.5]], np.float32))


def test_the_process_is_left_as_it_was():
    torch_oracle = load("torch")
    before = _state()
    torch_oracle.vjp(CASE)
    assert _state() == before


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_gradients_are_taken_whatever_mode_the_caller_is_in(mode):
    with mode():
        assert load("torch").vjp(CASE).gradients["inputs"].any()


def test_a_default_dtype_or_device_of_the_caller_does_not_matter():
    expected = load("torch").vjp(CASE)
    torch.set_default_dtype(torch.float64)
    try:
        with torch.device("meta"):
            found = load("torch").vjp(CASE)
    finally:
        torch.set_default_dtype(torch.float32)
    assert found.output.dtype == np.float32
    assert (found.output == expected.output).all()


def test_where_it_differs_from_the_truth_it_is_by_its_own_convention():
    result = load("torch").vjp(Case("relu", [np.array([np.nan, 1e-40, -0.0], np.float32)], np.ones(3, np.float32)))
    assert (result.gradients["inputs"] == [1, 1, 0]).all()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_tensor_is_on_the_memory_of_its_array_where_torch_has_such_strides(dtype):
    a = array([[1, 2], [3, 4]], dtype)
    for view in (a, a.T, a[:, :1], np.broadcast_to(a[0], (3, 2))):
        tensor = load("torch").module.share(view)
        assert np.shares_memory(load("torch").module.to_array(tensor), a)
        assert tensor.tolist() == view.tolist()
    tensor = load("torch").module.share(a[::-1])
    assert not np.shares_memory(load("torch").module.to_array(tensor), a)
    assert tensor.tolist() == [[3, 4], [1, 2]]


@pytest.mark.parametrize("layout", [layout for layout in LAYOUTS if layout != "reversed"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_on_another_device_a_tensor_has_the_strides_of_its_array(dtype, layout):
    a = laid_out(array([[1, 2, 3], [4, 5, 6]], dtype), layout)
    tensor = load("torch").module.share(a, "cpu:0")  # goes the way of other devices
    assert tensor.stride() == element_strides(a)
    assert np.array_equal(load("torch").module.to_array(tensor), a)
    assert tensor.requires_grad_().is_leaf


def _state():
    return (
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.is_grad_enabled(),
        torch.backends.cuda.matmul.allow_tf32,
        torch.get_rng_state().sum().item(),
    )
