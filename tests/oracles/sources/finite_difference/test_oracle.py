import numpy as np
import pytest

from oracles import Case, Op, Recipe, UnsupportedCase, load
from oracles.cases.frames import frame_pool
from oracles.cases.generation import Variety
from oracles.claims.search import try_cases
from oracles.claims.truth import Truth
from oracles.ops import DECLARATIONS


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (Case("relu", [[0.0, 1.0]], [1.0, 1.0]), "no derivative by inputs at 0.0, a kink"),
        (Case("softmax", [[-np.inf, 1.0]], [1.0, 1.0]), "not finite"),
        (Case("cross_entropy", [[[0.0, 1.0]], [0]], 1.0), "where the output is not finite"),
        (
            Case("cross_entropy", [[[0.1, 0.9]], [1]], 1.0, {"clip": 0.1}),
            "by probabilities at 0.[19], a kink",
        ),
        (Case("relu", [Recipe("uniform", (300,), "float64")], np.ones(300)), "evaluations"),
        (Case("softmax", [np.ones((0, 3))], np.ones((0, 3))), "nothing to perturb"),
    ],
)
def test_it_says_why_it_abstains(case, reason):
    with pytest.raises(UnsupportedCase, match=reason):
        load("finite_difference").vjp(case)


def test_it_holds_no_derivative():
    """The values are those of the definition alone: another definition, and the gradient follows."""
    square = Op("square(x[N]) -> output[N]", definition=lambda xp, x: xp.stop_gradient(x) * x)
    found = load("finite_difference").vjp(Case(square, [[3.0, 5.0]], [1.0, 1.0]))
    assert (found.gradients["x"] == [6, 10]).all()


@pytest.mark.parametrize("name", DECLARATIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_agrees_with_the_exact_value_on_every_op(name, dtype):
    told = []
    for frame in frame_pool(DECLARATIONS[name], 1)[:6]:
        try_cases(told.append, frame, dtype, 2, 0, Variety(special=False))
    judged = 0
    for case in told:
        try:
            found = load("finite_difference").vjp(case)
        except UnsupportedCase:
            continue
        judged += 1
        assert all(c.passed for c in Truth.of(case).judge(found).values())
    assert judged >= 3
