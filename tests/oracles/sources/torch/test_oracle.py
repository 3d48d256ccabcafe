"""What holds of the torch adapter beyond agreement, which tests/oracles/test_agreement.py checks."""

import numpy as np
import pytest

from oracles import Case, load

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


def _state():
    return (
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.is_grad_enabled(),
        torch.backends.cuda.matmul.allow_tf32,
        torch.get_rng_state().sum().item(),
    )
