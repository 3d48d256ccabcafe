"""Derived bounds over those derived by hand, of the five ops that have both: how they are distributed.

    python benchmarks/derived_by_hand.py --cases 2000

Special values and layouts as in the claims. Elements that one of the two claims nothing of are counted apart.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from oracles.candidates.layer import reference_layer
from oracles.claims.checks import CHECKS
from oracles.claims.search import try_cases
from oracles.ops import OPS
from oracles.sources.derived import bounds

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from by_hand.bounds import bounds as by_hand

CLAIMS = ("values", "sizes", "layouts", "special_values")


def compared(op: str, dtype: str, count: int, seed: int) -> dict[str, list[np.ndarray]]:
    """Of every result the quotients of both bounds, and how many elements one alone claims: derived, by hand."""
    found: dict[str, list[np.ndarray]] = {}
    layer = reference_layer(op)
    checks = [check for check in CHECKS if check.name in CLAIMS]
    frames = [(check, frame) for check in checks for frame in check.frames(layer, seed) if not frame.is_large]
    cases: list = []
    for check, frame in frames:
        try_cases(cases.append, frame, dtype, -(-count // len(frames)), (seed, check.name), check.variety)
    with np.errstate(all="ignore"):
        for case in cases:
            ours, theirs = bounds(case), by_hand(case)
            for name, bound in theirs.items():
                a, b = np.broadcast_arrays(ours[name], bound)
                both = np.isfinite(a) & np.isfinite(b) & (b > 0)
                alone = [np.isfinite(a) & ~np.isfinite(b), ~np.isfinite(a) & np.isfinite(b)]
                row = [(a[both] / b[both]).ravel(), *(np.atleast_1d(one.sum()) for one in alone), np.atleast_1d(a.size)]
                found.setdefault(name, [np.empty(0)] * 4)
                found[name] = [np.concatenate([old, new]) for old, new in zip(found[name], row, strict=True)]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--op", action="append", choices=OPS)
    parser.add_argument("--dtype", action="append")
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print("| op | result | dtype | median | 99 % | over 4 | only derived claims | only by hand |")
    print("|---|---|---|--:|--:|--:|--:|--:|")
    for op in options.op or OPS:
        for dtype in options.dtype or ("float32", "float64", "float16", "bfloat16"):
            for name, (shares, ours, theirs, size) in compared(op, dtype, options.cases, options.seed).items():
                if shares.size:
                    middle, high = np.quantile(shares, (0.5, 0.99))
                    wide, a, b = (shares > 4).mean(), ours.sum() / size.sum(), theirs.sum() / size.sum()
                    print(f"| {op} | {name} | {dtype} | {middle:.2f} | {high:.3g} | {wide:.2%} | {a:.2%} | {b:.2%} |")


if __name__ == "__main__":
    main()
