"""One id at work: what a call raises, skips and tells, and what it shares with the ids beside it."""

from types import SimpleNamespace

import numpy as np
import pytest
from own_ops import ELEMENTWISE

import oracles.runs.layer_check as module
from oracles import Case, Layer, Op, Oracle, OracleUnavailable, Result, UnsupportedCase, load
from oracles.candidates.layer import reference_layer
from oracles.claims.checks import CHECKS
from oracles.reports.report import CheckFailed
from oracles.runs.layer_check import KEPT, RUN, LayerCheck, Run, seed_of
from reference import InputError

GIVEN = Run(seed=1, examples=20)
EXACT = load("exact")


def doubled(name="Doubled"):
    return Layer("relu", forward=lambda x: np.maximum(x, 0), vjp=lambda g, x: 2 * g * (x > 0), name=name)


def check(layer, oracle="exact", claim=CHECKS[0], given=GIVEN):
    what = "example0" if isinstance(claim, Case) else claim.name
    return LayerCheck(layer.name, layer, what, claim, oracle, ("float32", "float64"), given)


@pytest.fixture
def told():
    run = Run()
    token = RUN.set(run)
    yield run.said
    RUN.reset(token)


def replace_oracle(monkeypatch, vjp):
    monkeypatch.setattr(module, "load_on", lambda name, device: Oracle(name, "1", device, SimpleNamespace(vjp=vjp)))


def test_a_right_layer_passes_and_tells_its_margins(told):
    check(reference_layer("softmax"), "finite_difference")()
    (one,) = told
    assert {(m["result"], m["dtype"], m["source"]) for m in one["margins"]} == {
        (result, dtype, source)
        for result in ("output", "dinputs")
        for dtype in ("float32", "float64")
        for source in ("layer.reference.softmax", "finite_difference")
    }
    assert one["seed"] == 1
    assert list(one["versions"]) == ["finite_difference"]


def test_a_failure_is_told_once_for_all_dtypes_and_how_to_draw_it_again(told):
    with pytest.raises(CheckFailed) as caught:
        check(doubled())()
    lines = str(caught.value).splitlines()
    assert [line.partition(": dinputs")[0] for line in lines if line.startswith("failed")] == [
        "failed: Doubled, values, float32"
    ]
    assert "  also in: values (float64)" in lines
    assert "  case: Case('relu', {'inputs': array([[1.0]], 'float32')}, array([[1.0]], 'float32'))" in lines
    assert lines[-1] in (KEPT, "seed 1: --backproof-seed 1 draws the same cases again")
    assert len("E       oracles.CheckFailed: " + lines[0]) <= 120
    assert told


def test_verbose_leaves_nothing_out():
    token = RUN.set(Run(verbose=True))
    try:
        with pytest.raises(CheckFailed) as caught:
            check(doubled())()
    finally:
        RUN.reset(token)
    assert str(caught.value).count("failed: Doubled, values, float") == 2
    assert "holds(dinputs, expected, allowed)" in str(caught.value)


def test_a_primal_that_cannot_run_says_so_in_a_line_without_the_way_there():
    def primal(x):
        raise ImportError("no such library")

    pytest.importorskip("torch", reason="torch is not installed")
    layer = Layer(
        Op("swish(inputs) -> output", cases=ELEMENTWISE, torch=primal), forward=lambda x: x, vjp=lambda g, x: g
    )
    with pytest.raises(InputError, match="its torch function raised ImportError: no such library") as caught:
        check(layer, "torch")()
    assert caught.value.__suppress_context__
    assert not getattr(caught.value, "__notes__", [])


def test_the_search_is_shared_by_the_ids_of_all_oracles(monkeypatch):
    searched = []
    real = module.search_kept_first
    monkeypatch.setattr(module, "search_kept_first", lambda *a: searched.append(a) or real(*a))
    layer = reference_layer("softmax")
    for oracle in ("exact", "finite_difference", "exact"):
        check(layer, oracle, given=Run(seed=2, examples=5))()
    assert len(searched) == 2  # one a dtype


