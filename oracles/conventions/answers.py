"""Where the frameworks differ: what each answers now, what the reference does, and what changed since it was recorded.

A record is one file a framework and version, in `recorded/`; `backproof conventions --record` makes it. Where
processors answer differently, the answers stand side by side, put there by hand: "inf or 0".
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module, resources
from pathlib import Path
from typing import Any

import numpy as np

from reference import InputError

from ..candidates.contain import contained
from ..candidates.gpu_lost import lost, meaning
from ..candidates.layer import reference_layer
from ..candidates.run import run
from ..cases.generation import DTYPES
from ..data.arrays import as_dtype
from ..data.json_data import from_data, read_json, to_data
from ..sources.registry import Oracle, UnsupportedCase, load
from .questions import FUNCTIONS, PROBES, FunctionProbe, Probe

ROOT = Path(__file__).parents[2]
ALONE = "import sys; sys.path[:1] = [{root!r}]; from {module} import answer_alone; answer_alone(*{asked!r})"
APART = 4  # processes at a time: each holds the framework
OR = " or "  # between the answers of one version, where they depend on the processor
DEFAULT_DTYPE = "functions: dtype of an array of float64, in a process as it starts"


@dataclass(frozen=True)
class Record:
    """What one version of a framework answered, by question and dtype."""

    framework: str
    version: str
    device: str
    answers: dict[str, dict[str, str]]


@dataclass(frozen=True)
class Change:
    """An answer that is not what it was."""

    framework: str
    question: str
    dtype: str
    before: str
    now: str

    def __str__(self) -> str:
        return f"{self.framework}, {self.question}, {self.dtype}: was {self.before}, is {self.now}"


@dataclass(frozen=True)
class Row:
    """A question, the dtypes that answer it alike, and the answers by source; "" where a source has none."""

    question: str
    dtypes: tuple[str, ...]
    answers: dict[str, str]
    why: str

    @property
    def scope(self) -> str:
        """The dtypes in words."""
        return "all" if len(self.dtypes) == len(DTYPES) else ", ".join(self.dtypes)

    @property
    def differs(self) -> bool:
        """Whether two sources answer differently."""
        return len({a for a in self.answers.values() if a}) > 1


def key(probe: Probe | FunctionProbe) -> str:
    """A question's name in tables and records."""
    return f"{probe.op if isinstance(probe, Probe) else 'functions'}: {probe.question}"


def ask(oracle: Oracle) -> Record:
    """What a framework answers, here and now."""
    answers: dict[str, dict[str, str]] = {}
    for probe in PROBES:
        answers[key(probe)] = {d: _said(lambda p=probe, d=d: p.read(oracle.vjp(p.case(d)))) for d in DTYPES}
    kinks = _kinks(oracle.name)
    if kinks is not None:
        apart = _asked_apart(oracle)
        for one in FUNCTIONS:
            answers[key(one)] = {
                d: apart[key(one), d]
                if (key(one), d) in apart
                else _said(lambda p=one, d=d: _function(kinks, p, d, oracle.device))
                for d in DTYPES
            }
        answers[DEFAULT_DTYPE] = {"float64": kinks.dtype_of_default(np.zeros(1))}
    given = {question: {d: a for d, a in found.items() if a} for question, found in answers.items()}
    return Record(
        oracle.name, release(oracle.version), oracle.device, {q: found for q, found in given.items() if found}
    )


def _asked_apart(oracle: Oracle) -> dict[tuple[str, str], str]:
    """On a GPU, the answers to questions that may leave it unusable, each dtype's of a process of its own."""
    if oracle.device == "cpu":
        return {}
    jobs = [(one, dtype) for one in FUNCTIONS if one.may_lose_the_gpu for dtype in DTYPES]
    with ThreadPoolExecutor(APART) as pool:
        said = list(pool.map(lambda job: _ask_process(oracle, *job), jobs))
    return {(key(one), dtype): answer for (one, dtype), answer in zip(jobs, said, strict=True)}


def _ask_process(oracle: Oracle, probe: FunctionProbe, dtype: str) -> str:
    asked = [oracle.name, key(probe), dtype, oracle.device]
    code = ALONE.format(root=str(ROOT), module=__name__, asked=asked)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    return lines[-1] if lines and not done.returncode else "the process ends"


