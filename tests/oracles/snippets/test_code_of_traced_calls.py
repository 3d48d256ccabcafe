"""Snippets of candidates in torch and jax: they fail in a fresh interpreter as the candidate failed."""

import subprocess
import sys
import warnings

import numpy as np
import pytest

from oracles import Layer, load
from oracles.claims.checks import CHECKS
from oracles.data.arrays import array
from oracles.data.recipe import LAYOUTS, laid_out
from oracles.runs.trial import search
from oracles.snippets.code_of_traced_calls import _TENSOR_ON
from oracles.snippets.snippet import snippet

BY_NAME = {check.name: check for check in CHECKS}


def snippet_of(layer, check="values", dtype="float32"):
    found = search(BY_NAME[check], layer, dtype, 40, seed=1)
    assert found is not None
    return snippet(layer, found)


def failure(layer, check="values", dtype="float32"):
    code = snippet_of(layer, check, dtype)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1, code
    return done.stderr


def torch_functions():
    torch = pytest.importorskip("torch")

    class Leaks(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.clamp(min=0)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * (x >= 0)

    def doubled(x, w, b):
        return (x @ w + b) * 1.5

    def unmeaned(logits, targets, reduction):
        return torch.nn.functional.cross_entropy(logits, targets, reduction="sum")

    def writes(x):
        x.data[x.data < 0] = 0
        return x * 1

    return {
        "autograd.Function": (Layer.from_torch("relu", Leaks), "values"),
        "function": (Layer.from_torch("dense", doubled), "values"),
        "options": (
            Layer.from_torch("softmax_cross_entropy", unmeaned, reductions=("mean", "sum")),
            "values",
        ),
        "in place": (Layer.from_torch("relu", writes), "arguments_untouched"),
    }


@pytest.mark.parametrize("name", ["autograd.Function", "function", "options", "in place"])
def test_torch(name):
    layer, check = torch_functions()[name]
    assert "AssertionError" in failure(layer, check)


def test_torch_in_bfloat16():
    layer, check = torch_functions()["function"]
    assert "AssertionError" in failure(layer, check, "bfloat16")


CUSTOM = """
import jax

@jax.custom_vjp
def softmax(x):
    return jax.nn.softmax(x)

def forward(x):
    return jax.nn.softmax(x), jax.nn.softmax(x)

softmax.defvjp(forward, lambda s, g: (s * (1 - s) * g,))
"""


def test_jax(module_of):
    jax = pytest.importorskip("jax")

    def loss(logits, targets):
        rows = jax.nn.one_hot(targets, logits.shape[1], dtype=logits.dtype) if targets.ndim == 1 else targets
        return -(rows * jax.nn.log_softmax(logits)).sum()

    assert "AssertionError" in failure(Layer.from_jax("softmax_cross_entropy", loss))
    assert "AssertionError" in failure(Layer.from_jax("softmax", module_of("their_softmax", CUSTOM).softmax))


def test_jax_functions_that_wrap_functions():
    jax = pytest.importorskip("jax")

    @jax.custom_vjp
    def softmax(x):
        return jax.nn.softmax(x)

    def forward(x):
        return softmax(x), softmax(x)

    softmax.defvjp(forward, lambda s, g: (s * (1 - s) * g,))
    for fn in (softmax, jax.jit(softmax), jax.jit(lambda x: jax.nn.softmax(x) * 1.5)):
        assert "AssertionError" in failure(Layer.from_jax("softmax", fn))


NAMED = """
import functools, jax, torch
from oracles import Layer

def scaled(x, by):
    return torch.softmax(x, -1) * by

class Scaled:
    def __call__(self, x):
        return scaled(x, 1.5)

MINE = Layer.from_torch("softmax", functools.partial(scaled, by=1.5))
CALLED = Layer.from_torch("softmax", Scaled())
COMPILED = Layer.from_jax("softmax", jax.jit(lambda x: jax.nn.softmax(x) * 1.5))
"""


@pytest.mark.parametrize("name", ["MINE", "CALLED", "COMPILED"])
def test_a_layer_that_a_module_names_is_found_there(name, module_of):
    for framework in ("torch", "jax"):
        pytest.importorskip(framework)
    assert "AssertionError" in failure(getattr(module_of("named_layers", NAMED), name))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_on_a_device_a_tensor_lies_as_its_array_does(layout, dtype):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    a = laid_out(array([[1, 2, 3], [4, 5, 6]], dtype), layout)
    space = {"np": np, "torch": torch}
    exec(_TENSOR_ON.format(device="cpu:0"), space)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, of a read-only array
        tensor, expected = space["tensor"](a), load("torch").module.share(a, "cpu:0")
    assert tensor.stride() == expected.stride()
    assert torch.equal(tensor, expected)
