"""Seconds and peak memory of the reference, the oracles and a judgement, by the size of the case.

    python benchmarks/cost_by_size.py                       # 10^3 to 10^7 elements, float32
    python benchmarks/cost_by_size.py --dtype float64 --only softmax --largest 6
    python benchmarks/cost_by_size.py --json cost.json --plot cost.svg

One case of each size, some square root of it wide, in a process of its own that runs nothing else. Memory is the
process's peak (Linux) above what it held when the case and the frameworks were there, in copies of the case: all its
arrays, the cotangent included; below 10^5 elements it is that of the code. The steps: forward and backward of the
reference, torch's and jax's (compiled before), the truth with its bounds, and the comparison of one result with it.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from machine import versions, write_json

from oracles import Case, Result, load
from oracles.candidates.layer import reference_layer
from oracles.candidates.run import run
from oracles.claims.truth import Truth
from oracles.ops import OPS

STEPS = ("reference", "torch", "jax", "truth", "comparison")


def case_of(op: str, dtype: str, elements: int) -> Case:
    """Standard normal values, uniform labels; `elements` in the largest array."""
    rng = np.random.default_rng(0)
    side = math.isqrt(elements)

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, dtype=dtype)

    if op == "dense":
        return Case(op, [normal(side, side), normal(side, side), normal(1, side)], normal(side, side))
    x = normal(side, elements // side)
    if op in ("relu", "softmax"):
        return Case(op, [x], normal(*x.shape))
    labels = rng.integers(0, x.shape[1], len(x))
    if op == "cross_entropy":
        np.exp(x, out=x)
        x /= x.sum(axis=1, keepdims=True)
    return Case(op, [x, labels], np.ones((), dtype))


def peak() -> float:
    """Bytes, so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def held() -> float:
    """Bytes, now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def one(op: str, dtype: str, elements: int, step: str) -> dict[str, float]:
    """Seconds of the second call (the third of a quick one), and the peak of all."""
    case = case_of(op, dtype, elements)
    layer = reference_layer(op)
    small = case_of(op, dtype, 1000)
    calls: dict[str, Callable[[], object]] = {
        "reference": lambda: run(layer, case),
        "truth": lambda: Truth.of(case),
    }
    if step in ("torch", "jax"):
        oracle = load(step)
        oracle.vjp(small)
        calls[step] = lambda: oracle.vjp(case)
    else:
        Truth.of(small).judge(run(layer, small))
    if step == "comparison":
        truth, result = Truth.of(case), run(layer, case)
        calls[step] = lambda: truth.judge(Result(result.output, result.gradients))
    before = held()
    call, times = calls[step], []
    while len(times) < 2 or (sum(times) < 0.2 and len(times) < 20):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    size = sum(a.nbytes for a in (*case.primals.values(), case.cotangent))
    return {"seconds": min(times[1:]), "copies": max(0.0, peak() - before) / size}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--only", default="", help="ops whose name begins like this")
    parser.add_argument("--smallest", type=int, default=3, help="10 to the power of this")
    parser.add_argument("--largest", type=int, default=7, help="10 to the power of this")
    parser.add_argument("--json", help="write the rows to this file")
    parser.add_argument("--plot", help="draw seconds by size into this file")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        op, dtype, elements, step = arguments.one.split(",")
        print(json.dumps(one(op, dtype, int(elements), step)))
        return
    rows = []
    print(f"{'':35}" + "".join(f"{step:>22}" for step in STEPS))
    for op in OPS:
        for power in range(arguments.smallest, arguments.largest + 1) if op.startswith(arguments.only) else ():
            row: dict[str, dict[str, float]] = {}
            for step in STEPS:
                given = f"{op},{arguments.dtype},{10**power},{step}"
                done = subprocess.run([sys.executable, __file__, "--one", given], capture_output=True, text=True)
                if done.returncode:
                    sys.exit(f"{given}: {done.stderr}")
                row[step] = json.loads(done.stdout)
            rows.append({"op": op, "dtype": arguments.dtype, "elements": 10**power, "steps": row})
            shown = "".join(f"{row[s]['seconds'] * 1e3:11.2f} ms {row[s]['copies']:6.1f} x" for s in STEPS)
            print(f"{op:22} 10^{power} {arguments.dtype:8}{shown}", flush=True)
    print(versions())
    if arguments.json:
        write_json(arguments.json, rows=rows)
    if arguments.plot:
        plot(rows, arguments.plot)


def plot(rows: list[dict[str, object]], path: str) -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(OPS), figsize=(15, 3.6), sharey=True)
    for axis, op in zip(axes, OPS, strict=True):
        mine = [row for row in rows if row["op"] == op]
        for step in STEPS:
            axis.loglog([r["elements"] for r in mine], [r["steps"][step]["seconds"] for r in mine], "o-", label=step)
        axis.set(title=op, xlabel="elements of the largest array")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("seconds")
    axes[0].legend()
    figure.tight_layout()
    figure.savefig(path)


if __name__ == "__main__":
    main()
