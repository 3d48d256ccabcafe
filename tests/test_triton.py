"""The Triton kernels of the examples pass, and the usual mistakes are caught: in Triton's interpreter, and on a GPU."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from oracles.candidates.target import Target
from oracles.runs.isolated import check_isolated

TESTS = Path(__file__).parent
MISTAKES = 7


def found(which, device):
    """What was found of the right kernels or the wrong ones, in a process of its own."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    pytest.importorskip("triton", reason="Triton is not installed")
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device is available")
    paths = [TESTS.parent / "examples", TESTS, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    if device == "cpu":  # Triton reads it when it is imported; the example takes the GPU where it sees one
        environment |= {"TRITON_INTERPRET": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, TESTS / "wrong_triton_kernels.py", which],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["device"] == device
    return said["found"]


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_right_kernels_pass(device):
    reports = found("right", device)
    assert reports.keys() == {"softmax", "softmax_cross_entropy"}
    claims = 9 if device == "cpu" else 36
    assert all(f": {claims} passed (" in report for report in reports.values()), reports


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_wrong_kernels_are_caught(device):
    messages = found("wrong", device)
    assert len(messages) == MISTAKES
    missed = [name for name, message in messages.items() if not message]
    assert not missed, missed


def test_a_kernel_that_writes_out_of_bounds_is_named_on_cuda():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    pytest.importorskip("triton", reason="Triton is not installed")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device is available")
    target = Target(f"{TESTS / 'lost_triton_kernel.py'}:Softmax", op="softmax", framework="torch", device="cuda")
    report = check_isolated(target, ["exact"], ["float32"], "cuda", max_examples=10, seed=1)
    by_claim = {v.check: v for v in report.verdicts}
    assert by_claim["values"].status == "passed"  # of few columns, where it is right
    failure = by_claim["sizes"]
    assert "left the GPU unusable: CUDA error: an illegal memory access" in failure.message
    assert failure.cause == "a kernel reads or writes memory that is not its own"
    assert failure.case.primals["inputs"].shape[-1] > 40
    assert by_claim["dtypes"].status == "passed"  # in a process whose GPU is there
