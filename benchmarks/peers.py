"""What the checks in common use see of wrong layers, side by side with backproof: kills, false alarms, seconds.

    python benchmarks/peers.py                      # on the wrong and right layers of tests/mutants
    python benchmarks/peers.py CORPUS --details     # on a folder of layers, and which practice misses which layer

A practice catches a layer that makes it raise,
for whatever reason. Each is given well-conditioned random inputs of distinct sizes, its documented defaults, and a
fresh instance for every forward pass.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.test_util
import numpy as np
import torch
from corpus import Row, corpus
from numpy.testing import assert_allclose

from oracles import Case, Layer, check_layer, load
from oracles.ops import OPS

SEED = 0
SMALL, LARGER = (5, 4, 3), (37, 19, 11)  # samples, inputs or classes, neurons
GRADIENTS = {"inputs": "dinputs", "weights": "dweights", "biases": "dbiases"}
LOSSES = ("cross_entropy", "softmax_cross_entropy")

Arrays = dict[str, Any]


# --- the layers and their inputs


def random_case(op: str, sizes: tuple[int, int, int], dtype: str, seed: int) -> Case:
    """Standard normal inputs, probabilities of a softmax of such, uniform class ids, a normal cotangent."""
    rng = np.random.default_rng(seed)
    n, k, m = sizes

    def normal(*shape: int) -> Any:
        return rng.standard_normal(shape).astype(dtype)

    if op == "dense":
        return Case(op, [normal(n, k), normal(k, m), normal(1, m)], normal(n, m))
    if op not in LOSSES:
        return Case(op, [normal(n, k)], normal(n, k))
    first = normal(n, k)
    if op == "cross_entropy":
        first = np.exp(first) / np.exp(first).sum(axis=1, keepdims=True)
    return Case(op, [first, rng.integers(0, k, n)], np.ones((), dtype))


class Call:
    """One forward pass of a fresh instance, and the backward passes after it."""

    def __init__(self, row: Row, arrays: Arrays) -> None:
        self.op, self.arrays = row.op, arrays
        self.object = row.make(*arrays["weights"].shape) if row.op == "dense" else row.make()
        if row.op == "dense":
            self.object.weights, self.object.biases = arrays["weights"], arrays["biases"]
        given = [a for name, a in arrays.items() if name not in ("weights", "biases")]
        returned = self.object.forward(*given)
        output = np.asarray(self.object.output if returned is None else returned)
        self.output = np.asarray(output.mean()) if row.op in LOSSES else output

    def backward(self, cotangent: Any) -> list[Any]:
        """The gradients in the order of the op's primals; those of a loss are scaled by the cotangent."""
        if self.op in LOSSES:
            first, targets = self.arrays.values()
            self.object.backward(first if self.op == "cross_entropy" else self.object.output, targets)
            return [np.asarray(self.object.dinputs) * cotangent]
        self.object.backward(cotangent)
        return [np.asarray(getattr(self.object, GRADIENTS[name])) for name in OPS[self.op].differentiable]


# --- the practices; each raises where it finds fault


def against_torch(row: Row, case: Case, rtol: float, atol: float) -> None:
    arrays = {name: a.copy() for name, a in case.primals.items()}
    call = Call(row, arrays)
    gradients = call.backward(case.cotangent.copy())
    expected = load("torch").vjp(case)
    assert_allclose(call.output, expected.output, rtol=rtol, atol=atol)
    for actual, truth in zip(gradients, expected.gradients.values(), strict=True):
        assert_allclose(actual, truth, rtol=rtol, atol=atol)


def allclose_1e7(row: Row) -> None:
    against_torch(row, random_case(row.op, SMALL, "float32", SEED), 1e-7, 0)


def allclose_1e5(row: Row) -> None:
    against_torch(row, random_case(row.op, SMALL, "float32", SEED), 1e-5, 1e-6)


def gradcheck(row: Row) -> None:
    case = random_case(row.op, SMALL, "float64", SEED)
    differentiable = OPS[row.op].differentiable
    others = {name: a.copy() for name, a in case.primals.items() if name not in differentiable}

    class Function(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *tensors: torch.Tensor) -> torch.Tensor:
            arrays = {n: t.detach().numpy() for n, t in zip(differentiable, tensors, strict=True)}
            ctx.call = Call(row, arrays | others)
            return torch.from_numpy(ctx.call.output.copy())

        @staticmethod
        def backward(ctx: Any, cotangent: torch.Tensor) -> Any:
            return tuple(torch.from_numpy(g.copy()) for g in ctx.call.backward(cotangent.contiguous().numpy()))

    leaves = [torch.from_numpy(case.primals[name].copy()).requires_grad_() for name in differentiable]
    torch.autograd.gradcheck(Function.apply, leaves)


