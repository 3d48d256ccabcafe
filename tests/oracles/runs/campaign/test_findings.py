import random
from dataclasses import replace

import pytest
from here import plan

from oracles import Case, InputError
from oracles.claims.verdicts import Verdict
from oracles.runs.campaign.findings import KEPT, Findings
from oracles.runs.campaign.work import work


@pytest.fixture(scope="module")
def chunks():
    return [work(chunk) for chunk in plan(cases=60).chunks()]


def summed(chunks):
    findings, rows = Findings(), {}
    for found in chunks:
        rows |= findings.enter(found)
    return findings, rows


def test_counts_add_up_in_any_order(chunks):
    findings, _ = summed(chunks)
    shuffled = list(chunks)
    random.Random(0).shuffle(shuffled)
    other, _ = summed(shuffled)
    assert findings.cases == other.cases == sum(c.cases for c in chunks) == 120
    assert {n: c.cases for n, c in findings.counts.items()} == {"softmax": 60, "dense": 60}
    assert {n: (m.worst, m.cases) for n, m in findings.margins.items()} == {
        n: (m.worst, m.cases) for n, m in other.margins.items()
    }


def test_a_margin_row_has_the_cases_of_all_its_chunks(chunks):
    findings, _ = summed(chunks)
    assert {m.cases for m in findings.margins.values()} == {30}
    assert findings.worst() == max(m.worst for c in chunks for m in c.margins)
    assert findings.worst("dense") == max(m.worst for c in chunks for m in c.margins if m.op == "dense")


def test_the_rows_make_the_same_findings_again(chunks):
    findings, rows = summed(chunks)
    again = Findings.of_rows((*key, text) for key, text in rows.items())
    assert (again.counts, again.margins, again.verdicts) == (findings.counts, findings.margins, findings.verdicts)
    assert {n: list(x) for n, x in again.leaders.items()} == {n: list(x) for n, x in findings.leaders.items()}


def test_devices_are_told_apart(chunks):
    findings, _ = summed([chunks[0], replace(chunks[0], number=99, device="cuda")])
    assert {m.source for m in findings.margins.values()} == {"reference.softmax", "reference.softmax on cuda"}
    assert len(findings.leaders) == 2


def failed(cause="c", status="failed", margin=2.0):
    case = Case("relu", [[[1.0]]], [[1.0]])
    return Verdict("values", "softmax", "mine", "torch", "float32", status, margin, cause, "m", case)


def test_of_each_cause_a_few_failures_are_kept(chunks):
    findings, _ = summed([replace(chunks[0], verdicts=(failed(),) * 10, failing=10)])
    assert (len(findings.verdicts), findings.failing) == (KEPT, 10)
    findings.enter(replace(chunks[0], verdicts=(failed("another"),)))
    assert len(findings.verdicts) == KEPT + 1
    for i in range(200):
        findings.enter(replace(chunks[0], verdicts=(failed(f"cause {i}"),)))
    assert len(findings.verdicts) < 60


def test_of_each_oracle_the_worst_dispute(chunks):
    findings, _ = summed([replace(chunks[0], verdicts=(failed(status="disputed", margin=m),)) for m in (2.0, 5.0, 3.0)])
    (kept,) = findings.verdicts.values()
    assert kept.margin == 5


def test_every_version_that_took_part_is_kept(chunks):
    findings, _ = summed([chunks[0], replace(chunks[0], versions={"numpy": "1.0", "torch": "9"}), chunks[0]])
    versions = findings.counts["softmax"].versions
    assert versions["torch"] == "9"
    assert versions["numpy"].endswith(", 1.0")


@pytest.mark.parametrize(
    ("row", "named"),
    [
        (("code", "x", "{}"), "code: expected one of"),
        (("margin", "m", "{"), "margin m: not JSON"),
        (("margin", "m", "[]"), "margin m: expected an object"),
        (("margin", "m", '{"op": 1}'), "margin m.op: expected a text"),
        (("counts", "relu", '{"layer": "x", "cases": "many"}'), "counts relu.cases: expected an integer"),
        (("worst", "m", f'{{"case": {Case("relu", [[1.0]], [1.0]).to_json()}}}'), "worst m: there is no such margin"),
        (("leaders", "p", '{"leaders": [{"source": "s", "result": "r", "margin": 1, "case": {}}]}'), "case"),
    ],
)
def test_a_row_that_is_wrong_is_named(row, named):
    with pytest.raises(InputError, match=named):
        Findings.of_rows([row])
