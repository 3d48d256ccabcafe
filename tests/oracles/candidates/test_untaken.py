import numpy as np
import pytest

from oracles import Layer, check_layer
from oracles.claims.frames_of_claims import large, small


def plain(x):
    return np.maximum(x, 0)


def vjp(g, x):
    return g


def with_option(x, approximate="none"):
    return x


def with_any(x, **options):
    return x


@pytest.mark.parametrize(
    ("forward", "backward", "untaken"),
    [
        (plain, vjp, ("approximate",)),
        (with_option, vjp, ("approximate",)),
        (with_option, lambda g, x, approximate: g, ()),
        (with_any, lambda g, *primals, **options: g, ()),
    ],
)
def test_what_the_functions_do_not_take_by_name(forward, backward, untaken):
    layer = Layer("gelu", forward=forward, vjp=backward)
    assert layer.untaken == untaken
    assert {f.fixed for f in (*small(layer, 0), *large(layer, 0))} == {untaken}


def test_a_layer_without_the_option_is_judged_at_its_default_and_the_report_says_so():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    for candidate in (torch.nn.GELU, torch.nn.GELU(), lambda x: torch.nn.functional.gelu(x)):
        report = check_layer(Layer.from_torch("gelu", candidate), dtypes=["float32"], max_examples=5, seed=0)
        assert report.passed, str(report)
    assert "Options of gelu that the layer does not take: approximate (at 'none' alone)." in str(report)


def test_an_autograd_function_takes_options_in_order_after_the_primals():
    torch = pytest.importorskip("torch", reason="torch is not installed")

    class Norm(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, weight, bias, eps):
            return x

    class WithoutEps(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, weight, bias):
            return x

    assert Layer.from_torch("layer_norm", Norm).untaken == ()
    assert Layer.from_torch("layer_norm", WithoutEps).untaken == ("eps",)
