"""Failing cases kept from one run to the next, in the example database of the active Hypothesis profile.

The seed of the next run is another, so what failed is kept, and tried first until it passes. Nothing is written unless
something failed; nothing is read or written where the profile's `database` is None, as in derandomised profiles.
For pytest and the command line: `check_layer` leaves no files behind.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from os.path import isfile
from tempfile import TemporaryFile

from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase

from reference import InputError

from ..candidates.gpu_lost import Lost
from ..candidates.layer import Layer
from ..claims.checks import Check
from ..claims.disagreement import Disagreement, Kind, of_lost
from ..claims.judges import truth_for
from ..claims.referee import Tally, judge_layer
from ..claims.verdicts import Verdict
from ..data.case import Case
from ..sources.registry import Oracle
from .trial import WITH_ORACLES, search, takes


def active() -> ExampleDatabase | None:
    """The database of the active Hypothesis profile; by default a folder `.hypothesis` in the working directory."""
    profile = settings.default
    return None if profile is None else profile.database


def opened(where: str) -> ExampleDatabase:
    """The database at a folder, or at redis://HOST:PORT, which several machines share.

    Raises InputError where the client of Redis is not installed, or nobody answers.
    """
    if not where.startswith(("redis://", "rediss://", "unix://")):
        _check_folder(where)
        return DirectoryBasedExampleDatabase(where)
    try:
        redis = import_module("redis")
        database = import_module("hypothesis.extra.redis").RedisExampleDatabase
    except ImportError:
        raise InputError("database: redis is not installed; install it with: pip install redis") from None
    try:
        client = redis.Redis.from_url(where)
        client.ping()
    except (redis.RedisError, ValueError) as error:
        raise InputError(f"database: {where}: {error}") from None
    found: ExampleDatabase = database(client)
    return found


def _check_folder(where: str) -> None:
    """Raises InputError where nothing can be kept: Hypothesis says nothing of what it cannot write."""
    if "://" in where:
        raise InputError(f"database: {where}: expected a folder, or redis://HOST:PORT")
    if isfile(where):
        raise InputError(f"database: {where} is a file, not a folder")
    try:
        os.makedirs(where, exist_ok=True)
        TemporaryFile(dir=where).close()
    except (OSError, ValueError) as error:  # ValueError: a name with a null in it
        raise InputError(f"database: {where}: {getattr(error, 'strerror', None) or error}") from None


def keep(database: ExampleDatabase | None, verdicts: Iterable[Verdict]) -> None:
    """Keep the cases of failed verdicts, which the next run of the same claim tries first."""
    for v in verdicts:
        if database is not None and v.status == "failed" and v.case is not None:
            database.save(_key(v.check, v.layer, v.op, v.dtype), v.case.to_json().encode())


def key(check: str, layer: Layer, dtype: str) -> bytes:
    """Under which the failing cases of one claim on one layer are kept."""
    return _key(check, layer.name, layer.op, dtype)


def _key(check: str, layer: str, op: str, dtype: str) -> bytes:
    return f"backproof {layer} {op} {check} {dtype}".encode()


def kept(database: ExampleDatabase, check: str, layer: Layer, dtype: str) -> Iterator[tuple[bytes, Case]]:
    """The entries that are cases of this layer in this dtype, smallest first. Others, damaged ones say, are left."""
    for entry in sorted(database.fetch(key(check, layer, dtype)), key=lambda entry: (len(entry), entry)):
        try:
            case = Case.from_json(entry.decode())
        except ValueError:  # InputError and UnicodeDecodeError
            continue
        if (case.op, case.dtype.name) == (layer.op, dtype) and takes(layer, case):
            yield entry, case


def search_kept_first(
    database: ExampleDatabase | None,
    check: Check,
    layer: Layer,
    dtype: str,
    examples: int,
    seed: int,
    panel: Sequence[Oracle] = (),
    tally: Tally | None = None,
) -> tuple[Disagreement | None, bool]:
    """What breaks the claim, and whether that is a case of an earlier run: those kept are tried first, then a search.

    A case that a search finds is kept; a kept one that passes is forgotten.
    """
    if database is None:
        return search(check, layer, dtype, examples, seed, panel, tally), False
    for entry, case in kept(database, check.name, layer, dtype):
        try:
            check.judge(layer, case)
        except Lost as gone:
            return of_lost(gone), True
        except Disagreement as again:
            if tally is not None and check.name == WITH_ORACLES:
                with suppress(Disagreement):
                    judge_layer(layer, case, truth_for(layer, case), tally)
            return again, True
        database.delete(key(check.name, layer, dtype), entry)
    found = search(check, layer, dtype, examples, seed, panel, tally)
    if found is not None and found.kind != Kind.GONE:
        database.save(key(check.name, layer, dtype), found.case.to_json().encode())
    return found, False