def check_grads(row: Row) -> None:
    case = random_case(row.op, SMALL, "float64", SEED)
    differentiable = OPS[row.op].differentiable
    others = {name: a.copy() for name, a in case.primals.items() if name not in differentiable}
    leaves = [case.primals[name] for name in differentiable]
    shapes = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in leaves]

    def call(*given: Any) -> Call:
        arrays = {name: np.array(a) for name, a in zip(differentiable, given, strict=True)}
        return Call(row, arrays | others)

    @jax.custom_vjp
    def function(*given: Any) -> Any:
        output = jax.ShapeDtypeStruct(case.cotangent.shape, case.dtype)
        return jax.pure_callback(lambda *a: call(*a).output, output, *given)

    def backward(given: Any, cotangent: Any) -> Any:
        def gradients(g: Any, *a: Any) -> Any:
            return tuple(call(*a).backward(np.array(g)))

        return jax.pure_callback(gradients, tuple(shapes), cotangent, *given)

    function.defvjp(lambda *given: (function(*given), given), backward)
    jax.test_util.check_grads(function, [jax.numpy.asarray(a) for a in leaves], order=1, modes=("rev",))


def five_inputs(row: Row) -> None:
    for seed in range(5):
        against_torch(row, random_case(row.op, LARGER, "float32", seed), 1e-2, 1e-2)


def backproof(row: Row) -> None:
    check_layer(Layer.from_class(row.op, row.make), seed=SEED).raise_for_failure()


LAST_FOUR = {
    "`assert_allclose(rtol=1e-5, atol=1e-6)`, the same": allclose_1e5,
    "`torch.autograd.gradcheck`, float64, defaults": gradcheck,
    "`jax.test_util.check_grads`, reverse mode, float64": check_grads,
    "five random inputs, `atol = rtol = 1e-2`": five_inputs,
}
TOGETHER, OURS = "the last four together", "**backproof**, `check_layer` at its defaults"
PRACTICES: dict[str, Callable[[Row], None]] = {
    "`assert_allclose(rtol=1e-7)` against torch, one random batch": allclose_1e7,
    **LAST_FOUR,
    OURS: backproof,
}


def catches(practice: Callable[[Row], None], row: Row) -> tuple[bool, float]:
    """Whether the practice raises on the layer, and the seconds it took."""
    start = time.perf_counter()
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            practice(row)
    except Exception:
        return True, time.perf_counter() - start
    return False, time.perf_counter() - start


# --- the table


def table(rows: list[Row], caught: dict[str, set[str]], seconds: dict[str, float]) -> str:
    severities = list(dict.fromkeys(row.severity for row in rows if row.wrong))
    count = {s: sum(row.wrong and row.severity == s for row in rows) for s in severities}
    wrong, right = sum(row.wrong for row in rows), sum(not row.wrong for row in rows)
    heads = [f"wrong layers caught, of {wrong}", f"false alarms, of {right}", "seconds"]
    lines = [f"| practice | {' | '.join([*heads, *(f'{s}, of {n}' for s, n in count.items())])} |"]
    lines.append("|---|" + "--:|" * (len(heads) + len(severities)))
    for name, ids in caught.items():
        kills, alarms = ([r for r in rows if r.wrong == w and r.id in ids] for w in (True, False))
        by_severity = (str(sum(r.severity == s for r in kills)) for s in severities)
        cells = [str(len(kills)), str(len(alarms)), f"{seconds[name]:.0f}", *by_severity]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def details(rows: list[Row], caught: dict[str, set[str]]) -> Iterator[str]:
    for name, ids in caught.items():
        yield f"\n{name}"
        for row in rows:
            if row.wrong != (row.id in ids):
                yield f"  {'misses     ' if row.wrong else 'false alarm'} {row.id}: {row.what}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?", help="a folder of layers; tests/mutants by default")
    parser.add_argument("--only", default="", help="only layers whose id contains this text")
    parser.add_argument("--details", action="store_true", help="say which practice misses which layer")
    parser.add_argument("--json", help="write what each practice caught to this file")
    arguments = parser.parse_args()
    jax.config.update("jax_enable_x64", True)  # else check_grads compares float32 within percents
    logging.disable(logging.ERROR)  # jax logs what a callback raises, and it is counted below
    rows = [row for row in corpus(arguments.corpus) if arguments.only in row.id]
    caught: dict[str, set[str]] = {}
    seconds: dict[str, float] = {}
    for name, practice in PRACTICES.items():
        found = {}
        for i, row in enumerate(rows, 1):
            found[row.id] = catches(practice, row)
            print(f"\r{name}: {i}/{len(rows)} ", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        if practice is backproof:
            caught[TOGETHER] = set().union(*(caught[other] for other in LAST_FOUR))
            seconds[TOGETHER] = sum(seconds[other] for other in LAST_FOUR)
        caught[name] = {id_ for id_, (was, _) in found.items() if was}
        seconds[name] = sum(took for _, took in found.values())
    print(table(rows, caught, seconds))
    versions = ", ".join(f"{m.__name__} {m.__version__}" for m in (np, torch, jax))
    machine = platform.processor() or platform.machine()
    print(f"\n{versions}; Python {platform.python_version()}; {machine}, {os.cpu_count()} cores; seed {SEED}")
    if arguments.details:
        print("\n".join(details(rows, caught)))
    if arguments.json:
        data = {name: {"caught": sorted(ids), "seconds": seconds[name]} for name, ids in caught.items()}
        listed = [{"id": r.id, "op": r.op, "wrong": r.wrong, "severity": r.severity} for r in rows]
        Path(arguments.json).write_text(json.dumps({"layers": listed, "practices": data}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