def test_an_oracle_sees_some_of_the_cases_that_the_layer_saw(monkeypatch):
    seen = []
    replace_oracle(monkeypatch, lambda case, device: seen.append(case) or EXACT.vjp(case))
    check(reference_layer("relu"), "mine")()
    assert len({case.cotangent.shape for case in seen}) > 1
    assert {case.dtype.name for case in seen} == {"float32", "float64"}


# what is wrong from the start is not blamed on what came before
@pytest.mark.parametrize("claim", [c for c in CHECKS if c.name != "stateless"], ids=lambda claim: claim.name)
def test_a_layer_that_raises_fails_every_claim_but_that_on_state(claim):
    def broken(g, x):
        raise RuntimeError("no such kernel")

    with pytest.raises(CheckFailed, match=f"Broken, {claim.name}, float32: raised RuntimeError: no such kernel"):
        check(Layer("relu", forward=lambda x: x, vjp=broken, name="Broken"), claim=claim, given=Run(examples=1))()


def test_an_oracle_outside_its_bound_is_told_and_fails_nothing(monkeypatch, told):
    def biased(case, device):
        result = EXACT.vjp(case)
        return Result(result.output * 1.001, result.gradients)

    replace_oracle(monkeypatch, biased)
    check(reference_layer("softmax"), "mine")()
    assert told[0]["disputed"][0].startswith("mine on softmax, float32: output: ")


def test_an_oracle_that_abstains_from_every_case_skips_with_its_reason(monkeypatch):
    def abstains(case, device):
        raise UnsupportedCase("not today")

    replace_oracle(monkeypatch, abstains)
    with pytest.raises(pytest.skip.Exception, match=r"^mine: not today$"):
        check(reference_layer("relu"), "mine")()


def test_an_oracle_that_cannot_run_skips_and_says_how_to_get_it(monkeypatch):
    def absent(name, device="cpu"):
        raise OracleUnavailable(f"{name}: {name} is not installed; install it with: pip install {name}")

    monkeypatch.setattr(module, "load_on", absent)
    with pytest.raises(pytest.skip.Exception, match="pip install torch"):
        check(reference_layer("relu"), "torch")()


def test_a_pinned_case_is_judged_by_value():
    case = Case("relu", [np.array([[1.0]])], np.array([[3.0]]))
    check(reference_layer("relu"), claim=case)()
    with pytest.raises(CheckFailed, match="failed: Doubled, example0, float64: dinputs: 1 of 1 elements wrong"):
        check(doubled(), claim=case)()


@pytest.mark.parametrize(
    "case",
    [
        Case("cross_entropy", [[[0.5, 0.5]], [[0.3, 0.7]]], 1.0),
        Case("cross_entropy", [[[0.5, 0.5]], [0]], 1.0, {"reduction": "sum"}),
    ],
)
def test_a_pinned_case_that_the_layer_does_not_take_is_skipped(case):
    ids = Layer("cross_entropy", forward=lambda p, t: p, vjp=lambda g, p, t: p, name="Ids")
    with pytest.raises(pytest.skip.Exception, match="Ids does not promise anything on Case"):
        check(ids, claim=case)()


def test_the_seed_is_the_command_lines_then_the_decorators_then_the_runs(monkeypatch):
    assert seed_of(Run(seed=0, drawn=9), Run(seed=4)) == 0
    assert seed_of(Run(drawn=9), Run(seed=4)) == 4
    monkeypatch.setattr(module, "settings", SimpleNamespace(default=SimpleNamespace(derandomize=False)))
    assert seed_of(Run(drawn=9), Run()) == 9
    monkeypatch.setattr(module, "settings", SimpleNamespace(default=SimpleNamespace(derandomize=True)))
    assert seed_of(Run(drawn=9), Run()) == 0
