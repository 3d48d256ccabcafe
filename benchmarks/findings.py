"""What a campaign found of torch and jax: every margin above 1, on the smallest case that shows half of it.

    python benchmarks/findings.py                              # of the cases that tests/worst_cases.json keeps
    python benchmarks/findings.py --state campaign.sqlite      # of a campaign, or of several
    python benchmarks/findings.py --only "jax softmax" --save findings

docs/findings.md is written from it. A campaign's cases on a device are run on that device again. --save puts each case
into a folder, for `backproof replay`.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from machine import versions

from oracles import Case
from oracles.cases.shrink import shrink
from oracles.claims.compare import Comparison
from oracles.claims.truth import Truth
from oracles.runs.campaign.state import State
from oracles.sources.registry import load

KEPT = Path(__file__).parent.parent / "tests" / "worst_cases.json"

Row = tuple[str, str, float, Case]  # source, result, margin, case


def of_states(paths: Sequence[str]) -> Iterator[Row]:
    for path in paths:
        with State.open(path) as state:
            for m in state.findings.margins.values():
                if m.case is not None:
                    yield m.source, m.result, m.worst, m.case


def of_file(path: Path) -> Iterator[Row]:
    for row in json.loads(path.read_text(encoding="utf-8"))["cases"]:
        yield row["source"], row["result"], float(row["margin"]), Case.from_json(json.dumps(row["case"]))


def judged(source: str, result: str, case: Case) -> Comparison:
    name, _, device = source.partition(" on ")
    oracle = load(name, device=device or "cpu")
    return Truth.of(case).for_oracle(oracle).judge(oracle.vjp(case))[result]


def shows(source: str, result: str, least: float, case: Case) -> bool:
    margin = judged(source, result, case).margin
    return math.isinf(margin) if math.isinf(least) else margin > least


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--state", nargs="+", metavar="FILE", help="the files of campaigns")
    parser.add_argument("--only", default="", help="a part of SOURCE OP RESULT DTYPE")
    parser.add_argument("--save", metavar="FOLDER", help="where the cases go")
    arguments = parser.parse_args()
    for source, result, margin, case in of_states(arguments.state) if arguments.state else of_file(KEPT):
        name = f"{source} {case.op} {result} {case.dtype.name}"
        if margin <= 1 or source.partition(" on ")[0] not in ("torch", "jax") or arguments.only not in name:
            continue
        small = shrink(case, partial(shows, source, result, max(1.0, margin / 2)))
        print(f"## {name}: worst {margin:.3g}\n\n{small!r}\n\n{source}: {judged(source, result, small)}\n", flush=True)
        if arguments.save:
            Path(arguments.save).mkdir(parents=True, exist_ok=True)
            small.save(Path(arguments.save) / f"{name.replace(' ', '-')}.json")
    print(", ".join(f"{k} {v}" for k, v in versions().items()))


if __name__ == "__main__":
    main()
