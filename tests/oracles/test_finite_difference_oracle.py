import numpy as np
import pytest

from oracles import Case, Recipe, UnsupportedCase, load
from oracles.ops import OPS


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (Case("relu", [[0.0, 1.0]], [1.0, 1.0]), "no derivative at the kink of relu"),
        (Case("softmax", [[-np.inf, 1.0]], [1.0, 1.0]), "not finite"),
        (Case("cross_entropy", [[[0.0, 1.0]], [1]], 1.0), "where the logarithm ends"),
        (Case("cross_entropy", [[[0.1, 0.9]], [1]], 1.0, {"clip": 0.1}), "clipping starts"),
        (Case("relu", [Recipe("uniform", (300,), "float64")], np.ones(300)), "evaluations"),
        (Case("softmax", [np.ones((0, 3))], np.ones((0, 3))), "nothing to perturb"),
    ],
)
def test_it_says_why_it_abstains(case, reason):
    with pytest.raises(UnsupportedCase, match=reason):
        load("finite_difference").vjp(case)


def test_it_holds_no_derivative():
    # the values are those of the forward formula alone: replace it, and the gradient follows
    from oracles import finite_difference_oracle as module

    case = Case("relu", [[3.0, 5.0]], [1.0, 1.0])
    original = module.FORWARD["relu"]
    module.FORWARD["relu"] = lambda case, primals: [x * x for x in primals["inputs"]]
    try:
        assert (module.vjp(case).gradients["inputs"] == [6, 10]).all()
    finally:
        module.FORWARD["relu"] = original


def test_every_op_has_a_forward_formula():
    from oracles.finite_difference_oracle import FORWARD

    assert set(FORWARD) == set(OPS)
