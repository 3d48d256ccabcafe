"""Folders of wrong and right layers that the benchmarks run on.

A folder holds a module `common` whose `registry()` lists dicts: id, layer (the op), cls (a class in the book's
interface), kind ("mutant", anything else is right), severity, what. Without one it is tests/mutants.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from oracles.ops import OPS


@dataclass(frozen=True)
class Row:
    """A layer of the corpus."""

    id: str
    op: str
    make: type
    wrong: bool
    severity: str
    what: str


def corpus(folder: str | None) -> Iterator[Row]:
    sys.path.insert(0, folder or str(Path(__file__).parents[1] / "tests"))
    if folder:
        ops = {op.replace("cross_entropy", "crossentropy"): op for op in OPS}
        for r in importlib.import_module("common").registry():
            op = ops.get(r["layer"], r["layer"])
            yield Row(r["id"], op, r["cls"], r["kind"] == "mutant", r["severity"], r["what"])
        return
    mutants = importlib.import_module("mutants")
    for m in (*mutants.MUTANTS, *mutants.RIGHT):
        wrong = isinstance(m, mutants.Mutant)
        yield Row(str(m), m.op, m.make, wrong, m.severity if wrong else "right", m.make.__doc__ or "")
