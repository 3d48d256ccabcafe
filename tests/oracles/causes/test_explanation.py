"""An explanation is met by every element of every run, the right ones as well, and needs wrong ones that tell."""

import numpy as np
import pytest

from oracles import Case, Layer
from oracles.causes.evidence import Evidence
from oracles.causes.explanation import Explanation, explain, explains, misshapen
from oracles.causes.hypotheses.places import EVERYWHERE
from oracles.causes.hypotheses.values import constant, copies
from reference import relu, relu_vjp

TWICE = Explanation("dinputs", constant(2.0), EVERYWHERE)


def runs(vjp, *sizes):
    layer = Layer("relu", forward=relu, vjp=vjp)
    cases = [Case("relu", [np.linspace(-1, 2, n)], np.linspace(3, 4, n)) for n in sizes]
    return [Evidence.of(layer, case) for case in cases]


def test_every_run_counts():
    assert explains(TWICE, runs(lambda g, x: 2 * relu_vjp(g, x), 4, 5), least=2)
    assert not explains(TWICE, runs(lambda g, x: (2 if len(x) > 4 else 1) * relu_vjp(g, x), 4, 5), least=2)
    assert not explains(TWICE, runs(lambda g, x: relu_vjp(g, x) * (2 - (x == x.max())), 4, 5), least=2)


@pytest.mark.parametrize(("elements", "enough"), [(3, True), (2, False)])
def test_so_many_wrong_elements_must_tell(elements, enough):
    of_one = runs(lambda g, x: 2 * relu_vjp(g, x), elements)  # two of three are positive, one of two
    assert explains(TWICE, of_one, least=2) == enough
    assert explains(TWICE, of_one, least=1)


def test_what_is_found_is_said_with_its_place():
    found = explain(runs(lambda g, x: g.copy(), 4, 5), "dinputs", ())
    assert str(found) == "the cotangent, passed through"
    assert found.value.text in {value.text for value in copies()}
    assert explain(runs(lambda g, x: relu_vjp(g, x) + np.sin(40 * x), 4, 5), "dinputs", ()) is None


def test_another_shape_explains_itself():
    found = explain(runs(lambda g, x: relu_vjp(g, x)[None], 4), "dinputs", ())
    said = "shape (1, 4) in the place of (4,), with the right values"
    assert str(found) == said == str(misshapen("dinputs", said))
