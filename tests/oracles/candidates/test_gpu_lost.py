"""A GPU that a kernel left unusable: the call that did it is named, and nothing that comes after is held against it."""

import sys
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from losing_gpu import SAID, source

from oracles import Case, InputError, Layer, Op, OracleUnavailable, check_layer
from oracles.candidates import gpu_lost as module
from oracles.candidates.gpu_lost import lost, meaning
from oracles.candidates.target import Target
from oracles.claims.checks import CHECKS, values
from oracles.claims.disagreement import Disagreement, Kind
from oracles.claims.search import shrunk
from oracles.reports.report import CheckFailed
from oracles.runs.isolated import check_isolated
from oracles.runs.layer_check import LayerCheck, Run
from oracles.runs.replay import replay
from oracles.runs.trial import search

CANDIDATE = source("x.shape[-1] > 3")


@pytest.fixture(autouse=True)
def nothing_was_lost_before(monkeypatch):
    monkeypatch.setattr(module, "_noticed", False)


@pytest.fixture
def gpu(monkeypatch):
    """A GPU that is lost once something is in the list."""
    gone = []
    monkeypatch.setattr(module, "loaded", lambda: [SimpleNamespace(lost=lambda: SAID if gone else "")])
    return gone


def relu(gone, deadly, wrong=1):
    """A ReLU on that GPU; `deadly` says of an input, and a count of calls, whether its backward pass loses it."""
    calls = []

    def answer():
        if gone:
            raise RuntimeError(SAID)

    def forward(x):
        answer()
        return np.maximum(x, 0)

    def vjp(g, x):
        calls.append(x)
        if deadly(x, len(calls)):
            gone.append(True)
        answer()
        return np.where(x > 0, wrong * g, 0)

    return Layer("relu", forward=forward, vjp=vjp)


@pytest.fixture
def candidate(gpu):
    return relu(gpu, lambda x, calls: x.shape[-1] > 3)


def test_the_call_that_lost_it_is_named_with_its_case_and_the_rest_is_not_tried(candidate):
    report = check_layer(candidate, oracles=["exact"], dtypes=["float32"], max_examples=20, seed=1)
    (failure,) = report.failures
    assert failure.message == f"left the GPU unusable: {SAID}"
    assert failure.cause == "a kernel reads or writes memory that is not its own"
    assert failure.case.primals["inputs"].shape[-1] > 3  # not made small: everything fails by now
    after = report.verdicts[report.verdicts.index(failure) + 1 :]
    assert after
    assert all(v.status == "skipped" and "an earlier call left the GPU unusable" in v.message for v in after)


def test_layers_that_need_no_gpu_are_tried_all_the_same(candidate, gpu):
    check_layer(candidate, oracles=["exact"], dtypes=["float32"], max_examples=20, seed=1)
    assert gpu
    wrong = Layer("relu", forward=lambda x: 2 * x, vjp=lambda g, x: 7 * g)
    report = check_layer(wrong, oracles=["exact"], dtypes=["float32"], max_examples=20, seed=1)
    assert not report.passed
    # not for the GPU's sake: it is wrong from the start
    assert {v.message.partition(":")[0] for v in report.of_status("skipped")} <= {"stateless"}


def test_a_layer_of_which_nothing_can_be_tried_does_not_pass(candidate, gpu):
    gpu.append(True)
    with pytest.raises(OracleUnavailable, match=r"an earlier call left the GPU unusable: .*; a new process is needed"):
        check_layer(candidate, oracles=["exact"], dtypes=["float32"], max_examples=20, seed=1)


def test_each_claim_is_tried_on_a_device_that_is_there(tmp_path):
    path = tmp_path / "kernels.py"
    path.write_text(CANDIDATE)
    target = Target(f"{path}:relu", op="relu", vjp="relu_vjp")
    report = check_isolated(target, oracles=["exact"], dtypes=["float32"], max_examples=20, seed=1)
    assert {v.status for v in report.verdicts} <= {"passed", "failed"}
    assert len(report.verdicts) == 9
    assert {v.message for v in report.failures} == {f"left the GPU unusable: {SAID}"}
    assert {"sizes", "stateless"} <= {v.check for v in report.failures}


def test_a_module_that_loses_it_when_it_is_imported_is_named(tmp_path):
    path = tmp_path / "kernels.py"
    path.write_text(CANDIDATE + "\ngone.append(True)\n")
    target = Target(f"{path}:relu", op="relu", vjp="relu_vjp")
    with pytest.raises(InputError, match="importing it left the GPU unusable"):
        check_isolated(target, oracles=["exact"], dtypes=["float32"], max_examples=5, seed=1)


