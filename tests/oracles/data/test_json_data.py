import json
import math
from dataclasses import dataclass, replace

import numpy as np
import pytest

from oracles import Case, InputError
from oracles.claims.verdicts import Margin, Verdict
from oracles.data.json_data import from_data, read_json, to_data
from oracles.reports.report import Report

CASE = Case("relu", {"inputs": [0.0, np.nan]}, [1.0, np.inf])
VERDICT = Verdict("values", "relu", "mine", "exact", "float32", "failed", math.inf, "leaks", "off", CASE, "x", (CASE,))


def travelled(row):
    return from_data(type(row), json.loads(json.dumps(to_data(row), allow_nan=False)), "row")


def test_a_report_comes_back_as_it_went():
    margin = Margin("relu", "output", "float32", "mine", 0.1, 10, 0.0, CASE)
    report = Report(
        "a run", (VERDICT, replace(VERDICT, margin=0.1 + 0.2, case=None)), (margin,), {"numpy": "2"}, 7, 3, 1.5
    )
    assert travelled(report) == report


def test_nan_comes_back():
    assert math.isnan(travelled(replace(VERDICT, margin=math.nan)).margin)


def test_integers_are_numbers_and_defaults_may_be_left_out():
    data = {"check": "a", "op": "b", "layer": "c", "oracle": "d", "dtype": "e", "status": "passed", "margin": 1}
    assert from_data(Verdict, data, "row") == Verdict("a", "b", "c", "d", "e", "passed", 1.0)


@dataclass(frozen=True)
class Pair:
    at: tuple[int, ...] | None
    by: dict[str, str]


@pytest.mark.parametrize(
    ("kind", "data", "message"),
    [
        (Pair, [], r"row: expected an object, got \[\]"),
        (Pair, {"by": {}}, "row.at: missing"),
        (Pair, {"at": None, "by": {}, "bye": 1}, 'row: expected at, by, got "bye"'),
        (Pair, {"at": 1, "by": {}}, "row.at: expected a list, got 1"),
        (Pair, {"at": [1, "2"], "by": {}}, r'row.at\[1\]: expected an integer, got "2"'),
        (Pair, {"at": [True], "by": {}}, r"row.at\[0\]: expected an integer, got true"),
        (Pair, {"at": None, "by": {"a": 1}}, "row.by.a: expected a text, got 1"),
        (Verdict, to_data(VERDICT) | {"margin": "large"}, 'row.margin: expected a number, got "large"'),
        (Verdict, to_data(VERDICT) | {"case": {}}, 'row.case: case: expected an object with "format": 1'),
        (Verdict, to_data(VERDICT) | {"earlier": [3]}, r"row.earlier\[0\]: case: expected an object"),
    ],
)
def test_what_is_wrong_is_named_with_its_field(kind, data, message):
    with pytest.raises(InputError, match=message):
        from_data(kind, data, "row")


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "3", "null"])
def test_what_is_no_object_is_said(text):
    with pytest.raises(InputError, match=r"file: (not JSON|expected an object)"):
        read_json(text, "file")


def test_texts_are_safe_to_show():
    assert from_data(Pair, {"at": None, "by": {"a": "\x1b[31mred\udcff\nnext"}}, "row").by == {
        "a": "\\x1b[31mred\\udcff\nnext"
    }
