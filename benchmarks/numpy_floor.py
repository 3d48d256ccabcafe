"""What plain NumPy cannot do better: the floor under the reference, beside the frameworks' whole op, on one thread.

    python benchmarks/numpy_floor.py

- Large: NumPy's exponential alone, and the five operations of a softmax into arrays that are there, against the whole
  torch.softmax and jax.nn.softmax.
- Small (8x10): the formulas of both passes in bare NumPy, without a check, a copy or a class, against the reference's
  classes, torch and one compiled function of jax; and where the reference's time goes.
"""

from __future__ import annotations

# ruff: noqa: E402  (the environment is set first)
import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC"):
    os.environ[variable] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import statistics
import sys
import time
from collections.abc import Callable

import jax
import numpy as np
import torch
from machine import versions

import reference
from reference._arrays import as_matrix, reduce_losses, sample_cotangents
from reference._targets import as_targets

fused = sys.modules["reference.softmax_cross_entropy"]  # the name in the package is the function's

jax.config.update("jax_enable_x64", True)
torch.set_num_threads(1)

Call = Callable[[], object]


def medians(calls: dict[str, Call], repeats: int = 25) -> dict[str, float]:
    """Seconds of one call, interleaved."""
    often, times = {}, {name: list[float]() for name in calls}
    for name, call in calls.items():
        call()
        start = time.perf_counter()
        call()
        often[name] = max(1, min(2000, int(0.02 / (time.perf_counter() - start))))
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.perf_counter()
            for _ in range(often[name]):
                call()
            times[name].append((time.perf_counter() - start) / often[name])
    return {name: statistics.median(found) for name, found in times.items()}


def large(shape: tuple[int, int], dtype: str) -> dict[str, Call]:
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    e, tensor, array = np.empty_like(x), torch.from_numpy(x), jax.numpy.asarray(x)
    compiled = jax.jit(jax.nn.softmax)

    def five() -> None:
        np.subtract(x, np.maximum.reduce(x, axis=1, keepdims=True), out=e)
        np.exp(e, out=e)
        np.divide(e, np.add.reduce(e, axis=1, keepdims=True), out=e)

    return {
        "NumPy's exp alone": lambda: np.exp(x, out=e),
        "NumPy's five operations": five,
        "torch.softmax": lambda: torch.softmax(tensor, 1),
        "jax.nn.softmax": lambda: jax.block_until_ready(compiled(array)),
    }


def small() -> dict[str, dict[str, Call]]:
    rng = np.random.default_rng(0)
    x, g = (rng.standard_normal((8, 10)).astype(np.float32) for _ in range(2))
    labels, rows, p = rng.integers(0, 10, 8), np.arange(8), reference.softmax(x)
    ids = torch.from_numpy(labels)

    def fused() -> None:
        top = np.maximum.reduce(x, axis=1, keepdims=True)
        e = np.exp(x - top)
        total = np.add.reduce(e, axis=1, keepdims=True)
        np.add.reduce(np.log(total)[:, 0] - (x[rows, labels] - top[:, 0])) / np.float32(8)
        e /= total
        at_labels = (e[rows, labels] - 1) / np.float32(8)
        d = e * np.float32(1 / 8)
        d[rows, labels] = at_labels

    def cross_entropy() -> None:
        q = p[rows, labels]
        np.add.reduce(-np.log(q)) / np.float32(8)
        d = np.zeros((8, 10), np.float32)
        d[rows, labels] = np.float32(-1 / 8) / q

    def softmax() -> None:
        e = np.exp(x - np.maximum.reduce(x, axis=1, keepdims=True))
        e /= np.add.reduce(e, axis=1, keepdims=True)
        e * (g - np.add.reduce(e * g, axis=1, keepdims=True))

    @jax.jit
    def both(x: jax.Array, labels: jax.Array) -> object:
        def loss(x: jax.Array) -> jax.Array:
            return -jax.numpy.take_along_axis(jax.nn.log_softmax(x), labels[:, None], axis=1).mean()

        return jax.value_and_grad(loss)(x)

    @jax.jit
    def softmax_both(x: jax.Array, g: jax.Array) -> object:
        y, pull = jax.vjp(jax.nn.softmax, x)
        return y, pull(g)

    leaf = torch.from_numpy(x).requires_grad_()
    cotangent, array, jax_ids, jax_g = (
        torch.from_numpy(g),
        jax.numpy.asarray(x),
        jax.numpy.asarray(labels),
        jax.numpy.asarray(g),
    )
    layer, loss, entropy = reference.Softmax(), reference.SoftmaxCrossEntropy(), reference.CategoricalCrossEntropy()
    return {
        "softmax": {
            "bare NumPy": softmax,
            "reference": lambda: (layer.forward(x), layer.backward(g)),
            "torch": lambda: torch.autograd.grad(torch.softmax(leaf, 1), leaf, cotangent),
            "jax": lambda: jax.block_until_ready(softmax_both(array, jax_g)),
        },
        "cross_entropy": {
            "bare NumPy": cross_entropy,
            "reference": lambda: (entropy.calculate(p, labels), entropy.backward(p, labels)),
        },
        "softmax_cross_entropy": {
            "bare NumPy": fused,
            "reference": lambda: (loss.forward(x, labels), loss.backward(loss.output, labels)),
            "torch": lambda: torch.autograd.grad(torch.nn.functional.cross_entropy(leaf, ids), leaf),
            "jax": lambda: jax.block_until_ready(both(array, jax_ids)),
        },
    }


def parts() -> dict[str, Call]:
    """The work inside both passes of the reference's fused loss on 8x10."""
    rng = np.random.default_rng(0)
    x, labels = rng.standard_normal((8, 10)).astype(np.float32), rng.integers(0, 10, 8)
    layer = reference.SoftmaxCrossEntropy()
    losses, output, g = np.empty(8, x.dtype), np.empty_like(x), np.full((1, 1), 0.125, x.dtype)

    def checks() -> None:
        for _ in range(2):
            as_targets(labels, *as_matrix("x", x).shape)

    def formulas() -> None:
        fused._losses_and_softmax(losses, output, x, labels)
        fused._vjp_of_output(output, g, x, labels)

    def warnings_off() -> None:
        for _ in range(4):
            with np.errstate(all="ignore"):
                pass

    def reduction() -> None:
        reduce_losses(losses, "mean", x.dtype)
        sample_cotangents(1.0, 8, "mean", x.dtype)

    return {
        "both passes": lambda: (layer.forward(x, labels), layer.backward(layer.output, labels)),
        "of it: the formulas": formulas,
        "of it: shapes, dtypes, labels": checks,
        "of it: mean, cotangent": reduction,
        "of it: NumPy's warnings, off": warnings_off,
    }


def main() -> None:
    for shape in ((256, 1024), (2048, 1000)):
        for dtype in ("float32", "float64"):
            print(f"softmax forward {shape[0]}x{shape[1]} {dtype}")
            for name, seconds in medians(large(shape, dtype)).items():
                print(
                    f"    {name:28}{seconds * 1e6:10.1f} us{seconds * 1e9 / (shape[0] * shape[1]):8.2f} ns an element"
                )
    for op, calls in small().items():
        print(f"{op} 8x10 float32, both passes")
        for name, seconds in medians(calls).items():
            print(f"    {name:28}{seconds * 1e6:10.1f} us")
    print("where the reference's time goes: softmax_cross_entropy 8x10 float32")
    for name, seconds in medians(parts()).items():
        print(f"    {name:32}{seconds * 1e6:6.1f} us")
    print(versions(), "1 thread")


if __name__ == "__main__":
    main()
