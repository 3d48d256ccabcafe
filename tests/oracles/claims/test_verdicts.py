"""Margins: counted in bins, and merged into the worst of them."""

import math

from oracles.claims.verdicts import BINS, EDGES, Margin, Verdict, bin_of, distinct, merged


def test_every_margin_has_a_bin_whose_edge_it_does_not_exceed():
    assert bin_of(0.0) == 0
    assert bin_of(math.inf) == BINS - 1
    for margin in (1e-9, 1e-4, 0.5, 1.0, 3.0):
        k = bin_of(margin)
        assert EDGES[k - 1] < margin <= EDGES[k]


def test_merged_margins_keep_the_worst_over_all_cases():
    rows = [
        Margin("dense", "output", "float32", "torch", worst, cases, unclaimed, None, (convention,), (cases, 0))
        for worst, cases, unclaimed, convention in ((0.5, 3, 0.0, "a"), (0.25, 1, 1.0, "b"))
    ]
    other = Margin("dense", "output", "float64", "torch", 0.1, 1, 0.0)
    one, two = merged([*rows, other])
    assert (one.worst, one.cases, one.conventions, one.distribution) == (0.5, 4, ("a", "b"), (4, 0))
    assert one.unclaimed == 0.25
    assert two == other


def test_a_failure_is_one_whoever_judged():
    of = [Verdict("values", "dense", "mine", oracle, "float32", "failed", message="wrong") for oracle in "ab"]
    assert distinct([*of, Verdict("values", "dense", "mine", "a", "float64", "failed", message="wrong")]) == [
        of[0],
        Verdict("values", "dense", "mine", "a", "float64", "failed", message="wrong"),
    ]
