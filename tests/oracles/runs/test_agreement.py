"""The tester tested: wrong layers fail with a shrunk case, wrong oracles are named, right layers are never blamed."""

from types import SimpleNamespace

import ml_dtypes
import numpy as np

from oracles import Case, Layer, Oracle, Result, load
from oracles.candidates.layer import reference_layer
from oracles.claims.referee import Tally
from oracles.runs.agreement import check_agreement, plan

EXACT = load("exact")


def check(layer, oracles=(EXACT,), dtypes=("float32",), examples=60, seed=0):
    tally = Tally()
    return check_agreement(layer, oracles, dtypes, examples=examples, seed=seed, tally=tally), tally


def oracle(vjp, name="mine"):
    return Oracle(name, "1", "cpu", SimpleNamespace(vjp=vjp))


def test_a_right_layer_passes_in_every_dtype():
    verdicts, tally = check(reference_layer("relu"), dtypes=("float32", "bfloat16"))
    assert [(v.status, v.dtype) for v in verdicts] == [("passed", "float32"), ("passed", "bfloat16")]
    assert tally.cases > 60
    assert {m.source for m in tally.margins()} == {"reference.relu"}


def test_a_wrong_layer_fails_with_a_small_case_that_shows_it():
    wrong = Layer("relu", forward=lambda x: np.maximum(x, 0), vjp=lambda g, x: g * (x >= 0), name="leaks at zero")
    (verdict,), _ = check(wrong)
    assert verdict.status == "failed"
    assert verdict.margin == np.inf
    assert verdict.message.startswith("dinputs: 1 of 1 elements wrong; worst at (0")
    assert "got 1.0, expected 0.0, error 1 outside the 0 allowed" in verdict.message
    assert verdict.case.size == 2
    assert (verdict.case.primals["inputs"] == 0).all()


def test_a_layer_that_raises_fails_with_what_it_said():
    def broken(g, x):
        raise IndexError("list index out of range")

    (verdict,), _ = check(Layer("relu", forward=lambda x: np.maximum(x, 0), vjp=broken))
    assert verdict.status == "failed"
    assert verdict.message == "raised IndexError: list index out of range"
    assert verdict.case is not None


def test_a_wrong_oracle_is_named_and_the_layer_is_not_blamed():
    def biased(case, device):
        result = EXACT.vjp(case)
        return Result(result.output, {name: g * 1.001 for name, g in result.gradients.items()})

    verdicts, _ = check(reference_layer("softmax"), [EXACT, oracle(biased)])
    assert {v.status for v in verdicts if v.layer} == {"passed"}
    (dispute,) = (v for v in verdicts if v.status == "disputed")
    assert dispute.oracle == "mine"
    assert dispute.message.startswith("dinputs: ")
    assert isinstance(dispute.case, Case)


def test_a_broken_oracle_is_named_and_the_layer_is_not_blamed():
    def broken(case, device):
        raise MemoryError("out of memory")

    verdicts, _ = check(reference_layer("softmax"), [EXACT, oracle(broken)])
    (dispute,) = (v for v in verdicts if v.status == "disputed")
    assert dispute.message == "raised MemoryError: out of memory"
    assert {v.status for v in verdicts if v.layer} == {"passed"}


def test_a_fault_of_large_sizes_alone_is_found():
    def wrong(g, x, w, b):
        n = len(x) // 64 * 64 if len(x) > 64 else len(x)
        return g @ w.T, x[:n].T @ g[:n], g.sum(axis=0, keepdims=True)

    layer = Layer("dense", forward=lambda x, w, b: x @ w + b, vjp=wrong)
    (verdict,), _ = check(layer, dtypes=("float64",))
    assert verdict.status == "failed"
    assert verdict.message.startswith("dweights")


def test_low_precision_in_large_products_alone_is_found():
    def product(a, b):
        if a.size + b.size > 2000:
            a, b = (m.astype(ml_dtypes.bfloat16).astype(m.dtype) for m in (a, b))
        return a @ b

    def vjp(g, x, w, b):
        return product(g, w.T), product(x.T, g), g.sum(axis=0, keepdims=True)

    layer = Layer("dense", forward=lambda x, w, b: product(x, w) + b, vjp=vjp)
    for seed in range(3):
        (verdict,), _ = check(layer, seed=seed)
        assert verdict.status == "failed"


def test_the_plan_covers_every_frame_and_is_the_same_for_a_seed():
    layer = reference_layer("softmax_cross_entropy")
    rows = list(plan(layer, ("float32", "float16"), 60, 5))
    assert rows == list(plan(layer, ("float32", "float16"), 60, 5))
    first = [(frame, n) for frame, dtype, n in rows if dtype == "float32"]
    assert 50 <= sum(n for _, n in first) <= 80
    assert max(frame.elements for frame, _ in first) > 65_536
