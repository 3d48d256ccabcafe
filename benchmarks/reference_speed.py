"""Forward and backward passes of the reference against torch eager and jax.jit, on the CPU, in one process.

    python benchmarks/reference_speed.py                                  # all sizes, float32 and float64
    python benchmarks/reference_speed.py --only softmax --repeats 50
    python benchmarks/reference_speed.py --threads 1 --json speed.json --plot speed.svg

Every repeat calls each source in turn, after a rest, so that what else the machine does meets all of them; medians and
quartiles are of the time of one forward and one backward pass. Arrays are handed over in each framework's own kind
beforehand; jax.jit compiles both passes as one function, and is called once before. The ratio is that of the faster
framework to the reference: over 1, the reference is faster.
"""

from __future__ import annotations

# ruff: noqa: E402  (the environment is set first)
import argparse
import os

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--threads", type=int, default=os.cpu_count(), help="for BLAS, torch, jax and the reference")
parser.add_argument("--only", default="", help="rows whose name contains this text")
parser.add_argument("--repeats", type=int, default=30)
parser.add_argument("--json", help="write the rows to this file")
parser.add_argument("--plot", help="draw the ratios into this file")
ARGUMENTS = parser.parse_args()

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC"):
    os.environ[variable] = str(ARGUMENTS.threads)
if ARGUMENTS.threads == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import math
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
import torch
from machine import versions, write_json

import reference
from oracles import Case
from oracles.ops import get_op

jax.config.update("jax_enable_x64", True)
torch.set_num_threads(ARGUMENTS.threads)

ROWS = ((8, 10), (64, 10), (64, 1000), (256, 1024), (2048, 1000), (512, 32000))
DENSE = ((8, 4, 3), (32, 64, 32), (128, 256, 128), (256, 784, 512), (512, 1024, 1024), (1024, 2048, 2048))
SECONDS = 0.02  # of each source in each repeat, at least one call
REST = 0.06  # before it: the threads of BLAS, OpenMP and XLA spin for a while after their work, on the others' cores
LAYERS = {
    "relu": reference.ReLU,
    "softmax": reference.Softmax,
    "cross_entropy": reference.CategoricalCrossEntropy,
    "softmax_cross_entropy": reference.SoftmaxCrossEntropy,
}

Call = Callable[[], Any]


def cases(dtype: str) -> Iterator[tuple[str, Case]]:
    """Normal values, uniform labels."""
    rng = np.random.default_rng(0)

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, dtype=np.float64).astype(dtype)

    for n, k, m in DENSE:
        yield f"dense {n}x{k}x{m}", Case("dense", [normal(n, k), normal(k, m), normal(1, m)], normal(n, m))
    for op in ("relu", "softmax", "cross_entropy", "softmax_cross_entropy"):
        for n, c in ROWS:
            x, labels = normal(n, c), rng.integers(0, c, n)
            if op in ("relu", "softmax"):
                yield f"{op} {n}x{c}", Case(op, [x], normal(n, c))
            else:
                x = x if op == "softmax_cross_entropy" else reference.softmax(x)
                yield f"{op} {n}x{c}", Case(op, [x, labels], np.ones((), dtype))


def of_reference(case: Case) -> Call:
    """The layer classes: what backward needs of forward is kept, as in the frameworks."""
    arrays = [np.array(a) for a in case.primals.values()]
    g = np.array(case.cotangent)
    if case.op == "dense":
        x, w, b = arrays
        layer = reference.Dense(*w.shape)
        layer.weights, layer.biases = w, b
        return lambda: (layer.forward(x), layer.backward(g))
    layer = LAYERS[case.op]()
    if case.op in ("relu", "softmax"):
        return lambda: (layer.forward(arrays[0]), layer.backward(g))
    if case.op == "cross_entropy":
        return lambda: (layer.calculate(*arrays), layer.backward(*arrays))

    def fused() -> None:
        layer.forward(*arrays)
        layer.backward(layer.output, arrays[1])

    return fused


def of_torch(case: Case) -> Call:
    from oracles.sources.torch.oracle import PRIMALS

    op, options = get_op(case.op), dict(case.options)
    tensors = {n: torch.from_numpy(np.array(a)) for n, a in case.primals.items()}
    leaves = [tensors[n].requires_grad_() for n in op.differentiable]
    g = torch.from_numpy(np.array(case.cotangent))
    primal = PRIMALS[case.op]
    return lambda: torch.autograd.grad(primal(*tensors.values(), **options), leaves, g)


