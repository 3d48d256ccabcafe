"""The cause that check_layer names for every wrong layer of a corpus, as a table to be read.

    python benchmarks/causes.py                   # on the wrong layers of tests/mutants
    python benchmarks/causes.py CORPUS --seed 1

A row a layer: what is wrong with it, the claims that it breaks, and every cause that was named, most frequent first.
Exits 1 if a wrong layer passes.
"""

from __future__ import annotations

import argparse
import platform
import sys
import warnings
from collections import Counter

import numpy as np
from corpus import Row, corpus

from oracles import Layer, check_layer


def cells(row: Row, seed: int) -> list[str]:
    report = check_layer(Layer.from_class(row.op, row.make), oracles=["exact"], seed=seed)
    counted = Counter(v.cause for v in report.failures).most_common()
    claims = ", ".join(dict.fromkeys(v.check for v in report.failures)) or "none: it passes"
    return [row.id, row.what, claims, "<br>".join(cause for cause, _ in counted)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?", help="a folder of layers; tests/mutants by default")
    parser.add_argument("--only", default="", help="layers whose id contains this text")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    passed = 0
    print("| layer | what is wrong with it | claims broken | causes named |\n|---|---|---|---|")
    for row in corpus(arguments.corpus):
        if row.wrong and arguments.only in row.id:
            found = cells(row, arguments.seed)
            passed += not found[3]
            print("| " + " | ".join(text.replace("|", "\\|") for text in found) + " |", flush=True)
    print(f"\n{passed} passed; seed {arguments.seed}; numpy {np.__version__}; Python {platform.python_version()}")
    sys.exit(1 if passed else 0)


if __name__ == "__main__":
    main()
