"""The worst |error| / derived bound of every source, over cases of the declared ops as the suite draws them.

    python benchmarks/declared_margins.py --cases 20000 --op layer_norm --dtype float32

Sources: the oracles (differences on small cases alone), and with --formulations right layers in NumPy, four ways each,
of `tests/formulations.py`. Frames are drawn anew for every 500 cases; jax, which compiles each shape, sees as many
cases, in the frames of the first 500. What is over 1 in float32 or float64 is printed with its case, and the exit is 1.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from oracles import Case, UnsupportedCase, available, load
from oracles.cases.frames import frame_pool, large_frames
from oracles.cases.generation import Variety
from oracles.claims.search import try_cases
from oracles.claims.truth import Truth
from oracles.data.result import Result
from oracles.ops import DECLARATIONS, Op
from oracles.ops import OPS as SUITE

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from formulations import FORMULATIONS

OPS = tuple(name for name in DECLARATIONS if name not in SUITE)
BATCH = 500
# findings (docs/findings.md): a source that is outside by its own doing, by op, source and dtype
KNOWN: frozenset[tuple[str, str, str]] = frozenset()
DIFFERENCES = 24  # numbers of a case above which differences take too long here

Source = Callable[[Case], Result]


@dataclass
class Tally:
    """Worst margin and its case by source and result, how many results were over 1, and how many were judged."""

    worst: dict[tuple[str, str], tuple[float, Case]] = field(default_factory=dict)
    over: Counter[str] = field(default_factory=Counter)
    judged: Counter[str] = field(default_factory=Counter)

    def enter(self, case: Case, truth: Truth, source: str, result: Result) -> None:
        """Hold one result against the truth."""
        self.judged[source] += 1
        found = truth.judge(result)
        self.over[source] += any(not c.passed for c in found.values())
        for name, c in found.items():
            if c.margin > self.worst.get((source, name), (-1.0,))[0]:
                self.worst[source, name] = (c.margin, case)


def cases(op: Op | str, dtype: str, count: int, seed: int) -> Iterator[Case]:
    """As many cases, most of them small, plain and special in turn, now and then a large one."""
    op = op if isinstance(op, Op) else DECLARATIONS[op]
    left, batch = count, 0
    while left > 0:
        frames, wide = frame_pool(op, seed + batch, fresh=4), large_frames(op, seed + batch)
        drawn: list[Case] = []
        for at, frame in enumerate((*frames, wide[batch % len(wide)])):
            each = 2 if frame.is_large else -(-min(BATCH, left) // len(frames))
            variety = Variety(special=at % 2 == 0, rough=frame.is_large)
            try_cases(drawn.append, frame, dtype, each, (seed, batch, at), variety)
        yield from drawn[:left]
        left, batch = left - len(drawn), batch + 1


def oracle(name: str) -> Source:
    """An oracle; differences abstain from what would take long."""
    loaded = load(name)

    def source(case: Case) -> Result:
        if name == "finite_difference" and case.size > DIFFERENCES:
            raise UnsupportedCase("too large here")
        return loaded.vjp(case)

    return source


def formulation(forward: Callable[..., Any], vjp: Callable[..., Any]) -> Source:
    """A right layer in NumPy."""

    def source(case: Case) -> Result:
        with np.errstate(all="ignore"):
            output = np.asarray(forward(*case.primals.values(), **case.options))
            found = vjp(case.cotangent, *case.primals.values(), **case.options)
        pulled = found if isinstance(found, tuple) else (found,)
        gradients = {n: np.asarray(g) for n, g in zip(case.signature.differentiable, pulled, strict=True)}
        return Result(output, gradients)

    return source


def sources_of(op: str, *, formulations: bool, oracles: bool = True) -> dict[str, Source]:
    """By name; the exact value is what they are held against."""
    found = {name: oracle(name) for name in available() if name != "exact"} if oracles else {}
    if formulations:
        found |= {name: formulation(forward, vjp) for name, forward, vjp in FORMULATIONS.get(op, ())}
    return found


def measured(op: str, dtype: str, count: int, seed: int, sources: dict[str, Source]) -> Tally:
    """Every source on every case; jax on those of the shapes that the first batch has."""
    tally, compiled = Tally(), set[Any]()
    for i, case in enumerate(cases(op, dtype, count, seed)):
        shape = (tuple(a.shape for a in case.primals.values()), tuple(case.options.items()))
        if i < BATCH:
            compiled.add(shape)
        truth = Truth.of(case)
        for name, source in sources.items():
            if name == "jax" and shape not in compiled:
                continue
            try:
                tally.enter(case, truth, name, source(case))
            except UnsupportedCase:
                continue
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--op", action="append", choices=OPS)
    parser.add_argument("--dtype", action="append")
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--formulations", action="store_true", help="right layers in NumPy as well")
    parser.add_argument("--no-oracles", action="store_true", help="those alone")
    arguments, wrong = parser.parse_args(), 0
    for op in arguments.op or OPS:
        for dtype in arguments.dtype or ("float32", "float64"):
            start = time.perf_counter()
            sources = sources_of(op, formulations=arguments.formulations, oracles=not arguments.no_oracles)
            tally = measured(op, dtype, arguments.cases, arguments.seed, sources)
            print(f"{op} {dtype}: {arguments.cases} cases in {time.perf_counter() - start:.0f} s", flush=True)
            for source in sources:
                margins = {r: m for (s, r), (m, _) in tally.worst.items() if s == source}
                said = ", ".join(f"{result} {margin:.3g}" for result, margin in margins.items())
                print(f"  {source}: {tally.judged[source]} judged, {tally.over[source]} outside: {said}", flush=True)
            for (source, result), (margin, case) in tally.worst.items():
                if margin > 1 and dtype in ("float32", "float64") and (op, source, dtype) not in KNOWN:
                    wrong += 1
                    print(f"  OUTSIDE {source} {result} {margin:.3g}: {case!r}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
