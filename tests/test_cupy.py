"""CuPy layers on a GPU: right ones pass, and wrong ones break the claim that they should."""

import pytest

from oracles import check_layer
from oracles.conformance.checks import CHECKS
from oracles.conformance.trial import search

EXAMPLES = 20
cupy = pytest.importorskip("cupy", reason="CuPy is not installed")
if not cupy.cuda.is_available():
    pytest.skip("no CUDA device is available", allow_module_level=True)

from cupy_layers import RIGHT, WRONG  # noqa: E402  (compiles kernels)


@pytest.mark.parametrize("layer", RIGHT, ids=lambda layer: layer.name)
def test_right_layers_pass_on_cuda(layer):
    report = check_layer(layer, oracles=["exact"], max_examples=EXAMPLES, seed=1)
    assert report.passed, str(report)


@pytest.mark.parametrize(
    ("claim", "layer"), [(c, layer) for c, some in WRONG.items() for layer in some], ids=lambda v: getattr(v, "name", v)
)
def test_wrong_layers_are_caught_on_cuda(claim, layer):
    check = next(check for check in CHECKS if check.name == claim)
    assert search(check, layer, "float32", EXAMPLES, seed=1) is not None
