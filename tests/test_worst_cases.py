"""The cases with the highest margins of campaigns, a million cases an op: nobody has got worse on them.

Written by `python benchmarks/margins.py --state campaign.sqlite --worst tests/worst_cases.json`.
"""

import json
from pathlib import Path

import pytest

from conftest import load_or_skip
from oracles import Case
from oracles.candidates.layer import reference_layer
from oracles.candidates.run import run
from oracles.claims.truth import Truth

ROWS = json.loads((Path(__file__).parent / "worst_cases.json").read_text())["cases"]


def case_of(row):
    return Case.from_json(json.dumps(row["case"]))


def named(row):
    return " ".join((row["case"]["op"], row["result"], case_of(row).dtype.name, row["source"]))


def test_every_op_dtype_and_source_has_some():
    assert len({(row["case"]["op"], case_of(row).dtype.name, row["source"]) for row in ROWS}) >= 48


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_the_reference_is_within_its_bounds(row):
    case = case_of(row)
    for comparison in Truth.of(case).judge(run(reference_layer(case.op), case)).values():
        assert comparison.passed, comparison


# in half precision docs/findings.md says who is outside
OF_FRAMEWORKS = [row for row in ROWS if row["source"] != "reference" and case_of(row).dtype.itemsize > 2]


@pytest.mark.parametrize("row", OF_FRAMEWORKS, ids=named)
def test_the_frameworks_are_in_full_precision(row):
    case, oracle = case_of(row), load_or_skip(row["source"])
    for comparison in Truth.of(case).for_oracle(oracle).judge(oracle.vjp(case)).values():
        assert comparison.passed, comparison
