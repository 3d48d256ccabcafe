import io

import numpy as np
from rich.console import Console

from oracles.claims.verdicts import EXACT, Margin, Verdict
from oracles.reports.report import Report
from oracles.reports.tables import margin_text, margins_table, summary_lines, told_lines


def rendered(table):
    console = Console(file=io.StringIO(), width=80)
    console.print(table)
    return console.file.getvalue()


def test_a_margin_over_one_is_marked_without_colour():
    assert [str(margin_text(m)) for m in (0.0, 0.254, 1.0, 1.5, 123.4, np.inf)] == [
        "0",
        "0.25",
        "1.00",
        "1.50 !",
        "123 !",
        "inf !",
    ]


def test_the_table_fits_80_columns_and_cuts_nothing():
    sources = ("reference.softmax_cross_entropy", "torch", "jax", "finite_difference")
    rows = [Margin("softmax_cross_entropy", "dprobabilities", "bfloat16", s, 123.4, 1, 0.0) for s in sources]
    text = rendered(margins_table(rows))
    assert "…" not in text
    for part in (
        "softmax_cross_entropy",
        "bfloat16",
        "dprobabilities",
        "reference",
        "torch",
        "jax",
        "fin. diff",
        "123 !",
    ):
        assert part in text


def test_what_did_not_take_part_is_a_dash():
    rows = [
        Margin("relu", "output", "float32", "reference.relu", 0.0, 1, 0.0),
        Margin("relu", "dinputs", "float32", "torch", 0.5, 1, 0.0),
    ]
    assert "-" in rendered(margins_table(rows)).splitlines()[-2]


def test_the_summary_names_disputes_and_skips():
    verdicts = (
        Verdict(
            "oracle",
            "dense",
            "",
            "jax",
            "float16",
            "disputed",
            3.0,
            message="dbiases: 1 of 2 elements wrong; worst at (0,): off",
        ),
        Verdict("agrees", "", "reference", "torch", "", "skipped", message="torch: not installed"),
    )
    lines = summary_lines(
        Report("run", verdicts, (), {"numpy": "2"}, 1, 2, 3.0, notes=("nothing was cross-validated",))
    )
    assert "  jax, dense in float16: dbiases: 1 of 2 elements wrong; worst at (0,): off" in lines
    assert "skipped: torch: not installed" in lines
    assert "nothing was cross-validated" in lines
    assert lines[-1] == "passed: 2 cases in 3 s, seed 1"


def test_what_the_checks_of_a_pytest_run_told_is_one_plain_table_of_the_worst():
    def told(source, worst, disputed=(), truth=EXACT):
        row = {
            "block": "Mine (relu)",
            "source": source,
            "result": "output",
            "dtype": "float32",
            "worst": worst,
            "cases": 3,
        }
        return {"seed": 1, "truth": truth, "versions": {}, "margins": [row], "disputed": list(disputed)}

    lines = told_lines([told("layer.Mine", 0.25), told("torch", 2.0, ["torch: off"]), told("layer.Mine", 0.5)])
    assert [line.split() for line in lines if "float32" in line] == [["float32", "output", "0.50", "2.00", "!"]]
    assert [line.split()[-2:] for line in lines if "result" in line] == [["layer", "torch"]]
    assert lines[-2:] == [
        "Outside their own bound, held against the exact value (the layer is not blamed):",
        "  torch: off",
    ]
    assert not any("\x1b" in line for line in lines)
    assert told_lines([told("torch", 0.5)], with_table=False) == []
    of_own = told_lines([told("torch", 0.5, truth="torch in float64")])
    assert " ".join(of_own[:4]).startswith("worst |error| / estimated bound, against torch in float64")
    assert "the exact value, and for ops of your own" in " ".join(
        told_lines([told("torch", 0.5), told("torch", 0.5, truth="torch in float64")])
    )


def failing(check, dtype, cause, message="dinputs: wrong", snippet="assert False\n"):
    return Verdict(check, "relu", "Mine", "exact", dtype, "failed", cause=cause, message=message, snippet=snippet)


def test_a_cause_is_shown_once_in_full_with_the_claims_it_breaks():
    failures = [failing(c, d, "scaled by 2") for c in ("values", "sizes") for d in ("float32", "float64")]
    failures.append(failing("stateless", "float32", "keeps its mask"))
    report = Report(
        "run", (*failures, Verdict("labels", "relu", "Mine", "exact", "float32", "passed")), (), {}, 1, 2, 3.0
    )
    text = "\n".join(summary_lines(report))
    assert text.count("cause: scaled by 2") == text.count("cause: keeps its mask") == 1
    assert "also in: values (float64), sizes (float32, float64)" in text
    assert "assert False" not in text
    assert text.splitlines()[-1] == "FAILED 5 of 6 claims (scaled by 2; keeps its mask): 2 cases in 3 s, seed 1"
    assert "\n".join(summary_lines(report, verbose=True)).count("assert False") == 5


def test_failures_nobody_can_explain_are_not_taken_for_one():
    unexplained = [
        failing("values", "float32", "unexplained"),
        failing("sizes", "float32", "unexplained", "output: wrong"),
    ]
    text = "\n".join(summary_lines(Report("run", tuple(unexplained), (), {}, 1, 2, 3.0)))
    assert "dinputs: wrong" in text
    assert "output: wrong" in text
