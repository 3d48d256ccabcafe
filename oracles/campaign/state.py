"""The state of a campaign: one SQLite file that survives being killed at any moment.

- What a chunk is given is written before it is sent: done again, it is the same.
- The results of chunks enter in one transaction, each once.
- What is read is data: JSON, read strictly. Whatever is wrong with the file is an InputError that names it.
"""

from __future__ import annotations

import json
import random
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from os.path import isfile
from pathlib import Path

from reference import InputError

from ..case import Case
from ..conformance.records import from_data, read_json, to_data
from ..files import named, read_bytes
from .findings import Findings, place_of
from .plan import Chunk, Plan
from .work import Found

APPLICATION = 0x42505243  # in the file's header
FORMAT = 1
PARENTS = 6  # leaders that a chunk is given to mutate
_MAGIC = b"SQLite format 3\0"
LARGEST_ROW = 2**24  # bytes of a text that is read


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
        with _told(path):
            self.done: set[int] = {n for (n,) in connection.execute("SELECT number FROM chunks WHERE done")}
            broken = connection.execute("SELECT number, broken FROM chunks WHERE broken != ''")
            self.broken = {number: _text(why, f"chunk {number}") for number, why in broken}
            (self.seconds,) = connection.execute("SELECT seconds FROM campaign").fetchone()
            self._check_sums()

    @classmethod
    def create(cls, path: str | Path, plan: Plan) -> State:
        """A new file. Raises InputError where there is one already."""
        path = Path(path)
        if path.exists():
            raise InputError(f"{path}: there already; --resume goes on with it, another --state begins afresh")
        if not path.absolute().parent.is_dir():
            raise InputError(f"{path.absolute().parent}: no such folder")
        connection = _connected(path)
        with _told(path), _closed_where_it_fails(connection), _or_nothing(path, connection):
            connection.execute("BEGIN")
            for statement in (
                "CREATE TABLE campaign (plan TEXT NOT NULL, seconds REAL NOT NULL)",
                "CREATE TABLE chunks (number INTEGER PRIMARY KEY, done INTEGER, broken TEXT, parents TEXT NOT NULL)",
                "CREATE TABLE findings (kind TEXT, name TEXT, value TEXT NOT NULL, PRIMARY KEY (kind, name))",
                f"PRAGMA application_id = {APPLICATION}",
                f"PRAGMA user_version = {FORMAT}",
            ):
                connection.execute(statement)
            connection.execute("INSERT INTO campaign VALUES (?, 0)", [json.dumps(to_data(plan))])
        return cls(path, connection, plan, Findings())

    @classmethod
    def open(cls, path: str | Path) -> State:
        """The file of a campaign that was begun. Raises InputError for one that is missing, another's, or damaged."""
        path = Path(path)
        if not isfile(path):
            raise InputError(f"{path}: no such file; a campaign is begun without --resume")
        if read_bytes(path, len(_MAGIC)) != _MAGIC:
            raise InputError(f"{path}: not the file of a campaign")
        connection = _connected(path)
        with _told(path), _closed_where_it_fails(connection):
            _check(connection)
            row = connection.execute("SELECT plan FROM campaign").fetchone()
            if row is None:
                raise InputError("plan: missing")
            plan = from_data(Plan, read_json(_text(row[0], "plan"), "plan"), "plan").checked()
            rows = connection.execute("SELECT kind, name, value FROM findings")
            findings = Findings.of_rows((str(kind), str(name), _text(value, kind)) for kind, name, value in rows)
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
            return from_data(_Parents, read_json(_text(row[0], what), what), what)
        leaders = [leader.case for leader in self.findings.leaders.get(_place(chunk), ())]
        parents = _Parents(tuple(random.Random(chunk.seed).sample(leaders, min(PARENTS, len(leaders)))))
        text = json.dumps(to_data(parents), allow_nan=False)
        connection.execute("INSERT INTO chunks VALUES (?, 0, '', ?)", [chunk.number, text])
        return parents

    def finish(self, found: Sequence[Found], seconds: float = 0.0) -> None:
        """Enter the results of chunks, all or none; those that are in already are not counted again.

        seconds: that the campaign ran since the last call.
        """
        new = {one.number: one for one in found if one.number not in self.done}
        with self._writing() as connection:
            for one in new.values():
                rows = self.findings.enter(one)
                connection.executemany(
                    "REPLACE INTO findings VALUES (?, ?, ?)", ((*k, text) for k, text in rows.items())
                )
            connection.executemany(
                "UPDATE chunks SET done = 1, parents = '' WHERE number = ?", ((number,) for number in new)
            )
            connection.execute("UPDATE campaign SET seconds = seconds + ?", [seconds])
        self.done |= set(new)
        self.seconds += seconds

    def give_up(self, number: int, why: str) -> None:
        """Enter that a chunk cannot be done: the others go on without it."""
        with self._writing() as connection:
            connection.execute("UPDATE chunks SET done = 1, broken = ? WHERE number = ?", [why, number])
        self.done.add(number)
        self.broken[number] = why

    def _check_sums(self) -> None:
        """Nothing lost, nothing counted twice: the findings are those of as many cases as the finished chunks have."""
        sizes = {chunk.number: chunk.cases for chunk in self.plan.chunks()}
        unknown = sorted(self.done - set(sizes), key=str)
        if unknown:
            raise InputError(f"chunk {unknown[0]}: the plan has {len(sizes)} chunks")
        cases = sum(sizes[number] for number in self.done - set(self.broken))
        if cases != self.findings.cases:
            raise InputError(
                f"damaged: the finished chunks have {cases} cases, the findings are of {self.findings.cases}"
            )
        if not isinstance(self.seconds, float):
            raise InputError(f"seconds: expected a number, got {self.seconds!r}")

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> State:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it is in the file, on the disk, or nothing."""
        with _told(self.path), self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            yield self._connection


def _place(chunk: Chunk) -> str:
    return place_of(chunk.op, chunk.dtype, chunk.device)


def _connected(path: Path) -> sqlite3.Connection:
    with _told(path):
        connection = sqlite3.connect(path.absolute(), isolation_level=None, timeout=2)
    with _told(path), _closed_where_it_fails(connection):
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # until it is closed, or the process is dead
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA trusted_schema = OFF")
        if sys.version_info >= (3, 11):
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_ROW)
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
    return connection


def _check(connection: sqlite3.Connection) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION:
        raise InputError("not the file of a campaign")
    if version != FORMAT:
        raise InputError(f"in format {version}, of another version of backproof; this one reads {FORMAT}")
    (healthy,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if healthy != "ok":
        raise InputError(f"damaged: {healthy}")


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"{what}: expected a text, got {type(value).__name__}")
    return value


@contextmanager
def _closed_where_it_fails(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


@contextmanager
def _or_nothing(path: Path, connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction that begins a file; where it fails no file is left."""
    try:
        with connection:
            yield
    except sqlite3.Error:
        connection.close()
        path.unlink(missing_ok=True)
        raise


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """What SQLite says, and what is wrong with a row, as an InputError that names the file."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        said = str(error)
        if "locked" in said:
            said = "in use by another campaign"
        raise InputError(f"{path}: {said}") from error
    except InputError as error:
        raise named(error, path) from None
