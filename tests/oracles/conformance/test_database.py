"""Failing cases are kept for the next run, tried first there, and forgotten once they pass."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import settings
from hypothesis.database import InMemoryExampleDatabase

import oracles.conformance.database as module
from oracles import Case, Layer, check_layer
from oracles.conformance.checks import CHECKS
from oracles.conformance.database import active, kept, key, search_kept_first
from oracles.conformance.layer import reference_layer
from oracles.conformance.referee import Tally

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
