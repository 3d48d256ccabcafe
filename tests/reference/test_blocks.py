"""Blocks and threads change how long it takes, and not a bit of the result."""

import os
import subprocess
import sys

import numpy as np
import pytest

import reference
from reference import _blocks
from reference._blocks import by_rows, select, store, working

SHAPES = [(3, 70001), (700, 301), (2, 300, 301), (70001, 3)]


def results(op, shape, dtype, order):
    rng = np.random.default_rng(0)
    x, g = (np.array(3 * rng.standard_normal(shape), dtype, order=order) for _ in range(2))
    if op in ("relu", "softmax"):
        return getattr(reference, op)(x), getattr(reference, f"{op}_vjp")(g, x)
    x, labels = x.reshape(-1, shape[-1]), rng.integers(0, shape[-1], np.prod(shape[:-1]))
    layer = reference.SoftmaxCrossEntropy()
    found = [layer.forward(x, labels), layer.output, layer.backward(layer.output, labels)]
    rows = rng.random(x.shape).astype(dtype)
    for y in (labels, rows):
        found += [reference.softmax_cross_entropy(x, y, "none"), reference.softmax_cross_entropy_vjp(1.0, x, y)]
    return found


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("op", ["relu", "softmax", "softmax_cross_entropy"])
def test_the_same_bits(monkeypatch, op, shape, dtype, order):
    for name in ("SHARED", "CHEAP"):
        monkeypatch.setattr(_blocks, name, 1 << 40)
    whole = results(op, shape, dtype, order)
    for name in ("SHARED", "CHEAP"):
        monkeypatch.setattr(_blocks, name, 1)
    for block, threads in ((1 << 15, 1), (1 << 15, 3), (1000, 2)):
        monkeypatch.setattr(_blocks, "BLOCK", block)
        monkeypatch.setattr(_blocks, "_threads", lambda n=threads: n)
        for a, b in zip(whole, results(op, shape, dtype, order), strict=True):
            assert a.dtype == b.dtype
            assert a.tobytes() == b.tobytes()


def test_every_row_goes_to_a_kernel_once(monkeypatch):
    monkeypatch.setattr(_blocks, "_threads", lambda: 4)
    counts, scale = np.zeros((1003, 1000)), np.full((1, 1), 2.0)

    def kernel(counts, scale):
        assert scale.shape == (1, 1)
        counts += scale

    by_rows(kernel, counts, scale)
    assert (counts == 2).all()


def test_what_a_kernel_raises_in_a_thread_is_raised(monkeypatch):
    monkeypatch.setattr(_blocks, "_threads", lambda: 2)

    def kernel(a):
        if a[0, 0]:
            raise ZeroDivisionError("in the second half")

    with pytest.raises(ZeroDivisionError, match="second half"):
        by_rows(kernel, np.repeat([[0.0], [1.0]], 500, axis=0) * np.ones(1000))


def test_threads_are_as_many_as_blas_is_told(monkeypatch):
    count = _blocks._threads.__wrapped__
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert count() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "0")
    assert 1 <= count() <= os.cpu_count()


FORKED = """
import os, warnings
import numpy as np
import reference
from reference import _blocks
_blocks._threads = lambda: 2
warnings.simplefilter("ignore")  # of a process with threads that forks: the point of the test
x = np.ones((1000, 1000))
reference.softmax(x)  # the parent has a pool now
child = os.fork()
if not child:
    os._exit(0 if (reference.softmax(x) == 1e-3).all() else 1)
raise SystemExit(os.waitpid(child, 0)[1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_has_threads_of_its_own():
    assert subprocess.run([sys.executable, "-c", FORKED], timeout=60, check=False).returncode == 0


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_select_is_where_bit_for_bit(dtype):
    values = np.array([np.nan, -np.nan, np.inf, -np.inf, -0.0, 1.5, np.finfo(dtype).tiny / 4], dtype)
    for where in (np.ones(7, bool), np.zeros(7, bool), np.arange(7) % 2 == 0):
        result = np.full_like(values, 7)
        select(where, values, result)
        assert result.tobytes() == np.where(where, values, values.dtype.type(0)).tobytes()
    strided, result = np.repeat(values, 2)[::-2], np.empty_like(values)
    select(strided > 0, strided, result)
    assert result.tobytes() == np.where(strided > 0, strided, values.dtype.type(0)).tobytes()


def test_a_kernel_computes_in_its_result_unless_that_is_too_narrow():
    result = np.zeros(3, np.float32)
    assert working(result) is result
    half = np.zeros(3, np.float16)
    computed = working(half)
    assert computed.dtype == np.float32
    computed[...] = 1 / 3
    store(half, computed)
    assert (half == np.float16(1 / 3)).all()


@pytest.mark.filterwarnings("error")
def test_large_arrays_warn_of_nothing_either():
    x = np.full((1024, 1024), -np.inf)
    assert np.isnan(reference.softmax(x)).all()
