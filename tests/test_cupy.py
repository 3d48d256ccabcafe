"""CuPy layers on a GPU: right ones pass, wrong ones break the claim that they should, and fail afresh."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from oracles import check_layer
from oracles.claims.checks import CHECKS
from oracles.runs.trial import search
from oracles.snippets.snippet import snippet

TESTS = Path(__file__).parent
EXAMPLES = 40
cupy = pytest.importorskip("cupy", reason="CuPy is not installed")
if not cupy.cuda.is_available():
    pytest.skip("no CUDA device is available", allow_module_level=True)

from cupy_layers import RIGHT, WRONG  # noqa: E402  (compiles kernels)


@pytest.mark.parametrize("layer", RIGHT, ids=lambda layer: layer.name)
def test_right_layers_pass_on_cuda(layer):
    report = check_layer(layer, oracles=["exact"], max_examples=EXAMPLES, seed=1)
    assert report.passed, str(report)
    assert "memory layout" not in " ".join(report.notes)


@pytest.mark.parametrize(
    ("claim", "layer"), [(c, layer) for c, some in WRONG.items() for layer in some], ids=lambda v: getattr(v, "name", v)
)
def test_wrong_layers_are_caught_on_cuda(claim, layer):
    check = next(check for check in CHECKS if check.name == claim)
    found = search(check, layer, "float32", EXAMPLES, seed=1)
    assert found is not None
    paths = [str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
    code, environment = snippet(layer, found), {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert "AssertionError" in done.stderr, code + done.stderr
