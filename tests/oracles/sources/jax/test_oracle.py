"""What holds of the jax adapter beyond agreement, which tests/oracles/test_agreement.py checks."""

import numpy as np
import pytest

from oracles import Case, load

jax = pytest.importorskip("jax", reason="jax is not installed")

CASE = Case("softmax", [np.array([[1.0, 2.0, 4.0]])], np.array([[1.0, -1.0, 0.5]]))


def test_float64_stays_float64_and_the_process_is_left_as_it_was():
    before = jax.config.jax_enable_x64
    result = load("jax").vjp(CASE)
    assert result.output.dtype == result.gradients["inputs"].dtype == np.float64
    assert jax.config.jax_enable_x64 is before
    assert jax.numpy.asarray(1.5).dtype == (np.float64 if before else np.float32)


def test_where_it_differs_from_the_truth_it_is_by_its_own_convention():
    result = load("jax").vjp(Case("relu", [np.array([np.nan, -0.0, 0.0], np.float32)], np.ones(3, np.float32)))
    assert (result.gradients["inputs"] == 0).all()