def test_what_is_wrong_is_not_made_small_by_calls_that_lose_it(gpu):
    layer = relu(gpu, lambda x, calls: x.size < 9 and calls > 1, wrong=2)
    judge = partial(values, layer)
    x = np.arange(1.0, 17.0).reshape(4, 4)
    with pytest.raises(Disagreement) as first:
        judge(Case("relu", [x], x))
    small = shrunk(judge, first.value)
    assert gpu
    assert 9 <= small.case.primals["inputs"].size <= 16
    assert small.kind == Kind.VALUE


def test_what_is_wrong_of_an_op_of_one_s_own_is_not_made_small_by_them_either(gpu):
    cases = arrays(np.float64, st.integers(1, 6).map(lambda n: (n,)), elements={"min_value": 1, "max_value": 5})
    op = Op("twice(x) -> output", cases=cases.map(lambda x: {"x": x}))

    def vjp(g, x):
        if 1 < x.size < 4:
            gpu.append(True)
        if gpu:
            raise RuntimeError(SAID)
        return 3 * g

    found = search(CHECKS[0], Layer(op, forward=lambda x: 2 * x, vjp=vjp), "float64", 60, seed=2)
    assert found.kind == Kind.LOST or found.case.size != 2
    assert found.kind in (Kind.LOST, Kind.VALUE)
    lethal = found.case.primals["x"].size
    assert (1 < lethal < 4) is (found.kind == Kind.LOST)


@pytest.mark.parametrize("check", ["stateless", "repeatable", "dtypes", "layouts"])
def test_every_claim_names_the_call_that_lost_it(gpu, check):
    layer = relu(gpu, lambda x, calls: calls > 7)
    found = search(next(c for c in CHECKS if c.name == check), layer, "float32", 60, seed=1)
    assert (found.kind, found.message) == (Kind.LOST, f"left the GPU unusable: {SAID}")
    assert search(next(c for c in CHECKS if c.name == check), layer, "float32", 60, seed=1).kind == Kind.GONE


def test_a_pinned_case_that_loses_it_fails_and_the_next_is_skipped(gpu):
    case = Case("relu", [np.ones((1, 4))], np.ones((1, 4)))
    layer = relu(gpu, lambda x, calls: True)
    check = LayerCheck("mine", layer, "example0", case, "exact", ("float64",), Run(seed=1, examples=5))
    with pytest.raises(CheckFailed, match="left the GPU unusable"):
        check()
    with pytest.raises(pytest.skip.Exception, match="an earlier call left the GPU unusable"):
        check()


def test_an_id_whose_second_dtype_cannot_be_tried_fails_of_its_first(gpu):
    layer = relu(gpu, lambda x, calls: calls > 3)
    check = LayerCheck(
        "mine",
        layer,
        "sizes",
        next(c for c in CHECKS if c.name == "sizes"),
        "exact",
        ("float32", "float64"),
        Run(seed=1),
    )
    with pytest.raises(CheckFailed, match="left the GPU unusable"):
        check()
    with pytest.raises(pytest.skip.Exception, match="sizes: not tried, an earlier call left the GPU unusable"):
        replace(check, dtypes=("float16",))()


def test_replay_says_so(gpu):
    case = Case("relu", [np.ones((1, 4))], np.ones((1, 4)))
    assert replay(relu(gpu, lambda x, calls: True), "values", case).failure == f"left the GPU unusable: {SAID}"


@pytest.mark.parametrize(
    ("said", "means"),
    [
        (SAID, "a kernel reads or writes memory that is not its own"),
        ("CUDA error: device-side assert triggered", "an assertion in a kernel fails"),
        ("INTERNAL: CUDA_ERROR_MISALIGNED_ADDRESS: misaligned address", "a kernel reads or writes an address"),
        ("out of memory", ""),
    ],
)
def test_what_cuda_says_has_a_meaning(said, means):
    assert meaning(said).startswith(means)
    assert bool(meaning(said)) is bool(means)


def test_a_machine_without_a_gpu_has_lost_none(monkeypatch):
    def without():
        raise RuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected")

    assert lost() == ""
    cupy = SimpleNamespace(cuda=SimpleNamespace(runtime=SimpleNamespace(deviceSynchronize=without)))
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    assert lost() == ""
