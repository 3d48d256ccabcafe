"""The report as JUnit XML: what a CI reads of it, and that nothing a candidate says makes it invalid."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles import Case, Layer, check_layer
from oracles.candidates.backward_source import Place
from oracles.claims.verdicts import Margin, Verdict
from oracles.reports.junit import document, fit
from oracles.reports.report import Report
from reference import relu

CASE = Case("relu", {"inputs": [0.0]}, [1.0])
FAILED = Verdict("values", "relu", "mine", "torch", "float32", "failed", np.inf, "leaks", "dinputs: wrong", CASE)
FAILED = replace(FAILED, snippet="assert 1 < 0 and 'x'\n")
PASSED = Verdict("values", "relu", "mine", "jax", "float32", "passed", 0.25)
DISPUTED = Verdict("oracle", "relu", "", "jax", "float16", "disputed", 3.0, message="output: off", case=CASE)
SKIPPED = Verdict("values", "", "mine", "cupy", "", "skipped", message="no cupy")
EXPECTED = Verdict("sizes", "relu", "mine", "exact", "float32", "xfailed", message="known")
MARGIN = Margin("relu", "output", "float32", "mine", np.inf, 10, 0.0, CASE)


def report(*verdicts, **changes):
    given = {"versions": {"numpy": "2"}, "seed": 7, "cases": 10, "seconds": 1.5, "notes": ("a note",)}
    return Report(**{"title": "a run", "verdicts": verdicts, "margins": (MARGIN,), **given, **changes})


def suite(*verdicts, **changes):
    return ET.fromstring(document(report(*verdicts, **changes))).find("testsuite")


def test_a_verdict_is_a_test_case_named_after_its_claim_dtype_and_oracle():
    cases = suite(PASSED, FAILED, SKIPPED).findall("testcase")
    assert [(c.get("classname"), c.get("name")) for c in cases] == [
        ("relu/mine", "values-float32-jax"),
        ("relu/mine", "values-float32-torch"),
        ("mine", "values-cupy"),
    ]


def test_the_counts_are_those_of_the_test_cases():
    found = suite(PASSED, FAILED, SKIPPED, EXPECTED, DISPUTED)
    assert {k: found.get(k) for k in ("tests", "failures", "errors", "skipped", "time")} == {
        "tests": "4",
        "failures": "1",
        "errors": "0",
        "skipped": "2",
        "time": "1.500",
    }
    assert len(found.findall("testcase")) == 4
    assert len(found.findall("testcase/failure")) == 1
    assert len(found.findall("testcase/skipped")) == 2


def test_a_failure_says_its_cause_its_message_the_case_and_the_snippet():
    failure = suite(FAILED).find("testcase/failure")
    assert failure.get("message") == "leaks"
    for part in ("dinputs: wrong", "case: Case('relu'", "assert 1 < 0 and 'x'"):
        assert part in failure.text


def test_a_failure_without_a_cause_has_its_message():
    failure = suite(replace(FAILED, cause="", message="exited with code 3\nand more")).find("testcase/failure")
    assert failure.get("message") == "exited with code 3"


def test_a_skip_says_its_reason():
    skipped = suite(SKIPPED, EXPECTED).findall("testcase/skipped")
    assert [s.get("message") for s in skipped] == ["no cupy", "expected to fail: known"]


def test_a_dispute_is_told_and_is_no_test_of_the_layer():
    found = suite(PASSED, DISPUTED)
    assert "disputed: jax on relu, oracle, float16: output: off" in found.find("system-out").text
    assert suite(PASSED).find("system-out") is None


def test_the_properties_say_how_to_run_it_again():
    found = suite(PASSED, command="backproof check mine:relu")
    properties = {p.get("name"): p.get("value") for p in found.findall("properties/property")}
    assert properties == {
        "seed": "7",
        "device": "cpu",
        "cases": "10",
        "command": "backproof check mine:relu",
        "version.numpy": "2",
        "note": "a note",
    }


def test_the_elements_come_in_the_order_of_the_schema():
    assert [e.tag for e in suite(FAILED, DISPUTED)] == ["properties", "testcase", "system-out"]


def test_a_place_is_that_of_every_test_case(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    inside, outside = Place(str(tmp_path / "src" / "mine.py"), 3), Place("/elsewhere/mine.py", 4)
    case = suite(PASSED, place=inside).find("testcase")
    assert (case.get("file"), case.get("line")) == ("src/mine.py", "3")
    assert suite(PASSED, place=outside).find("testcase").get("file") == "/elsewhere/mine.py"
    assert "file" not in suite(PASSED).find("testcase").attrib


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_whatever_a_candidate_says_the_file_is_xml_and_holds_it(text):
    said = replace(FAILED, message=text, cause=text, layer=text, snippet=text)
    found = suite(said, replace(SKIPPED, message=text), replace(DISPUTED, message=text), notes=(text,), title=text)
    assert found.get("name") == fit(text)
    assert fit(text) in found.find("testcase/failure").text
    assert found.find("testcase/skipped").get("message") == fit(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("nul \x00, back \r\n", r"nul \x00, back \r" + "\n"),
        ("\ud800 \uffff", r"\ud800 \uffff"),
        ("τ 🙂 <&>\t\n", "τ 🙂 <&>\t\n"),
    ],
)
def test_what_xml_cannot_hold_is_shown_as_an_escape_and_the_rest_as_it_is(text, shown):
    assert fit(text) == shown


def test_a_layer_that_raises_control_characters_is_reported(tmp_path):
    def raises(cotangent, inputs):
        raise ValueError("\x00\x1b[31m ]]> \ud800")

    layer = Layer("relu", forward=relu, vjp=raises)
    check_layer(layer, ["exact"], ["float32"], max_examples=2, seed=1).to_junit(tmp_path / "report.xml")
    found = ET.parse(tmp_path / "report.xml").getroot().find("testsuite")
    assert int(found.get("failures")) >= 1
    assert r"\x00\x1b[31m ]]> \ud800" in found.find("testcase/failure").text
