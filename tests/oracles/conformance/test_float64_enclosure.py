"""What float64 encloses is what ball arithmetic encloses, and it says so where it cannot."""

import numpy as np
import pytest
from hypothesis import given

from oracles import Case
from oracles.conformance.cases import cases
from oracles.conformance.float64_enclosure import FORMULAS, enclose_in_float64
from oracles.exact_oracle import enclose


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("op", FORMULAS)
def test_it_holds_the_truth(op, dtype):
    reached = []

    @given(cases(op, dtype))
    def holds(case):
        quick = enclose_in_float64(case)
        if quick is None:
            return
        reached.append(case)
        truth = enclose(case, precision=640)
        assert quick.keys() == truth.keys()
        for name, enclosed in quick.items():
            assert enclosed.value.shape == truth[name].value.shape
            claimed = np.isfinite(enclosed.radius)
            with np.errstate(all="ignore"):
                error = np.abs(truth[name].value - enclosed.value + truth[name].residual)
            assert (error <= enclosed.radius + truth[name].radius)[claimed].all()

    holds()
    assert reached


def fused(logits, targets=(0,), cotangent=1.0):
    return Case("softmax_cross_entropy", [np.array(logits, np.float32), np.array(targets)], np.float32(cotangent))


DENSE = [np.ones((2, 3), np.float32), np.ones((3, 2), np.float32), np.ones((1, 2), np.float32)]


@pytest.mark.parametrize(
    "case",
    [
        Case("softmax", [np.zeros(3)], np.ones(3)),
        Case("relu", [np.zeros(3, np.float32)], np.ones(3, np.float32)),
        Case("softmax", [np.array([0, np.nan], np.float32)], np.ones(2, np.float32)),
        fused([[np.inf, 1]]),
        fused([[-np.inf, -np.inf]]),
        fused([[-np.inf, 1]]),
        fused([[0, 1]], cotangent=np.inf),
        Case("dense", [*DENSE[:2], np.array([[np.inf, 0]], np.float32)], np.ones((2, 2), np.float32)),
        Case("cross_entropy", [np.array([[0, 1]], np.float32), np.array([0])], np.float32(1)),
        Case("cross_entropy", [np.array([[0.5, 0.5]], np.float32), np.array([0])], np.float32(1), {"clip": 1e-7}),
    ],
    ids=lambda case: f"{case.op}-{case.dtype}",
)
def test_where_it_proves_nothing_it_says_so(case):
    assert enclose_in_float64(case) is None


def test_a_masked_class_takes_part():
    quick = enclose_in_float64(fused([[-np.inf, 1, 1]], targets=(2,)))
    assert quick["dlogits"].value.tolist() == [[0, 0.5, -0.5]]
    assert quick["dlogits"].radius[0, 0] < 1e-300
