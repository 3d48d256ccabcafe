"""Large arrays by blocks of rows, which stay in a core's cache from the first pass over them to the last.

- A kernel is an op's formula on some rows: the rows of its results come first, and it writes into them.
- Rows do not depend on each other, so neither the blocks nor the threads that share them change a bit of the result.
  In another memory layout than C's the order of a row's sum depends on the rows beside it: such arrays stay whole.
- As many threads as BLAS is told to use (OMP_NUM_THREADS), all cores by default; NumPy computes outside the lock.
- `working` and `store` keep a kernel from copying: it computes in its result where sums may be taken in that dtype.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ._arrays import Array

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

BLOCK = 1 << 17  # elements of the largest array in a block: in smaller ones Python's own time shows
SHARED = 1 << 17  # elements from which on threads repay being woken, where each costs an exponential
CHEAP = 1 << 19  # and where it costs a few basic operations


def by_rows(kernel: Callable[..., None], *arrays: Array, cheap: bool = False) -> None:
    """kernel(*arrays), in blocks along the first axis, which all arrays share; of one element it goes to all rows.

    cheap: a kernel of a few basic operations. NumPy's warnings are off inside, in every thread.
    """
    largest = max(arrays, key=lambda a: a.size)
    if largest.size < (CHEAP if cheap else SHARED) or largest.ndim < 2 or not all(a.flags.c_contiguous for a in arrays):
        with np.errstate(all="ignore"):
            kernel(*arrays)
        return
    n = len(largest)
    share = -(-n // _threads())
    step = max(1, min(share, BLOCK * n // largest.size))

    def some(first: int) -> None:
        last = min(first + share, n)
        with np.errstate(all="ignore"):
            for at in range(first, last, step):
                rows = slice(at, min(at + step, last))
                kernel(*(a[rows] if len(a) == n else a for a in arrays))

    others = [_pool().submit(some, first) for first in range(share, n, share)]
    some(0)
    for other in others:
        other.result()


@lru_cache(maxsize=1)
def _threads() -> int:
    given = os.environ.get("OMP_NUM_THREADS", "")
    if given.isdigit() and int(given):
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor  # not before a large array: importing it takes its time

    return ThreadPoolExecutor(max(1, _threads() - 1), thread_name_prefix="reference")


if hasattr(os, "register_at_fork"):  # a child has the pool, but none of its threads
    os.register_at_fork(after_in_child=_pool.cache_clear)


def working(result: Array) -> Array:
    """Where a kernel computes: in `result` itself, or for the two-byte floats in a float32 array, to be stored."""
    return result if result.dtype.itemsize > 2 else np.empty(result.shape, np.float32)


def store(result: Array, computed: Array) -> None:
    """Round what was computed to `result`, once, unless it was computed there."""
    if computed is not result:
        result[...] = computed


def select(where: Array, values: Array, result: Array) -> None:
    """`values` where the condition holds, +0 elsewhere: np.where(where, values, 0) bit for bit, ten times as fast."""
    integers = np.dtype(f"i{values.dtype.itemsize}")
    ones: Any = np.negative(where.view(np.int8)).astype(integers)  # of a bit that is set: -1 has all of them
    np.bitwise_and(ones, values.view(integers), out=result.view(integers))