def answer_alone(name: str, question: str, dtype: str, device: str) -> None:
    """Print the answer to a question, and whether the GPU is lost after it, for the process that asks."""
    load(name)  # whose adapter knows whether the GPU is lost
    probe = next(one for one in FUNCTIONS if key(one) == question)
    answer = _said(lambda: _function(_kinks(name), probe, dtype, device))
    gone = lost()
    print(f"{answer}, and the GPU is lost: {meaning(gone) or gone}" if gone else answer, flush=True)
    os._exit(0)  # frameworks complain at length of a device that is gone


def ask_reference() -> Record:
    """What the reference answers to the questions on its ops."""
    answers = {}
    for probe in PROBES:
        layer = reference_layer(probe.op)
        answers[key(probe)] = {d: _said(lambda p=probe, d=d, o=layer: p.read(run(o, p.case(d)))) for d in DTYPES}
    return Record("reference", "", "cpu", answers)


def rows(records: Sequence[Record]) -> Iterator[Row]:
    """The table: dtypes for which every source gives the same answer share a row."""
    whys = {key(p): p.why for p in PROBES}
    for question in dict.fromkeys(q for r in records for q in r.answers):
        groups: dict[tuple[str, ...], list[str]] = {}
        for dtype in DTYPES:
            found = tuple(r.answers.get(question, {}).get(dtype, "") for r in records)
            if any(found):
                groups.setdefault(found, []).append(dtype)
        for found, dtypes in groups.items():
            answers = {r.framework: a for r, a in zip(records, found, strict=True)}
            yield Row(question, tuple(dtypes), answers, whys.get(question, ""))


def markdown(found: Sequence[Record]) -> str:
    """The table of the answers that differ, for the documentation."""
    names = [f"{r.framework} {r.version}".strip() for r in found]
    lines = [
        f"| question | dtypes | {' | '.join(names)} | why the reference does so |",
        "|---" * (len(names) + 3) + "|",
    ]
    for row in rows(found):
        if row.differs:
            cells = [row.question.replace("|x|", "abs(x)"), row.scope, *row.answers.values(), row.why]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def changes(before: Record, now: Record) -> tuple[Change, ...]:
    """The answers to questions known to both that are not what they were, nor one of them."""
    return tuple(
        Change(now.framework, question, dtype, before.answers[question][dtype], answer)
        for question, found in now.answers.items()
        for dtype, answer in found.items()
        if answer not in before.answers.get(question, {}).get(dtype, answer).split(OR)
    )


def recorded(framework: str, version: str, folder: Path | None = None, *, device: str = "cpu") -> Record | None:
    """The record of that version; of the newest before it, or of the oldest there is; None where there is none."""
    known = {r.version: r for r in records(folder) if (r.framework, r.device) == (framework, device)}
    older = [v for v in known if _order(v) <= _order(version)]
    nearest = max(older, key=_order) if older else min(known, key=_order, default=None)
    return None if nearest is None else known[nearest]


def records(folder: Path | None = None) -> list[Record]:
    """All records. Raises InputError where a file is none."""
    place: Any = resources.files("oracles.conventions") / "recorded" if folder is None else folder
    found = []
    for file in sorted(place.iterdir(), key=lambda f: str(f.name)):
        if file.name.endswith(".json"):
            found.append(from_data(Record, read_json(file.read_text(encoding="utf-8"), str(file)), file.name))
    return found


def save(record: Record, folder: Path) -> Path:
    """Write a record under its framework's name, version, and device where that is not the CPU."""
    if not folder.is_dir():
        raise InputError(f"record: {folder}: no such folder")
    where = "" if record.device == "cpu" else f"-{record.device}"
    path = folder / f"{record.framework}-{record.version}{where}.json"
    path.write_text(json.dumps(to_data(record), indent=1) + "\n", encoding="utf-8")
    return path


def release(version: str) -> str:
    """A version without its build: 2.13.0 of 2.13.0+cpu."""
    return version.partition("+")[0].split()[0]


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", version))


def _kinks(name: str) -> Any:
    try:
        return import_module(f"oracles.sources.{name}.kinks")
    except ModuleNotFoundError as error:
        if error.name not in (f"oracles.sources.{name}", f"oracles.sources.{name}.kinks"):
            raise
        return None  # of another package: its ops are asked alone


def _function(kinks: Any, probe: FunctionProbe, dtype: str, device: str) -> str:
    if probe.function not in kinks.FUNCTIONS:
        return ""
    return probe.read(*kinks.answer(probe.function, np.array(probe.inputs, as_dtype(dtype)), device))


def _said(answer: Any) -> str:
    """An answer, or the name of the exception in its place."""
    try:
        with contained():
            return str(answer())
    except UnsupportedCase:
        return ""
    except Exception as error:
        return type(error).__name__
