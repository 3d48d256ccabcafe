"""The SQLite file of a campaign: opened, locked, and checked before it is believed. What is wrong is an InputError."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from os.path import isfile
from pathlib import Path

from reference import InputError

from ...data.files import LARGEST, named, read_bytes

APPLICATION = 0x42505243  # in the file's header
FORMAT = 2
LARGEST_ROW = LARGEST  # bytes of a text, written or read
_MAGIC = b"SQLite format 3\0"

SCHEMA = (
    "CREATE TABLE campaign (plan TEXT NOT NULL, seconds REAL NOT NULL)",
    "CREATE TABLE chunks (number INTEGER PRIMARY KEY, done INTEGER, broken TEXT, parents TEXT NOT NULL)",
    "CREATE TABLE findings (kind TEXT, name TEXT, value TEXT NOT NULL, PRIMARY KEY (kind, name))",
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {FORMAT}",
)


def begun(path: Path, plan: str) -> sqlite3.Connection:
    """A new file with that plan. Raises InputError where there is one already; an empty one is as good as none."""
    there = InputError(f"{path}: there already; --resume goes on with it, another --state begins afresh")
    try:
        if path.is_dir():
            raise InputError(f"{path}: is a folder")
        if not path.absolute().parent.is_dir():
            raise InputError(f"{path.absolute().parent}: no such folder")
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        except FileExistsError:
            if not isfile(path):
                raise InputError(f"{path}: not a file") from None
            # one that was killed before its first transaction ended is empty, or SQLite makes it so
            if os.path.getsize(path) and not _is_ours(path):
                raise there from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    connection = connected(path)
    with told(path), closed_where_it_fails(connection):
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,):
            raise there
        try:
            with connection:
                connection.execute("BEGIN")
                for statement in SCHEMA:
                    connection.execute(statement)
                connection.execute("INSERT INTO campaign VALUES (?, 0)", [plan])
        except sqlite3.Error:
            connection.close()
            path.unlink(missing_ok=True)  # it is empty, and ours: it was locked
            raise
    return connection


def opened(path: Path) -> tuple[sqlite3.Connection, str]:
    """The file of a campaign that was begun, and its plan. Raises InputError for one that is missing or another's."""
    if not isfile(path):
        raise InputError(f"{path}: no such file; a campaign is begun without --resume")
    if not _is_ours(path):  # another's is not even opened: SQLite may write into it
        begins = read_bytes(path, 1)
        raise InputError(f"{path}: {'not the file of a campaign' if begins else 'empty; begin it without --resume'}")
    connection = connected(path)
    with told(path), closed_where_it_fails(connection):
        check_file(connection)
        row = connection.execute("SELECT plan FROM campaign").fetchone()
        if row is None:
            raise InputError("plan: missing")
        return connection, text_of(row[0], "plan")


def _is_ours(path: Path) -> bool:
    """Whether the header is that of a campaign's file, or of one that was being made."""
    header = read_bytes(path, 72)
    new, ours = bytes(4), APPLICATION.to_bytes(4, "big")
    # a rollback journal, in the file format's bytes 18 and 19; a log that is written ahead is another program's
    return header.startswith(_MAGIC) and header[18:20] == b"\1\1" and header[68:72] in (new, ours)


def connected(path: Path) -> sqlite3.Connection:
    """The file, locked for this process until it is closed."""
    with told(path):
        connection = sqlite3.connect(path.absolute(), isolation_level=None, timeout=2)
    with told(path), closed_where_it_fails(connection):
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # until it is closed, or the process is dead
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA trusted_schema = OFF")
        if sys.version_info >= (3, 11):
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_ROW)
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
    return connection


def check_file(connection: sqlite3.Connection) -> None:
    """Raises InputError unless it is a campaign's, of this version, and whole."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION:
        raise InputError("not the file of a campaign")
    if version != FORMAT:
        raise InputError(f"in format {version}, of another version of backproof; this one reads {FORMAT}")
    made = {sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}
    if made != {statement for statement in SCHEMA if statement.startswith("CREATE")}:
        raise InputError("damaged: its tables are not those of a campaign")
    (healthy,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if healthy != "ok":
        raise InputError(f"damaged: {healthy}")


def text_of(value: object, what: str) -> str:
    """The value, which has to be a text; `what` names it."""
    if not isinstance(value, str):
        raise InputError(f"{what}: expected a text, got {type(value).__name__}")
    return value


@contextmanager
def closed_where_it_fails(connection: sqlite3.Connection) -> Iterator[None]:
    """A context that closes the file where something is raised within."""
    try:
        yield
    except BaseException:
        connection.close()
        raise


@contextmanager
def told(path: Path) -> Iterator[None]:
    """What SQLite says, and what is wrong with a row, as an InputError that names the file."""
    try:
        yield
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the latter of a message that quotes torn bytes
        said = str(error)
        if "locked" in said:
            said = "in use by another campaign"
        raise InputError(f"{path}: {said}") from error
    except InputError as error:
        raise named(error, path) from None
