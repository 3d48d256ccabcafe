import numpy as np
import pytest

from oracles import InputError, Layer, check_layer
from oracles.sources.registry import LayerError

torch = pytest.importorskip("torch", reason="torch is not installed")
QUICK = {"dtypes": ["float32"], "oracles": ["exact"], "max_examples": 5, "seed": 0}


@pytest.mark.parametrize(
    ("op", "make"),
    [
        ("dense", torch.nn.Linear),
        ("layer_norm", torch.nn.LayerNorm),
        ("rms_norm", torch.nn.RMSNorm),
        ("layer_norm", lambda features: torch.nn.LayerNorm(features)),
        ("log_softmax", lambda: torch.nn.LogSoftmax(dim=-1)),
    ],
)
def test_right_modules_pass_with_their_parameters_set(op, make):
    report = check_layer(Layer.from_torch(op, make), **QUICK)
    assert report.passed, str(report)


def test_a_parameter_whose_gradient_is_wrong_is_named():
    class Halved(torch.nn.LayerNorm):
        def forward(self, x):
            weight = self.weight / 2 + self.weight.detach() / 2
            return torch.nn.functional.layer_norm(x, self.normalized_shape, weight, self.bias, self.eps)

    report = check_layer(Layer.from_torch("layer_norm", Halved), **QUICK)
    assert {v.cause for v in report.failures} == {"dweight: scaled by 1/2"}


def test_what_a_module_lacks_is_said():
    class NoBias(torch.nn.Module):
        def __init__(self, features):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(features))

        def forward(self, x):
            return x

    layer = Layer.from_torch("layer_norm", NoBias)
    arrays = {"inputs": np.ones((2, 3)), "weight": np.ones(3), "bias": np.ones(3)}
    with pytest.raises(LayerError, match="NoBias: expected one parameter bias, it registers weight"):
        layer.start().forward(arrays, {})
    with pytest.raises(InputError, match="it is a torch"):
        Layer.from_class("layer_norm", NoBias)


def test_targets_that_are_numbers_are_handed_over_as_they_are():
    function = torch.nn.functional.binary_cross_entropy_with_logits
    report = check_layer(Layer.from_torch("bce_with_logits", function), **QUICK)
    assert report.passed, str(report)
