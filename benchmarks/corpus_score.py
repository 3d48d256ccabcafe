"""How many wrong layers of a corpus are caught, and how many right ones are flagged, on a device.

    python benchmarks/corpus_score.py                              # tests/mutants, everything installed, on the CPU
    python benchmarks/corpus_score.py CORPUS --oracle torch --device cuda --workers 8

check_layer at its defaults on each layer, a process a worker. A dispute, an oracle outside its own bound, is shown and
counts for nothing. Exits 1 unless all are as they should be.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from corpus import corpus
from machine import versions, write_json

from oracles import Layer, check_layer


def checked(i: int, folder: str | None, oracles: list[str] | None, device: str, seed: int | None) -> dict[str, object]:
    """What check_layer says of the corpus' layer of that number."""
    warnings.simplefilter("ignore")
    row, start = list(corpus(folder))[i], time.perf_counter()
    report = check_layer(Layer.from_class(row.op, row.make), oracles, device=device, seed=seed)
    disputes = [f"{v.oracle} on {v.op}, {v.dtype}: {v.message}" for v in report.verdicts if v.status == "disputed"]
    first = str(report.failures[0]).partition("\n")[0] if report.failures else ""
    took = time.perf_counter() - start
    return {"id": row.id, "wrong": row.wrong, "flagged": bool(first), "first": first, "disputes": disputes, "s": took}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", help="a folder of layers; see corpus.py")
    parser.add_argument("--oracle", action="append", help="only this oracle; may be repeated")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--json", help="write the rows to this file")
    arguments = parser.parse_args()
    said = {"folder": arguments.folder, "oracles": arguments.oracle, "device": arguments.device, "seed": arguments.seed}
    one = partial(checked, **said)
    with ProcessPoolExecutor(arguments.workers, mp_context=get_context("spawn")) as pool:
        rows = list(pool.map(one, range(len(list(corpus(arguments.folder))))))
    for row in rows:
        if row["wrong"] != row["flagged"]:
            print(f"{'NOT CAUGHT' if row['wrong'] else 'FALSE ALARM'} {row['id']} {row['first']}")
    for dispute in dict.fromkeys(d for row in rows for d in row["disputes"]):
        print(f"disputed: {dispute}")
    caught = [row["flagged"] for row in rows if row["wrong"]]
    flagged = [row["flagged"] for row in rows if not row["wrong"]]
    median = sorted(row["s"] for row in rows)[len(rows) // 2]
    print(
        f"{sum(caught)} of {len(caught)} wrong layers caught, {sum(flagged)} of {len(flagged)} right ones flagged, "
        f"on {arguments.device}, median {median:.1f} s a layer"
    )
    print(versions())
    if arguments.json:
        write_json(arguments.json, rows=rows, device=arguments.device)
    sys.exit(0 if all(caught) and not any(flagged) else 1)


if __name__ == "__main__":
    main()
