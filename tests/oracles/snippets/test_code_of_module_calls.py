"""Snippets of nn.Modules: they fail in a fresh interpreter as the module failed."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from oracles import Case, Layer, load
from oracles.candidates.traced import TracedSession
from oracles.claims.disagreement import Disagreement, Kind
from oracles.ops import get_op
from oracles.snippets.snippet import snippet

from .test_code_of_traced_calls import failure, snippet_of


def modules():
    """Wrong modules of each kind: a class, one whose parameters are laid out as dense has them, one made already."""
    torch = pytest.importorskip("torch")

    class Scaled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, g):
            return g * 1.5

    class Biased(torch.nn.Linear):
        def forward(self, x):
            return Scaled.apply(super().forward(x))

    class Book(torch.nn.Module):
        def __init__(self, n_inputs, n_neurons):
            super().__init__()
            self.inner = torch.nn.ParameterDict(
                {"weights": torch.zeros(n_inputs, n_neurons), "biases": torch.zeros(1, n_neurons)}
            )

        def forward(self, x):
            return x @ self.inner["weights"] + Scaled.apply(self.inner["biases"])

    class Doubled(torch.nn.Module):
        def forward(self, x):
            return torch.softmax(x, -1) * 2

    return {
        "class": Layer.from_torch("dense", Biased),
        "rows": Layer.from_torch("dense", Book),
        "made": Layer.from_torch("softmax", Doubled()),
        "plain": Layer.from_torch("softmax", Doubled),
    }


@pytest.mark.parametrize("kind", ["class", "rows", "plain"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_module_fails_by_itself(kind, dtype):
    assert "AssertionError" in failure(modules()[kind], dtype=dtype)


def test_of_a_module_that_is_made_the_reader_says_what_makes_it():
    code = snippet_of(modules()["made"])
    assert "# put here what makes fn, the layer under test" in code
    assert "layer = copy.deepcopy(fn)" in code


@pytest.mark.parametrize("name", ["inputs", "weights", "biases", "cotangent"])
def test_on_a_device_what_a_module_was_handed_is_read_back_from_there(name):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    layer = Layer.from_torch("dense", torch.nn.Linear)
    elsewhere = replace(load("torch"), device="cpu:0")  # goes the way of other devices
    object.__setattr__(layer, "start", partial(TracedSession, get_op("dense"), torch.nn.Linear, elsewhere))
    case = Case("dense", [np.ones((2, 3)), np.ones((3, 4)), np.ones((1, 4))], np.ones((2, 4)))
    code = snippet(layer, Disagreement(case, "overwrote its argument", kind=Kind.ARGUMENT, names=[name]))
    assert f"host({name}_)" in code
    exec(code, {})  # a right module overwrites nothing
