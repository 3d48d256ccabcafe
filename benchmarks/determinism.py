"""Which ops of torch and jax give the same bits again: in one process, and in another one.

    python benchmarks/determinism.py --device cuda
    python benchmarks/determinism.py --device cuda --json determinism.json

Each op's output and gradients, in every dtype, at a small, an odd and a large shape: `--runs` times in a process, and
in `--processes` of them, in which jax compiles anew, so that it may choose other kernels.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys

import numpy as np
from machine import versions, write_json

from oracles import Case, Recipe, load
from oracles.ops import OPS
from oracles.sources.registry import available

DTYPES = ("float32", "float64", "float16", "bfloat16")
SHAPES = {"small": (8, 10, 7), "odd": (129, 257, 65), "large": (2048, 1024, 1000)}
FRAMEWORKS = ("torch", "jax")


def case_of(op: str, dtype: str, shape: tuple[int, int, int]) -> Case:
    """Uniform values; `shape` is samples, features or classes, and neurons."""
    n, k, m = shape
    x = Recipe("uniform", (n, k), dtype, 1)
    if op == "dense":
        w, b = Recipe("uniform", (k, m), dtype, 2), Recipe("uniform", (1, m), dtype, 3)
        return Case(op, [x, w, b], Recipe("uniform", (n, m), dtype, 4))
    if op in ("relu", "softmax"):
        return Case(op, [x], Recipe("uniform", (n, k), dtype, 5))
    labels = Recipe("ids", (n,), "int64", 6, scale=k)
    first = Recipe("probabilities", (n, k), dtype, 1) if op == "cross_entropy" else x
    return Case(op, [first, labels], np.ones((), dtype))


def digests(name: str, device: str, runs: int) -> dict[str, list[str]]:
    """The different results of each op, dtype and shape by their digests, in this process."""
    oracle, found = load(name, device=device), {}
    for op in OPS:
        for dtype in DTYPES:
            for size, shape in SHAPES.items():
                case, seen = case_of(op, dtype, shape), set()
                for _ in range(runs):
                    digest = hashlib.sha256()
                    for array in oracle.vjp(case).named().values():
                        digest.update(np.ascontiguousarray(array).tobytes())
                    seen.add(digest.hexdigest()[:16])
                found[f"{op} {dtype} {size}"] = sorted(seen)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--json", help="write the rows to this file")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(digests(arguments.one, arguments.device, arguments.runs)))
        return
    found = {}
    for name in (name for name in FRAMEWORKS if name in available()):
        command = [sys.executable, __file__, "--one", name, "--device", arguments.device, "--runs", str(arguments.runs)]
        fresh = {**os.environ, "JAX_ENABLE_COMPILATION_CACHE": "false", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
        started = [
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=fresh) for _ in range(arguments.processes)
        ]
        said = [process.communicate()[0] for process in started]
        if any(process.returncode for process in started):
            sys.exit(f"{name}: a process failed")
        rows = [json.loads(one) for one in said]
        found[name] = {key: [row[key] for row in rows] for key in rows[0]}
    print(f"| op | dtype | {' | '.join(found)} |\n|---|---|{'---|' * len(found)}")
    for op in OPS:
        for dtype in DTYPES:
            cells = [
                "; ".join(f"{size}: {outcome(rows[f'{op} {dtype} {size}'])}" for size in SHAPES)
                for rows in found.values()
            ]
            print(f"| {op} | {dtype} | {' | '.join(map(short, cells))} |")
    print(versions())
    if arguments.json:
        write_json(arguments.json, device=arguments.device, found=found)


def outcome(processes: list[list[str]]) -> str:
    """What the digests of a row's processes come to."""
    if any(len(seen) > 1 for seen in processes):
        return f"{max(map(len, processes))} results in a process"
    results = len({seen[0] for seen in processes})
    return "same bits" if results == 1 else f"{results} results in {len(processes)} processes"


def short(cell: str) -> str:
    """Sizes that are alike are said once."""
    return "same bits" if cell.count("same bits") == len(SHAPES) else cell


if __name__ == "__main__":
    main()
