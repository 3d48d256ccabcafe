"""Labels in every form the losses take: class ids (N,), or one row of weights a sample (N, C), one-hot or soft."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import Array, InputError, as_array, check_shape, shown, widened


def as_targets(targets: ArrayLike, n_samples: int, n_classes: int) -> Array:
    """Class ids as intp (N,), or label weights in a float dtype (N, C); refuses everything else.

    Ids may have any integer dtype and lie in 0..C-1. Rows of weights may have any real dtype, need not sum to 1,
    and must be finite.
    """
    array = as_array("targets", targets)
    if array.dtype.kind not in "iubf" and array.dtype.name != "bfloat16":
        raise InputError(f"targets: expected numbers, got dtype {array.dtype} in {shown(targets)}")
    if array.ndim == 2:
        check_shape("targets", array, (n_samples, n_classes), "a weight a sample and class")
        return _weights(array)
    check_shape("targets", array, (n_samples,), "a class id a sample; rows of weights have two dimensions")
    return _ids(array, n_classes)


def _ids(array: Array, n_classes: int) -> Array:
    if array.size and array.dtype.kind not in "iu":
        raise InputError(f"targets: class ids must be integers, got dtype {array.dtype} in {shown(array)}")
    # a negative id is a huge one without its sign: one pass instead of two
    if array.size and not np.maximum.reduce(array.view(f"u{array.dtype.itemsize}")) < n_classes:
        at = np.flatnonzero((array < 0) | (array >= n_classes))[0]
        raise InputError(f"targets: class id {array[at]} of sample {at} is outside 0..{n_classes - 1}")
    return array.astype(np.intp, copy=False)


def _weights(array: Array) -> Array:
    weights = widened(array) if array.dtype.kind not in "iub" else array.astype(np.float64)
    finite = np.isfinite(weights)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise InputError(f"targets: weight {array[row, column]} of sample {row}, class {column} is not finite")
    return weights
