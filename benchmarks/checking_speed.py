"""Verified cases a second at 20x20, against gradcheck and check_grads, in one process, interleaved.

    python benchmarks/checking_speed.py
    python benchmarks/checking_speed.py --size 50 --repeats 9 --json cases.json

- backproof: cases drawn by Hypothesis, on which the reference's output and every gradient are held against the truth
  within their bounds ("exact"), and torch's and jax's as well ("all"); in float32 and in float64.
- torch.autograd.gradcheck at its defaults, and in its fast mode, which checks one random projection; on torch's own op
  in float64, the only dtype it is meant for.
- jax.test_util.check_grads in reverse mode, order 1, at its defaults; on jax's own op under jit, in float64.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import jax
import jax.test_util
import numpy as np
import torch
from machine import versions, write_json

from oracles import load
from oracles.candidates.layer import reference_layer
from oracles.cases.frames import Frame
from oracles.cases.generation import Variety
from oracles.claims.referee import Tally, judge_layer, judge_oracle, truth_for
from oracles.claims.search import try_cases
from oracles.data.case import Case
from oracles.ops import OPS
from oracles.sources.jax.oracle import PRIMALS as JAX
from oracles.sources.torch.oracle import PRIMALS as TORCH

jax.config.update("jax_enable_x64", True)

PLAIN = Variety(layouts=False, special=False)
SECONDS = 0.3  # of a peer in each repeat
COUNT = 60  # cases of ours in each

Many = Callable[[], int]  # checks some cases, and says how many


def ours(op: str, dtype: str, size: int, names: tuple[str, ...]) -> Many:
    layer, oracles = reference_layer(op), [load(name) for name in names]
    frame = Frame(op, (size, size, size) if op == "dense" else (size, size))
    seeds = iter(range(10**9))

    def judge(case: Case) -> None:
        truth, tally = truth_for(layer, case), Tally()
        for oracle in oracles:
            judge_oracle(oracle, case, truth, tally)
        judge_layer(layer, case, truth, tally)

    def many() -> int:
        tried, found = try_cases(judge, frame, dtype, COUNT, next(seeds), PLAIN)
        assert found is None
        return tried

    return many


def until(check: Callable[[], object]) -> Many:
    def many() -> int:
        done, start = 0, time.perf_counter()
        while time.perf_counter() - start < SECONDS:
            check()
            done += 1
        return done

    return many


def peers(op: str, size: int) -> dict[str, Many]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((size, size))
    arrays = {"dense": [x, rng.standard_normal((size, size)), rng.standard_normal((1, size))]}.get(op, [x])
    if op == "cross_entropy":
        arrays = [rng.uniform(0.5, 1, (size, size)) / size]  # on a small probability check_grads raises a false alarm
    labels = np.arange(size)
    options = {
        "cross_entropy": {"reduction": "mean", "clip": None},
        "softmax_cross_entropy": {"reduction": "mean"},
    }.get(op)
    tensors = [torch.from_numpy(a).requires_grad_() for a in arrays]
    ids = torch.from_numpy(labels)

    def of_torch(*given: torch.Tensor) -> torch.Tensor:
        return TORCH[op](*given) if options is None else TORCH[op](*given, ids, **options)

    @jax.jit
    def of_jax(*given: jax.Array) -> jax.Array:
        return JAX[op](*given) if options is None else JAX[op](*given, labels, **options)

    return {
        "gradcheck": until(lambda: torch.autograd.gradcheck(of_torch, tensors)),
        "gradcheck, fast": until(lambda: torch.autograd.gradcheck(of_torch, tensors, fast_mode=True)),
        "check_grads": until(lambda: jax.test_util.check_grads(of_jax, arrays, order=1, modes=["rev"])),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=20, help="samples, features and neurons")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", help="write the rows to this file")
    arguments = parser.parse_args()
    rows = []
    for op in OPS:
        calls = {
            f"backproof {dtype}, {how}": ours(op, dtype, arguments.size, names)
            for dtype in ("float32", "float64")
            for how, names in (("exact", ()), ("all", ("torch", "jax")))
        } | peers(op, arguments.size)
        rates: dict[str, list[float]] = {name: [] for name in calls}
        for repeat in range(arguments.repeats + 1):
            for name, call in calls.items():
                start = time.perf_counter()
                done = call()
                if repeat:  # the first compiles
                    rates[name].append(done / (time.perf_counter() - start))
        row = {name: statistics.quantiles(found, n=4) for name, found in rates.items()}
        rows.append({"op": op, "cases_a_second": row})
        if op == next(iter(OPS)):
            print(f"{'':24}" + "".join(f"{name:>27}" for name in row))
        print(f"{op:24}" + "".join(f"{q[1]:15.1f} ({q[0]:.0f}-{q[2]:.0f})".rjust(27) for q in row.values()), flush=True)
    print(f"cases a second at {arguments.size}x{arguments.size}: medians (quartiles) of {arguments.repeats} repeats")
    for ours_, peer in (("backproof float64, all", "gradcheck"), ("backproof float64, exact", "gradcheck")):
        ratios = [row["cases_a_second"][ours_][1] / row["cases_a_second"][peer][1] for row in rows]
        print(f"{ours_} over {peer}: {min(ratios):.1f} to {max(ratios):.1f}")
    print(versions())
    if arguments.json:
        write_json(arguments.json, rows=rows)


if __name__ == "__main__":
    main()
