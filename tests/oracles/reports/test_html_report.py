"""The report as a page: what it holds, and that nothing a candidate says becomes more than text."""

import re
import sys

import numpy as np
import pytest

from oracles import Case, InputError, Layer, check_layer
from oracles.claims.compare import Elements
from oracles.claims.verdicts import EDGES, Margin, Verdict
from oracles.reports.html_report import grid, number, require, shade
from oracles.reports.report import Report
from reference import softmax

pytest.importorskip("jinja2")

EVIL = "<script>document.title = 'owned'</script><img src=x onerror=\"document.title='owned'\">"
CASE = Case("relu", [np.array([[1.0, -1.0]])], np.array([[1.0, 1.0]]))
COUNTS = tuple(range(len(EDGES) + 1))
MARGIN = Margin("relu", "dinputs", "float64", "mine", 3.25, sum(COUNTS), 0.0, CASE, ("a convention",), COUNTS)
ELEMENTS = Elements("dinputs", (1, 2), 0, 0, 2, (1.5, 0.0), (1.0, 0.0), (1e-3, 0.0), (500.0, 0.0))


def html(tmp_path, report):
    report.to_html(tmp_path / "report.html")
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def report(*verdicts, **changes):
    given = {
        "title": "a run",
        "verdicts": verdicts,
        "margins": (MARGIN,),
        "versions": {"numpy": "2.0"},
        "seed": 17,
        "cases": 60,
        "seconds": 1.25,
    }
    return Report(**given | changes)


def failed(**changes):
    given = {"message": "wrong", "case": CASE, "elements": (ELEMENTS,), "snippet": "assert False\n", "cause": "a cause"}
    return Verdict("values", "relu", "mine", "exact", "float64", "failed", **given | changes)


def test_it_says_what_failed_and_how_to_see_it_again(tmp_path):
    page = html(tmp_path, report(failed(), command="backproof check mine:ReLU --op relu"))
    for said in (
        "✗ FAILED",
        "a cause",
        "assert False",
        "Case(&#39;relu&#39;",
        "backproof check mine:ReLU --op relu",
        "17",
    ):
        assert said in page


def test_it_says_what_passed(tmp_path):
    page = html(tmp_path, report(Verdict("values", "relu", "mine", "exact", "float64", "passed")))
    assert "✓ passed" in page
    assert 'id="failures"' not in page


def test_it_passes_nothing_that_was_not_finished(tmp_path):
    page = html(tmp_path, report(Verdict("values", "relu", "mine", "exact", "float64", "unfinished", message="slow")))
    assert "? NO VERDICT" in page
    assert "✓ passed" not in page


@pytest.mark.parametrize("where", ["cause", "message", "snippet"])
def test_what_a_failure_says_is_text(tmp_path, where):
    page = html(tmp_path, report(failed(**{where: EVIL})))
    assert "<img" not in page
    assert page.count("<script>") == 1


def test_what_a_candidate_is_called_and_raises_is_text(tmp_path):
    def raises(g, x):
        raise ValueError(EVIL)

    layer = Layer("softmax", forward=softmax, vjp=raises, name=EVIL)
    page = html(tmp_path, check_layer(layer, oracles=["exact"], max_examples=3, dtypes=["float32"]))
    assert "<img" not in page
    assert page.count("<script>") == 1


def test_nothing_is_asked_of_the_network(tmp_path):
    page = html(tmp_path, report(failed()))
    assert "default-src &#39;none&#39;" in page
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!#|data:,)""", page)
    assert "url(" not in page


def test_elements_are_shown_with_their_indices_and_margins(tmp_path):
    page = html(tmp_path, report(failed()))
    assert "1 of the 2 elements shown is wrong" in page
    assert "got 1.5, expected 1.0, allowed 0.001" in page
    assert "500 !</div>" in page


def test_rows_of_a_result_of_higher_rank_go_by_all_their_indices():
    e = Elements("dinputs", (2, 3, 4), 4, 1, 2, *([(0.0,) * 4] * 4))
    shown = grid(e)
    assert [label for label, _ in shown["rows"]] == ["1, 1", "1, 2"]
    assert shown["columns"] == [1, 2]
    assert not shown["whole"]


def test_the_distribution_counts_every_case(tmp_path):
    page = html(tmp_path, report())
    assert sum(int(n) for n in re.findall(r"<title>(\d+) cases?", page)) == sum(COUNTS)
    assert page.count('class="past"') == 2  # up to 10, and more


@pytest.mark.parametrize(
    ("margin", "shown"), [(0.0, "s0"), (1e-9, "s1"), (0.9, "s8"), (1.0, "s8"), (1.1, "over"), (np.inf, "over")]
)
def test_the_shade_of_a_margin(margin, shown):
    assert shade(margin) == shown


def test_numbers_are_short():
    assert [number(x) for x in (0.0, 1 / 3, -np.inf, np.nan, 123456.0)] == ["0", "0.333", "-∞", "nan", "1.23e+05"]


def test_without_jinja2_it_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(InputError, match="pip install jinja2"):
        require()
    with pytest.raises(InputError, match="Jinja2"):
        report().to_html(tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()
