"""Label forms; what the losses do with bad ones is in test_cross_entropy.py."""

import ml_dtypes
import numpy as np

from reference._targets import as_targets


def test_ids_become_indices():
    found = as_targets(np.array([2, 0], np.uint8), 2, 3)
    assert found.dtype == np.intp
    assert (found == [2, 0]).all()


def test_rows_become_floats_that_are_not_the_callers():
    for kind in (bool, np.int8, np.float16, ml_dtypes.bfloat16, np.float32):
        found = as_targets(np.eye(3).astype(kind), 3, 3)
        assert found.dtype in (np.float32, np.float64)
        assert (found == np.eye(3)).all()


def test_with_one_class_a_column_is_rows_of_weights():
    assert as_targets([[1], [0]], 2, 1).shape == (2, 1)


def test_no_samples_need_no_dtype():
    assert as_targets([], 0, 3).shape == (0,)
    assert as_targets(np.zeros((0, 3)), 0, 3).shape == (0, 3)