def of_jax(case: Case) -> Call:
    from oracles.sources.jax.oracle import PRIMALS

    op, options = get_op(case.op), dict(case.options)
    arrays = {n: jax.numpy.asarray(np.array(a)) for n, a in case.primals.items()}
    leaves = [arrays[n] for n in op.differentiable]
    others = [arrays[n] for n in op.primals if n not in op.differentiable]

    @jax.jit
    def both(g: Any, leaves: Any, others: Any) -> Any:
        output, pull = jax.vjp(lambda *given: PRIMALS[case.op](*given, *others, **options), *leaves)
        return output, pull(g)

    g = jax.numpy.asarray(np.array(case.cotangent))
    return lambda: jax.block_until_ready(both(g, leaves, others))


def quartiles(calls: dict[str, Call], repeats: int) -> dict[str, list[float]]:
    """Seconds of one call: lower quartile, median, upper quartile, by source."""
    often = {}
    for name, call in calls.items():
        call()
        start = time.perf_counter()
        call()
        often[name] = max(1, min(1000, int(SECONDS / (time.perf_counter() - start))))
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            time.sleep(REST)
            for _ in range(often[name]):  # its own threads wake, and find a core each
                call()
            start = time.perf_counter()
            for _ in range(often[name]):
                call()
            found[name].append((time.perf_counter() - start) / often[name])
    return {name: statistics.quantiles(times, n=4) for name, times in found.items()}


def main() -> None:
    rows = []
    print(f"{'':43}{'reference':>12}{'torch':>12}{'jax':>12}   ratio")
    for dtype in ("float32", "float64"):
        for name, case in cases(dtype):
            if ARGUMENTS.only not in f"{name} {dtype}":
                continue
            calls = {"reference": of_reference(case), "torch": of_torch(case), "jax": of_jax(case)}
            found = quartiles(calls, ARGUMENTS.repeats)
            ratio = min(found["torch"][1], found["jax"][1]) / found["reference"][1]
            rows.append({"name": name, "dtype": dtype, "seconds": found, "ratio": ratio})
            times = "".join(f"{found[source][1] * 1e6:12.1f}" for source in calls)
            print(f"{name:34} {dtype:8}{times}   {ratio:.2f}", flush=True)
    mean = math.exp(statistics.fmean(math.log(row["ratio"]) for row in rows))
    behind = sum(row["ratio"] < 1 for row in rows)
    print(f"microseconds, medians of {ARGUMENTS.repeats} repeats")
    print(f"geometric mean of the ratios {mean:.2f}; behind the faster framework in {behind} of {len(rows)} rows")
    print(f"{versions()}, {ARGUMENTS.threads} threads")
    if ARGUMENTS.json:
        write_json(ARGUMENTS.json, rows=rows, threads=ARGUMENTS.threads)
    if ARGUMENTS.plot:
        plot(rows, ARGUMENTS.plot)


def plot(rows: list[dict[str, Any]], path: str) -> None:
    """How many times as long each framework takes, by op and size: above 1 the reference is faster."""
    from matplotlib import pyplot
    from matplotlib.ticker import FixedLocator, FuncFormatter

    ops = list(dict.fromkeys(row["name"].split()[0] for row in rows))
    figure, axes = pyplot.subplots(1, len(ops), figsize=(3.1 * len(ops), 3.8), sharey=True, squeeze=False)
    for axis, op in zip(axes[0], ops, strict=True):
        axis.axhline(1, color="0.4", linewidth=1)
        for framework, colour in (("torch", "tab:orange"), ("jax", "tab:blue")):
            for dtype, style in (("float32", "o-"), ("float64", "s--")):
                mine = [row for row in rows if row["name"].startswith(f"{op} ") and row["dtype"] == dtype]
                times = [row["seconds"][framework][1] / row["seconds"]["reference"][1] for row in mine]
                sizes = [row["name"].split()[1] for row in mine]
                axis.plot(sizes, times, style, color=colour, label=f"{framework} {dtype}", markersize=4)
        axis.set_title(op)
        axis.set_yscale("log")
        axis.tick_params(axis="x", rotation=60)
        axis.yaxis.set_major_locator(FixedLocator([0.25, 0.5, 1, 2, 4, 8]))
        axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}x"))
        axis.yaxis.set_minor_locator(FixedLocator([]))
        axis.grid(alpha=0.3)
    axes[0][0].set_ylabel("time of the framework / time of the reference")
    axes[0][-1].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path)


if __name__ == "__main__":
    main()
