"""What is derived from the declarations, held against what was derived by hand: exact values, and bounds."""

import numpy as np
import pytest
from by_hand.bounds import bounds as by_hand
from by_hand.exact import enclose as exactly

from oracles import Case
from oracles.calculus.balls import enclose as in_balls
from oracles.calculus.model import ARITHMETIC
from oracles.candidates.layer import reference_layer
from oracles.candidates.run import run
from oracles.claims.checks import CHECKS
from oracles.claims.compare import elementwise
from oracles.claims.search import try_cases
from oracles.claims.truth import Truth
from oracles.ops import OPS
from oracles.sources import derived
from oracles.sources.ball_arithmetic import enclosure

CASES = 6  # a frame of values, sizes, layouts and special values


def cases(op, dtype, count=CASES, checks=4, most=400):
    layer, found = reference_layer(op), []
    for check in CHECKS[:checks]:
        for frame in check.frames(layer, 0):
            if not frame.is_large:
                try_cases(found.append, frame, dtype, count, (1, check.name), check.variety)
    return [case for case in found if case.size <= most]


@pytest.mark.parametrize("op", OPS)
def test_the_exact_value_is_that_of_the_formulas_by_hand(op):
    for case in cases(op, "float64", checks=3):
        theirs, ours = exactly(case), derived.enclose(case, precision=160)
        for name, e in theirs.items():
            mine = ours[name]
            known = np.isfinite(e.value) & np.isfinite(mine.value)
            gap = np.abs((e.value - mine.value) + (e.residual - mine.residual))
            assert (gap <= e.radius + mine.radius + 2.0**-100 * np.abs(e.value))[known].all(), f"{name} of {case}"
            assert (known | ~np.isfinite(e.value)).all(), f"{name} of {case}"


@pytest.mark.parametrize("op", OPS)
def test_every_form_encloses_the_definitions_exact_value(op):
    for case in cases(op, "float64", count=2, checks=1, most=120):
        forms = derived.forms_of(case)
        balls = in_balls(forms.programs[1], derived.arrays_of(case), 300)
        x = np.abs(case.primals[case.signature.primals[0]])
        largest = max(1.0, np.max(x, where=np.isfinite(x), initial=0.0))
        g = np.abs(np.asarray(case.cotangent))
        steepest = np.max(g, where=np.isfinite(g), initial=0.0)
        for results in forms.others:
            for name, number in results.items():
                found, right = balls[number], balls[forms.definition[name]]
                e = enclosure(list(found.ravel()), found.shape)
                for a, b, v in zip(found.ravel(), right.ravel(), e.value.ravel(), strict=True):
                    # to a float64 rounding of a literal (1 / log 2), where a form has one; a gradient may cancel
                    near = 2.0**-50 * largest * (abs(v) + (name != "output") * steepest + 2.0**-60)
                    assert not np.isfinite(v) or abs(float((a - b).mid())) <= near, name


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("op", OPS)
def test_bounds_are_as_sharp_as_those_by_hand(op, dtype):
    """At most as wide at the median, and rarely four times as wide.

    But where the logits of a softmax are so large that 2 ** (c x - c m) may lose their differences: it is admitted.
    """
    shares, u = {}, ARITHMETIC[dtype].u
    for case in cases(op, dtype):
        first = np.abs(case.primals[case.signature.primals[0]].astype(np.float64))
        if "softmax" in op and np.max(first[np.isfinite(first)], initial=0.0) * u > 2.0**-6:
            continue
        ours, theirs = derived.bounds(case), by_hand(case)
        for name, bound in theirs.items():
            claimed = np.isfinite(bound) & (bound > 0) & np.isfinite(ours[name])
            shares.setdefault(name, []).append((ours[name][claimed] / bound[claimed]).ravel())
    for name, parts in shares.items():
        share = np.concatenate(parts)
        if op == "relu":  # 0 but for subnormal numbers, which may be flushed
            assert share.size == 0 or share.max() <= 2
        elif share.size:
            assert np.median(share) <= 1.0, f"{name}: {np.median(share)}"
            assert np.quantile(share, 0.99) <= 4, f"{name}: {np.quantile(share, 0.99)}"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("op", OPS)
def test_the_reference_is_within_them(op, dtype):
    layer = reference_layer(op)
    for case in cases(op, dtype):
        truth, bounds, result = Truth.of(case).final(), derived.bounds(case), run(layer, case).named()
        for name, bound in bounds.items():
            wide = np.broadcast_to(bound, truth.enclosures[name].value.shape)
            margins, _ = elementwise(name, result[name].astype(float), truth.enclosures[name], wide, truth.accepted)
            assert (margins <= 1).all(), f"{name}: {np.max(margins)} in {case}"


def test_an_error_in_the_fifth_digit_is_outside():
    case = Case("softmax", [np.array([[1.0, 2.0, 4.0]], "float32")], np.array([[1.0, -1.0, 0.5]], "float32"))
    truth, bounds = Truth.of(case).final(), derived.bounds(case)
    for name, bound in bounds.items():
        assert (bound < 3e-5 * np.abs(truth.enclosures[name].value)).all()


def test_float64_encloses_the_exact_value_of_narrower_cases():
    for op in OPS:
        for case in cases(op, "float32", count=2, checks=1):
            _, narrow = derived.bounds_and_enclosures(case, derived.arithmetic_of(case))
            wide = derived.enclose(case, precision=160)
            for name, e in narrow.items():
                known = np.isfinite(e.value) & np.isfinite(wide[name].value) & np.isfinite(e.radius)
                assert (np.abs(e.value - wide[name].value) <= e.radius * (1 + 2.0**-40) + wide[name].radius)[
                    known
                ].all()


def test_graphs_are_traced_once_a_shape():
    case = Case("relu", [np.ones((2, 3))], np.ones((2, 3)))
    assert derived.forms_of(case) is derived.forms_of(Case("relu", [np.zeros((2, 3))], np.ones((2, 3))))
