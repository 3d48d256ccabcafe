"""The worst margins of the reference, torch and jax over many cases: the table of docs/bounds.md.

    python benchmarks/margins.py --cases 100000 --workers 2 --json margins.json

Each op gets that many cases in float32 and float64 together and a fifth as many in the two half precisions, over
pools of shapes drawn afresh. Exits 1 if any margin in float32 or float64 exceeds 1.
"""

from __future__ import annotations

# ruff: noqa: E402  (the environment is set first)
import os

# one thread a worker: set before any library reads them
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import argparse
import json
import platform
import sys
import time
from collections.abc import Iterator
from functools import partial
from multiprocessing import get_context

import numpy as np

from oracles.conformance.agreement import check_agreement
from oracles.conformance.layer import reference_layer
from oracles.conformance.referee import Tally
from oracles.ops import OPS
from oracles.registry import load

FULL, HALF = ("float32", "float64"), ("float16", "bfloat16")
CHUNK = 5000  # cases a pool of shapes; a few more are asked for, since shapes share them evenly
ORACLES = ("torch", "jax")

Row = dict[str, object]


def chunk(job: tuple[str, str, int], per_pool: int) -> tuple[int, list[Row]]:
    op, dtype, seed = job
    tally = Tally()
    loaded = [load(name) for name in ORACLES]
    check_agreement(reference_layer(op), loaded, [dtype], examples=per_pool, seed=seed, tally=tally)
    rows = [
        {"op": m.op, "result": m.result, "dtype": m.dtype, "source": m.source, "worst": m.worst, "cases": m.cases}
        | {"unclaimed": m.unclaimed, "case": m.case.to_json() if m.case else ""}
        for m in tally.margins()
    ]
    return tally.cases, rows


def jobs(cases: int, seed: int, ops: list[str]) -> Iterator[tuple[str, str, int]]:
    for op in ops:
        for dtypes, total in ((FULL, cases), (HALF, cases // 5)):
            pools = -(-total // (len(dtypes) * CHUNK))
            yield from ((op, dtype, seed + pool) for pool in range(pools) for dtype in dtypes)


def merge(worst: dict[tuple[str, str, str, str], Row], rows: list[Row]) -> None:
    for row in rows:
        key = (str(row["op"]), str(row["result"]), str(row["dtype"]), str(row["source"]).partition(".")[0])
        known = worst.get(key)
        if known is None:
            worst[key] = dict(row)
            continue
        total = known["cases"] + row["cases"]
        known["unclaimed"] = (known["unclaimed"] * known["cases"] + row["unclaimed"] * row["cases"]) / total
        if row["worst"] > known["worst"]:
            known.update(worst=row["worst"], case=row["case"])
        known["cases"] = total


def print_table(worst: dict[tuple[str, str, str, str], Row]) -> None:
    sources = ("reference", *ORACLES)
    print(f"| op | result | dtype | cases | {' | '.join(sources)} | unclaimed |")
    print("|---|---|---|--:|" + "--:|" * (len(sources) + 1))
    for op, result, dtype in dict.fromkeys(key[:3] for key in sorted(worst, key=order)):
        cells = [worst.get((op, result, dtype, s)) for s in sources]
        texts = [f"{c['worst']:.2f}" if c else "-" for c in cells]
        first = worst[op, result, dtype, "reference"]
        print(f"| {op} | {result} | {dtype} | {first['cases']} | {' | '.join(texts)} | {first['unclaimed']:.1%} |")


def order(key: tuple[str, str, str, str]) -> tuple[int, int, str]:
    return list(OPS).index(key[0]), (*FULL, *HALF).index(key[2]), key[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=100_000, help="cases an op in float32 and float64 together")
    parser.add_argument("--op", action="append", choices=OPS, help="only this op; may be repeated")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", help="write the rows, worst cases included, to this file")
    arguments = parser.parse_args()
    start, done, worst = time.perf_counter(), 0, {}
    todo = list(jobs(arguments.cases, arguments.seed, arguments.op or list(OPS)))
    # fresh processes now and then: jax keeps what it has compiled
    with get_context("spawn").Pool(arguments.workers, maxtasksperchild=8) as pool:
        for count, (cases, rows) in enumerate(pool.imap(partial(chunk, per_pool=CHUNK + 100), todo), 1):
            done += cases
            merge(worst, rows)
            elapsed = time.perf_counter() - start
            print(f"\r{done} cases, {count}/{len(todo)} pools, {elapsed:.0f} s", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print_table(worst)
    versions = ", ".join(f"{name} {load(name).version}" for name in ORACLES)
    print(f"\n{done} cases in {time.perf_counter() - start:.0f} s with {arguments.workers} workers;")
    print(f"numpy {np.__version__}, {versions}; Python {platform.python_version()}, {platform.machine()}")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump([{**row, "worst": repr(row["worst"])} for row in worst.values()], file, indent=1)
    return int(any(row["worst"] > 1 for (_, _, dtype, _), row in worst.items() if dtype in FULL))


if __name__ == "__main__":
    sys.exit(main())
