"""docs/json.md names every field of the JSON report, and no other."""

import json
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from oracles import Case, Layer, Recipe, check_layer
from oracles.candidates.backward_source import Place
from oracles.claims.compare import Elements
from oracles.claims.verdicts import Margin, Verdict
from oracles.ops import Op
from oracles.reports.report import Report

PAGE = (Path(__file__).parents[1] / "docs" / "json.md").read_text(encoding="utf-8")


def documented(section):
    """The fields in the first column of a section's table."""
    text = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)[1]
    rows = re.findall(r"^\| (`.*?) \| ", text, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def names(kind):
    return {field.name for field in fields(kind)}


@pytest.mark.parametrize("kind", [Verdict, Elements, Margin, Place])
def test_a_table_names_the_fields(kind):
    assert documented(kind.__name__) == names(kind)


def test_a_real_report_has_the_fields_of_the_page_and_no_other():
    wrong = Layer("relu", forward=lambda x: np.maximum(x, 0), vjp=lambda g, x: g)
    report = json.loads(check_layer(wrong, ["exact"], ["float32"], max_examples=3, seed=1).to_json())
    verdict = report["verdicts"][0]
    found = {
        "Report": report,
        "Verdict": verdict,
        "Elements": verdict["elements"][0],
        "Margin": report["margins"][0],
        "Place": report["place"],
    }
    assert {name: set(data) for name, data in found.items()} == {name: documented(name) for name in found}
    assert documented("Report") == names(Report) | {"passed"}


def test_a_case_and_its_arrays_have_the_fields_of_the_page():
    small, large = np.ones((2, 2))[::-1], Recipe("uniform", (70, 70), "float64")
    op, two = (Op.bare("unknown", ("inputs",), ("inputs",), outputs=names) for names in (("output",), ("a", "b")))
    cases = (Case("relu", [small], small), Case("relu", [large], large), Case(op, [small], small))
    written = [json.loads(case.to_json()) for case in (*cases, Case(two, [small], (small, small)))]
    assert set().union(*written) == documented("Case")
    assert set(written[-1]["cotangents"]) == {"a", "b"}
    assert set().union(*(case["cotangent"] for case in written[:-1])) == documented("Array")
