"""The worst margins of the reference, torch and jax over many cases: the table of docs/bounds.md.

    python benchmarks/margins.py --cases 100000            # of a campaign of its own, of each op
    python benchmarks/margins.py --state campaign.sqlite   # of one that was run, or of several, of an op each
    python benchmarks/margins.py --state campaign.sqlite --worst tests/worst_cases.json

--worst writes the case of every margin, to be tried again; rows of other ops stay in the file.
Exits 1 if any margin in float32 or float64 exceeds 1.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from oracles.claims.verdicts import Margin
from oracles.ops import OPS
from oracles.runs.campaign.executors import Local
from oracles.runs.campaign.live_view import live_view
from oracles.runs.campaign.plan import Plan
from oracles.runs.campaign.run import run
from oracles.runs.campaign.state import State

ORACLES = ("torch", "jax")
FULL = ("float32", "float64")


def source(state: State, m: Margin) -> str:
    """An oracle, or the layer: by its name, without the op in the case of the reference. On a device it says so."""
    if not state.findings.is_of_layer(m):
        return m.source
    return m.source if state.plan.target else m.source.replace(f".{m.op}", "")


def print_head(sources: Sequence[str]) -> None:
    print(f"| op | result | dtype | cases | {' | '.join(sources)} | unclaimed |")
    print("|---|---|---|--:|" + "--:|" * (len(sources) + 1))


def sources_of(state: State) -> list[str]:
    """Layers first, then torch and jax, on each device."""
    found = {source(state, m) for m in state.findings.margins.values()}
    return sorted(found, key=lambda s: (s.startswith(ORACLES), s.startswith("jax"), s))


def print_rows(state: State, sources: Sequence[str]) -> None:
    rows = {(m.op, m.result, m.dtype, source(state, m)): m for m in state.findings.margins.values()}
    order = {op: i for i, op in enumerate(state.plan.ops)} | {d: i for i, d in enumerate(state.plan.dtypes)}
    names = sorted({key[:3] for key in rows}, key=lambda k: (order[k[0]], order[k[2]], k[1]))
    for name in names:
        of = {s: rows[(*name, s)] for s in sources if (*name, s) in rows}
        cells = [f"{of[s].worst:.2f}" if s in of else "-" for s in sources]
        first = next(iter(of.values()))
        print(f"| {' | '.join(name)} | {first.cases} | {' | '.join(cells)} | {first.unclaimed:.1%} |")


def worst_of(state: State) -> list[str]:
    """A line of JSON for each margin that is reached by a case."""
    return [
        json.dumps(
            {
                "source": source(state, m),
                "result": m.result,
                "margin": repr(m.worst),
                "case": json.loads(m.case.to_json(short=True)),
            }
        )
        for m in state.findings.margins.values()
        if m.case is not None and m.worst > 0
    ]


def kept(path: Path, ops: set[str]) -> list[str]:
    """The lines of the file that are of other ops."""
    rows = json.loads(path.read_text(encoding="utf-8"))["cases"] if path.exists() else []
    return [json.dumps(row) for row in rows if row["case"]["op"] not in ops]


def shown(states: Sequence[State], worst: str | None) -> int:
    """Print the table of campaigns, finished or not."""
    sources = list(dict.fromkeys(s for state in states for s in sources_of(state)))
    print_head(sources)
    for state in states:
        print_rows(state, sources)
    print()
    versions: dict[str, str] = {}
    for state in states:
        counts, plan = state.findings.counts.values(), state.plan
        versions |= {name: version for c in counts for name, version in c.versions.items()}
        drawn, failing = sum(c.drawn for c in counts), state.findings.failing
        print(
            f"{', '.join(plan.ops)}: {state.findings.cases} of {plan.cases * len(plan.ops)} cases, "
            f"{drawn} of them drawn, {failing} failed, in {state.seconds:.0f} s, seed {plan.seed}"
        )
        for number, why in state.broken.items():
            print(f"chunk {number} was given up: {why}")
    print(", ".join(f"{name} {version}" for name, version in versions.items()))
    if worst:
        others = kept(Path(worst), {op for state in states for op in state.plan.ops})
        lines = ",\n".join([*others, *(line for state in states for line in worst_of(state))])
        text = f'{{"versions": {json.dumps(versions)}, "cases": [\n{lines}\n]}}\n'
        Path(worst).write_text(text, encoding="utf-8")
    margins = [m for state in states for m in state.findings.margins.values()]
    broken = any(state.broken for state in states)
    return int(broken or any(m.worst > 1 for m in margins if m.dtype in FULL))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--state", nargs="+", metavar="FILE", help="the files of campaigns, instead of one of its own")
    parser.add_argument("--cases", type=int, default=100_000, help="of each op, shared evenly by the dtypes")
    parser.add_argument("--op", action="append", choices=OPS, help="only this op; may be repeated")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--worst", metavar="FILE", help="write the worst case of every row to this file")
    arguments = parser.parse_args()
    if arguments.state:
        with ExitStack() as stack:
            return shown([stack.enter_context(State.open(path)) for path in arguments.state], arguments.worst)
    plan = Plan.of(ops=arguments.op, oracles=ORACLES, cases=arguments.cases, seed=arguments.seed)
    with tempfile.TemporaryDirectory() as folder, State.create(Path(folder) / "campaign.sqlite", plan) as state:
        with Local(arguments.workers) as executor, live_view(state) as watch:
            run(state, executor, at_once=executor.at_once, watch=watch)
        return shown([state], arguments.worst)


if __name__ == "__main__":
    sys.exit(main())
