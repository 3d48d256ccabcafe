"""A GPU that a kernel left unusable: the call that did it is named, and nothing that comes after is held against it."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from oracles import Layer, check_layer
from oracles.conformance import lost as module
from oracles.conformance.isolated import check_isolated
from oracles.conformance.lost import lost, meaning
from oracles.conformance.target import Target

SAID = "CUDA error: an illegal memory access was encountered"
# a stand-in for CuPy whose device is lost at the first call on a row of more than 3 columns, for good
CANDIDATE = f'''
import sys
from types import SimpleNamespace
import numpy as np

gone = []

def answer():
    if gone:
        raise RuntimeError("{SAID}")

sys.modules["cupy"] = SimpleNamespace(cuda=SimpleNamespace(runtime=SimpleNamespace(deviceSynchronize=answer)))

def relu(x):
    answer()
    return np.maximum(x, 0)

def relu_vjp(g, x):
    if x.shape[-1] > 3:
        gone.append(True)
    answer()
    return np.where(x > 0, g, 0)
'''


@pytest.fixture
def candidate(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)  # put back at the end
    space = {}
    exec(CANDIDATE, space)
    return Layer("relu", forward=space["relu"], vjp=space["relu_vjp"])


def test_the_call_that_lost_it_is_named_with_its_case_and_the_rest_is_not_tried(candidate):
    report = check_layer(candidate, oracles=["exact"], dtypes=["float32"], max_examples=20, seed=1)
    (failure,) = report.failures
    assert failure.message == f"left the GPU unusable: {SAID}"
    assert failure.cause == "a kernel reads or writes memory that is not its own"
    assert failure.case.primals["inputs"].shape[-1] > 3  # not made small: everything fails by now
    after = report.verdicts[report.verdicts.index(failure) + 1 :]
    assert after
    assert all(v.status == "skipped" and "an earlier call left the GPU unusable" in v.message for v in after)


def test_each_claim_is_tried_on_a_device_that_is_there(tmp_path):
    path = tmp_path / "kernels.py"
    path.write_text(CANDIDATE)
    target = Target(f"{path}:relu", op="relu", vjp="relu_vjp")
    report = check_isolated(target, oracles=["exact"], dtypes=["float32"], max_examples=20, seed=1)
    assert {v.status for v in report.verdicts} <= {"passed", "failed"}
    assert len(report.verdicts) == 9
    assert {v.message for v in report.failures} == {f"left the GPU unusable: {SAID}"}
    assert len(report.failures) > 1


def test_what_is_wrong_is_not_made_small_by_calls_that_lose_it(monkeypatch):
    state = []
    monkeypatch.setattr(module, "loaded", lambda: [SimpleNamespace(lost=lambda: SAID if state else "")])

    def vjp(g, x):  # wrong, and deadly on the smaller cases that are tried then
        if x.size < 9:
            state.append(True)
        if state:
            raise RuntimeError(SAID)
        return g

    layer = Layer("relu", forward=lambda x: np.maximum(x, 0), vjp=vjp)
    report = check_layer(layer, oracles=["exact"], dtypes=["float32"], max_examples=60, seed=3)
    first = report.failures[0]
    assert first.case.size >= 9 or "left the GPU unusable" in first.message
    assert "GPU" in first.cause or "memory" in first.cause


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
