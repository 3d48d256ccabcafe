"""The state of a campaign: one SQLite file that survives being killed at any moment.

- What a chunk is given is written before it is sent: done again, it is the same.
- The results of chunks enter in one transaction, each once.
- What is read is data: JSON, read strictly. Whatever is wrong with the file is an InputError that names it.
"""

from __future__ import annotations

import json
import math
import random
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from reference import InputError

from ...data.case import Case
from ...data.json_data import from_data, read_json, to_data
from .findings import Findings, check_case, place_of
from .plan import Chunk, Plan
from .state_file import begun, closed_where_it_fails, opened, text_of, told
from .sums import check_sums
from .work import Found

PARENTS = 6  # leaders that a chunk is given to mutate


@dataclass(frozen=True)
class _Parents:
    cases: tuple[Case, ...]


class State:
    """A campaign's file, held by one process at a time.

    done: the numbers of the chunks that are finished or given up; broken: why, of the latter. seconds: of all runs.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, plan: Plan, findings: Findings) -> None:
        self.path, self.plan, self.findings = path, plan, findings
        self._connection = connection
        with told(path):
            self.done: set[int] = {n for (n,) in connection.execute("SELECT number FROM chunks WHERE done")}
            broken = connection.execute("SELECT number, broken FROM chunks WHERE broken != ''")
            self.broken = {number: text_of(why, f"chunk {number}") for number, why in broken}
            (self.seconds,) = connection.execute("SELECT seconds FROM campaign").fetchone()
            self._check_sums()

    @classmethod
    def create(cls, path: str | Path, plan: Plan) -> State:
        """A new file. Raises InputError where there is one already."""
        path = Path(path)
        connection = begun(path, json.dumps(to_data(plan)))
        return cls(path, connection, plan, Findings())

    @classmethod
    def open(cls, path: str | Path) -> State:
        """The file of a campaign that was begun. Raises InputError for one that is missing, another's, or damaged."""
        path = Path(path)
        connection, text = opened(path)
        with told(path), closed_where_it_fails(connection):
            plan = from_data(Plan, read_json(text, "plan"), "plan").checked()
            rows = connection.execute("SELECT kind, name, value FROM findings")
            findings = Findings.of_rows((str(kind), str(name), text_of(value, kind)) for kind, name, value in rows)
            return cls(path, connection, plan, findings)

    def started(self, chunks: Sequence[Chunk]) -> list[Chunk]:
        """The chunks with the parents they have, given now or when they were first sent, and written down."""
        if not chunks:
            return []
        with self._writing() as connection:
            parents = [self._parents(connection, chunk) for chunk in chunks]
        known = self.findings.known
        return [
            replace(c, parents=p.cases, known=known(c.op, c.dtype, c.device))
            for c, p in zip(chunks, parents, strict=True)
        ]

    def _parents(self, connection: sqlite3.Connection, chunk: Chunk) -> _Parents:
        row = connection.execute("SELECT parents FROM chunks WHERE number = ?", [chunk.number]).fetchone()
        if row is not None:
            what = f"chunk {chunk.number}"
            parents = from_data(_Parents, read_json(text_of(row[0], what), what), what)
            for i, case in enumerate(parents.cases):
                check_case(case, chunk.op, chunk.dtype, f"{what}.cases[{i}]")
            return parents
        leaders = [
            leader.case for leader in self.findings.leaders.get(place_of(chunk.op, chunk.dtype, chunk.device), ())
        ]
        parents = _Parents(tuple(random.Random(chunk.seed).sample(leaders, min(PARENTS, len(leaders)))))
        text = json.dumps(to_data(parents), allow_nan=False)
        connection.execute("INSERT INTO chunks VALUES (?, 0, '', ?)", [chunk.number, text])
        return parents

    def finish(self, found: Sequence[Found], seconds: float = 0.0) -> None:
        """Enter the results of chunks, all or none; those that are in already are not counted again.

        seconds: that the campaign ran since the last call.
        """
        new = {one.number: one for one in found if one.number not in self.done}
        findings = self.findings.copy()
        with self._writing() as connection:
            for one in new.values():
                rows = findings.enter(one)
                connection.executemany(
                    "REPLACE INTO findings VALUES (?, ?, ?)", ((*k, text) for k, text in rows.items())
                )
            connection.executemany(
                "UPDATE chunks SET done = 1, parents = '' WHERE number = ?", ((number,) for number in new)
            )
            connection.execute("UPDATE campaign SET seconds = seconds + ?", [seconds])
        self.findings, self.done, self.seconds = findings, self.done | set(new), self.seconds + seconds

    def give_up(self, number: int, why: str) -> None:
        """Enter that a chunk cannot be done: the others go on without it."""
        with self._writing() as connection:
            connection.execute("UPDATE chunks SET done = 1, broken = ? WHERE number = ?", [why, number])
        self.done.add(number)
        self.broken[number] = why

    def try_again(self) -> None:
        """What was given up is not done after all: with another timeout, or on another machine, it may be."""
        with self._writing() as connection:
            connection.execute("UPDATE chunks SET done = 0, broken = '' WHERE broken != ''")
        self.done -= set(self.broken)
        self.broken = {}

    def _check_sums(self) -> None:
        """Nothing lost, nothing counted twice: the findings are those of as many cases as the finished chunks have."""
        chunks = {chunk.number: chunk for chunk in self.plan.chunks()}
        unknown = sorted(self.done - set(chunks), key=str)
        if unknown:
            raise InputError(f"chunk {unknown[0]}: the plan has {len(chunks)} chunks")
        check_sums(self.findings, self.plan, [chunks[number] for number in self.done - set(self.broken)])
        if not (isinstance(self.seconds, float) and 0 <= self.seconds < math.inf):
            raise InputError(f"seconds: expected a number, got {self.seconds!r}")

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def discard(self) -> None:
        """Close the file and remove it."""
        self.close()
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> State:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it is in the file, on the disk, or nothing."""
        with told(self.path), self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            yield self._connection
