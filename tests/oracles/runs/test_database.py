"""Failing cases are kept for the next run, tried first there, and forgotten once they pass."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import settings
from hypothesis.database import InMemoryExampleDatabase

import oracles.runs.database as module
from oracles import Case, InputError, Layer, check_layer
from oracles.candidates.layer import reference_layer
from oracles.claims.checks import CHECKS
from oracles.claims.referee import Tally
from oracles.claims.verdicts import Verdict
from oracles.runs.database import active, keep, kept, key, opened, search_kept_first

VALUES = CHECKS[0]
RIGHT = reference_layer("relu")
WRONG = Layer("relu", forward=lambda x: np.maximum(x, 0), vjp=lambda g, x: g * 2, name=RIGHT.name, any_rank=True)
KEY = key("values", RIGHT, "float64")


def run(database, layer, examples=20, seed=0, tally=None):
    return search_kept_first(database, VALUES, layer, "float64", examples, seed, (), tally)


def cases_kept(database):
    return [case for _, case in kept(database, "values", RIGHT, "float64")]


def test_what_fails_is_kept_and_tried_first_in_the_next_run():
    database, tally = InMemoryExampleDatabase(), Tally()
    found, is_old = run(database, WRONG)
    assert not is_old
    assert cases_kept(database) == [found.case]
    again, is_old = run(database, WRONG, seed=1, tally=tally)
    assert is_old
    assert again.case == found.case
    assert tally.cases == 0  # no search
    assert [m.result for m in tally.margins()] == ["output", "dinputs"]


def test_what_passes_is_forgotten():
    database = InMemoryExampleDatabase()
    run(database, WRONG)
    assert run(database, RIGHT) == (None, False)
    assert not list(database.fetch(KEY))


def test_entries_that_are_no_case_of_the_layer_are_ignored():
    database = InMemoryExampleDatabase()
    case = Case("relu", [np.array([1.0])], np.array([1.0]))
    entries = [b"", b"\xff", b"{}", b"null", case.to_json()[:-9].encode()]
    entries += [Case("relu", [np.ones(1, np.float32)], np.ones(1, np.float32)).to_json().encode()]
    entries += [Case("softmax", [np.ones(1)], np.ones(1)).to_json().encode()]
    for entry in entries:
        database.save(KEY, entry)
    assert run(database, RIGHT) == (None, False)
    database.save(KEY, case.to_json().encode())
    assert cases_kept(database) == [case]


def test_claims_layers_and_dtypes_have_keys_of_their_own():
    keys = {
        key(check, layer, dtype)
        for check in ("values", "sizes")
        for layer in (RIGHT, reference_layer("softmax"))
        for dtype in ("float32", "float64")
    }
    assert len(keys) == 8


def test_the_database_is_that_of_the_active_profile(monkeypatch):
    mine = InMemoryExampleDatabase()
    for profile, expected in (
        (settings(database=mine, derandomize=False), mine),
        (settings(database=None), None),
        (settings(derandomize=True, database=None), None),
        (None, None),
    ):
        monkeypatch.setattr(module, "settings", SimpleNamespace(default=profile))
        assert active() is expected


def test_without_a_database_nothing_is_kept():
    found, is_old = run(None, WRONG)
    assert found is not None
    assert not is_old


@pytest.mark.parametrize("layer", [RIGHT, WRONG])
def test_check_layer_leaves_no_file_behind(layer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_layer(layer, oracles=["exact"], dtypes=["float64"], max_examples=2)
    assert not list(tmp_path.rglob("*examples*"))


def test_a_folder_is_a_database(tmp_path):
    database = opened(str(tmp_path / "kept"))
    database.save(b"key", b"value")
    assert list(opened(str(tmp_path / "kept")).fetch(b"key")) == [b"value"]


@pytest.mark.parametrize(
    ("where", "said"),
    [("file", "is a file"), ("file/x", "Not a directory"), ("foo://x", "expected a folder, or redis"), ("\0", "null")],
)
def test_where_nothing_can_be_kept_is_said(tmp_path, monkeypatch, where, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=f"database: .*{said}"):
        opened(where)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("where", ["redis://127.0.0.1:1", "redis://nowhere:port"])
def test_a_redis_that_does_not_answer_is_said(where):
    pytest.importorskip("redis", reason="the client of Redis is not installed")
    with pytest.raises(InputError, match=f"database: {where}: "):
        opened(where)


def test_a_missing_client_of_redis_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(InputError, match=r"pip install redis"):
        opened("redis://127.0.0.1:1")


def test_failed_verdicts_are_kept_and_no_others():
    database = InMemoryExampleDatabase()
    case = Case("relu", [np.ones(1)], np.ones(1))
    verdicts = [
        Verdict("values", "relu", "mine", "exact", "float64", status, case=case) for status in ("failed", "disputed")
    ]
    keep(None, verdicts)
    keep(database, [*verdicts, Verdict("values", "relu", "mine", "exact", "float64", "failed")])
    ((_, entries),) = database.data.items()
    assert [Case.from_json(entry.decode()) for entry in entries] == [case]
