"""The Triton kernels of the examples pass, and the usual mistakes are caught: in Triton's interpreter, and on a GPU."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
MISTAKES = 7


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_right_kernels_pass_and_wrong_ones_are_caught(device):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    pytest.importorskip("triton", reason="Triton is not installed")
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device is available")
    paths = [TESTS.parent / "examples", TESTS, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    if device == "cpu":  # Triton reads it when it is imported; the example takes the GPU where it sees one
        environment |= {"TRITON_INTERPRET": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, TESTS / "wrong_triton_kernels.py"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["device"] == device
    right = [said["found"].pop(op) for op in ("softmax", "softmax_cross_entropy")]
    assert all(": 9 passed (" in line for line in right), right
    assert len(said["found"]) == MISTAKES
    missed = [name for name, message in said["found"].items() if not message]
    assert not missed, missed
