"""Seconds and cases until the first failure of each wrong layer.

    python benchmarks/first_failure.py             # the wrong layers of tests/mutants
    python benchmarks/first_failure.py CORPUS      # of a folder of layers
    python benchmarks/first_failure.py --json first.json

Each layer's claims are tried in check_layer's order, at its defaults, until one fails: the time ends with the verdict,
with its case made small and its cause named. The oracles are loaded before, and have nothing compiled.
"""

from __future__ import annotations

import argparse
import statistics
import time

from corpus import corpus
from machine import versions, write_json

from oracles import Layer
from oracles.runs.check_layer import claims, panel_for, planned


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", help="a folder of layers; see corpus.py")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", help="write the rows to this file")
    arguments = parser.parse_args()
    rows = []
    for row in corpus(arguments.folder):
        if not row.wrong:
            continue
        layer, plan = Layer.from_class(row.op, row.make), planned(seed=arguments.seed)
        panel, _ = panel_for(layer, None)
        start, cases, claim = time.perf_counter(), 0, ""
        for (name, dtype), outcome in zip(plan.steps, claims(layer, plan, panel), strict=False):
            cases += outcome.cases
            if any(verdict.status == "failed" for verdict in outcome.verdicts):
                claim = f"{name} {dtype}"
                break
        seconds = time.perf_counter() - start
        rows.append({"id": row.id, "claim": claim, "seconds": seconds, "cases": cases})
        print(f"{row.id:45}{claim or 'NOT CAUGHT':32}{seconds:8.2f} s {cases:6} cases", flush=True)
    times = [row["seconds"] for row in rows]
    print(f"{len(rows)} wrong layers, {sum(not row['claim'] for row in rows)} not caught")
    print(f"median {statistics.median(times):.2f} s, worst {max(times):.2f} s")
    print(versions())
    if arguments.json:
        write_json(arguments.json, rows=rows)


if __name__ == "__main__":
    main()
