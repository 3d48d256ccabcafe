"""Right layers written in other ways pass: how often is one of them flagged?

    python benchmarks/right_layers.py --examples 10000

Every right layer of tests/mutants (einsum, loops, chunks, log-sum-exp, online softmax, float64 inside, ...), the
reference, and the ops in torch, jax and Numba where those are installed, each through `check_layer` in float32 and
float64. Exits 1 if any is flagged.
"""

from __future__ import annotations

import argparse
import importlib.util
import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from oracles import Layer, check_layer
from oracles.candidates.layer import reference_layer
from oracles.ops import OPS

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from mutants import RIGHT


def layers() -> Iterator[tuple[str, Layer]]:
    for right in RIGHT:
        yield str(right), right.layer
    for op in OPS:
        yield f"{op}-reference", reference_layer(op)
    for framework, make in (("torch", of_torch), ("jax", of_jax), ("numba", of_numba)):
        if importlib.util.find_spec(framework):
            for op, layer in make():
                yield f"{op}-{framework}", layer
        else:
            print(f"skipped: {framework} is not installed")


def of_torch() -> Iterator[tuple[str, Layer]]:
    import torch
    from torch.nn import functional

    def dense(inputs, weights, biases):
        return inputs @ weights + biases

    def relu(inputs):
        return torch.relu(inputs)

    def cross_entropy(probabilities, targets):
        if targets.ndim == 2:
            return -(targets * torch.where(targets == 0, 1.0, probabilities).log()).sum(dim=1).mean()
        return -probabilities.gather(1, targets[:, None]).log().mean()

    yield "dense", Layer.from_torch("dense", dense)
    yield "relu", Layer.from_torch("relu", relu, any_rank=True)
    yield "softmax", Layer.from_torch("softmax", lambda x: functional.softmax(x, dim=-1), any_rank=True)
    yield "cross_entropy", Layer.from_torch("cross_entropy", cross_entropy)
    yield "softmax_cross_entropy", Layer.from_torch("softmax_cross_entropy", functional.cross_entropy)


def of_jax() -> Iterator[tuple[str, Layer]]:
    import jax
    import jax.numpy as jnp

    def softmax_cross_entropy(logits, targets):
        rows = jax.nn.one_hot(targets, logits.shape[1], dtype=logits.dtype) if targets.ndim == 1 else targets
        losses = -jnp.where(rows == 0, 0, rows * jax.nn.log_softmax(logits)).sum(axis=1)
        return losses.mean()

    yield "dense", Layer.from_jax("dense", jax.jit(lambda x, w, b: jnp.dot(x, w) + b))
    yield "relu", Layer.from_jax("relu", jax.jit(jax.nn.relu))
    yield "softmax", Layer.from_jax("softmax", jax.jit(jax.nn.softmax))
    yield "softmax_cross_entropy", Layer.from_jax("softmax_cross_entropy", jax.jit(softmax_cross_entropy))


def of_numba() -> Iterator[tuple[str, Layer]]:
    import numba

    @numba.njit
    def dense(x, w, b):
        y = np.empty((x.shape[0], w.shape[1]), x.dtype)
        for i in range(x.shape[0]):
            for j in range(w.shape[1]):
                total = b[0, j]
                for k in range(x.shape[1]):
                    total += x[i, k] * w[k, j]
                y[i, j] = total
        return y

    @numba.njit
    def dense_vjp(g, x, w, b):
        dx, dw, db = np.zeros(x.shape, w.dtype), np.zeros(w.shape, w.dtype), np.zeros(b.shape, w.dtype)
        for i in range(x.shape[0]):
            for j in range(w.shape[1]):
                db[0, j] += g[i, j]
                for k in range(x.shape[1]):
                    dx[i, k] += g[i, j] * w[k, j]
                    dw[k, j] += x[i, k] * g[i, j]
        return dx, dw, db

    @numba.njit
    def softmax(x):
        y = np.empty(x.shape, x.dtype)
        for i in range(x.shape[0]):
            top = x[i, 0]
            for j in range(x.shape[1]):
                if x[i, j] > top or np.isnan(x[i, j]):
                    top = x[i, j]
            total = x.dtype.type(0)
            for j in range(x.shape[1]):
                y[i, j] = np.exp(x[i, j] - top)
                total += y[i, j]
            for j in range(x.shape[1]):
                y[i, j] /= total
        return y

    @numba.njit
    def softmax_vjp(g, x):
        y = softmax(x)
        for i in range(x.shape[0]):
            dot = x.dtype.type(0)
            for j in range(x.shape[1]):
                dot += y[i, j] * g[i, j]
            for j in range(x.shape[1]):
                y[i, j] *= g[i, j] - dot
        return y

    def vjp(g, x, w, b):  # integer inputs are no case for a compiled kernel
        return dense_vjp(g, np.asarray(x, w.dtype), w, b)

    yield "dense", Layer("dense", forward=lambda x, w, b: dense(np.asarray(x, w.dtype), w, b), vjp=vjp)
    yield "softmax", Layer("softmax", forward=softmax, vjp=softmax_vjp)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=10_000, help="cases a claim and dtype")
    parser.add_argument("--only", default="", help="layers whose name contains this text")
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    flagged = 0
    for name, layer in layers():
        if arguments.only not in name:
            continue
        start = time.perf_counter()
        report = check_layer(layer, oracles=["exact"], max_examples=arguments.examples, seed=arguments.seed)
        flagged += not report.passed
        margin = max(m.worst for m in report.margins)
        outcome = "passed" if report.passed else "FLAGGED"
        seconds = time.perf_counter() - start
        print(f"{outcome:8}{name:40}{report.cases:8} cases{margin:8.3f} worst margin{seconds:7.0f} s", flush=True)
        for verdict in report.failures:
            print(verdict, flush=True)
    versions = [
        f"{n} {importlib.import_module(n).__version__}" for n in ("numpy", "torch", "jax", "numba") if n in sys.modules
    ]
    print(f"{flagged} flagged; {', '.join(versions)}; Python {platform.python_version()}, {platform.machine()}")
    sys.exit(1 if flagged else 0)


if __name__ == "__main__":
    main()
