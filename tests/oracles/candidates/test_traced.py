"""Candidates in a framework's own code: right ones pass, wrong ones fail for what is wrong with them."""

import copy
import math
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from oracles import Case, InputError, Layer, OracleUnavailable, check_layer
from oracles.candidates.run import run
from oracles.claims import checks
from oracles.claims import frames_of_claims as pools
from oracles.claims.disagreement import Disagreement
from oracles.sources import registry
from oracles.sources.registry import LayerError

ALL = {"targets": ("ids", "one_hot", "soft"), "reductions": ("mean", "sum", "none")}
X, W, B = np.array([[1.0, -2.0], [0.5, 3.0]]), np.array([[1.0, 2.0, 0.0], [-1.0, 0.5, 1.0]]), np.array([[0.5, -0.5, 1]])
DENSE = Case("dense", [X, W, B], np.array([[1.0, 2.0, -1.0], [3.0, -1.0, 0.5]]))


@pytest.fixture(autouse=True)
def few_and_small_frames(monkeypatch):
    """The large ones take most of the time and say nothing of an interface; JAX compiles every op for each shape."""
    pool = pools.frame_pool
    monkeypatch.setattr(pools, "large_frames", lambda *sizes, **forms: ())
    monkeypatch.setattr(pools, "frame_pool", lambda *sizes, **forms: pool(*sizes, **forms)[::2])


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="torch is not installed")


@pytest.fixture(scope="module")
def jax():
    return pytest.importorskip("jax", reason="jax is not installed")


def check(layer, dtypes=None, examples=8, seed=0):
    return check_layer(layer, oracles=["exact"], dtypes=dtypes, max_examples=examples, seed=seed)


def passes(layer, **options):
    report = check(layer, **options)
    assert report.passed, str(report)


def messages(layer, dtypes=("float64",), examples=30):
    report = check(layer, list(dtypes), examples)
    assert not report.passed
    return "\n".join(f"{v.check}: {v.message}" for v in report.failures)


def relu_of(torch, forward=None, backward=None):
    class ReLU(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return forward(x) if forward else x.clamp(min=0)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return backward(g, x) if backward else torch.where(x > 0, g, torch.zeros_like(g))

    return ReLU


def torch_layers(torch):
    functional, nn = torch.nn.functional, torch.nn

    class Mine(nn.Linear):
        pass

    class Nested(nn.Module):
        def __init__(self, n_inputs, n_neurons):
            super().__init__()
            self.inner = nn.Linear(n_inputs, n_neurons)

        def forward(self, x):
            return self.inner(x)

    class Upright(nn.Module):
        def __init__(self, n_inputs, n_neurons):
            super().__init__()
            self.weights = nn.Parameter(torch.zeros(n_inputs, n_neurons))
            self.biases = nn.Parameter(torch.zeros(1, n_neurons))

        def forward(self, x):
            return x @ self.weights + self.biases

    return {
        "linear": Layer.from_torch("dense", lambda x, w, b: functional.linear(x, w.T, b[0])),
        # its gradient of the biases of one sample is the cotangent itself, which autograd passes on
        "matmul": Layer.from_torch("dense", lambda x, w, b: x @ w + b),
        "subclass": Layer.from_torch("dense", Mine),
        "nested": Layer.from_torch("dense", Nested),
        "upright": Layer.from_torch("dense", Upright),
        "factory": Layer.from_torch("dense", lambda n, m: nn.Linear(n, m)),
        "partial": Layer.from_torch("dense", partial(nn.Linear)),
        "instance": Layer.from_torch("dense", nn.Linear(3, 2)),
        "Function": Layer.from_torch("relu", relu_of(torch), any_rank=True),
        "builtin": Layer.from_torch("relu", torch.relu, any_rank=True),
        "relu class": Layer.from_torch("relu", nn.ReLU),
        "softmax": Layer.from_torch("softmax", partial(functional.softmax, dim=-1), any_rank=True),
        "softmax factory": Layer.from_torch("softmax", lambda: nn.Softmax(dim=-1)),
        "cross_entropy": Layer.from_torch("softmax_cross_entropy", functional.cross_entropy, **ALL),
        "loss instance": Layer.from_torch("softmax_cross_entropy", nn.CrossEntropyLoss()),
    }


TORCH = (
    *("linear", "matmul", "subclass", "nested", "upright", "factory", "partial", "instance", "Function", "builtin"),
    *("relu class", "softmax", "softmax factory", "cross_entropy", "loss instance"),
)


@pytest.mark.parametrize("which", TORCH)
def test_right_torch_code_passes(torch, which):
    passes(torch_layers(torch)[which])


@pytest.mark.parametrize("which", ["linear", "subclass", "Function"])
def test_torch_code_runs_in_half_precision(torch, which):
    passes(torch_layers(torch)[which], dtypes=["bfloat16", "float16"], examples=5)


def test_losses_run_in_half_precision_and_are_held_to_the_strict_bound(torch):
    layer = torch_layers(torch)["cross_entropy"]
    report = check(layer, ["bfloat16", "float16"], 5)
    assert not any("raised" in v.message for v in report.failures), str(report)
    assert {m.dtype for m in report.margins} == {"bfloat16", "float16"}


def test_a_relu_that_leaks_at_zero(torch):
    leaks = relu_of(torch, backward=lambda g, x: torch.where(x >= 0, g, torch.zeros_like(g)))
    assert "got 1.0, expected 0.0" in messages(Layer.from_torch("relu", leaks))


def test_one_that_writes_into_the_cotangent(torch):
    writes = relu_of(torch, backward=lambda g, x: g.mul_(x > 0))
    assert "arguments_untouched: overwrote its argument cotangent" in messages(Layer.from_torch("relu", writes))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_one_that_writes_into_its_input(torch, dtype):
    def clears(x):
        with torch.no_grad():
            x.data[x < 0] = 0
        return torch.relu(x)

    layer = Layer.from_torch("relu", clears)
    assert "arguments_untouched: overwrote its argument inputs" in messages(layer, [dtype])
    reversed_rows = Case("relu", [np.array([[1.0], [-1.0]])[::-1]], np.ones((2, 1)))
    with pytest.raises(Disagreement, match="overwrote its argument inputs"):
        checks.arguments_untouched(layer, reversed_rows)  # torch has no negative strides: it was handed a copy


def test_one_that_writes_into_its_parameter(torch):
    class Decays(torch.nn.Linear):
        def forward(self, x):
            y = super().forward(x)
            self.weight.data = self.weight.data * 0.5
            return y

    assert "replaced its parameter weights" in messages(Layer.from_torch("dense", Decays))


def test_no_gradient_is_named(torch):
    none = relu_of(torch, backward=lambda g, x: None)
    assert "backward returned None for inputs" in messages(Layer.from_torch("relu", none))
    detached = Layer.from_torch("relu", lambda x: torch.relu(x).detach())
    assert "torch has no gradient for inputs" in messages(detached)
    with pytest.raises(LayerError, match="torch has no gradient for weights: the output does not depend on it"):
        run(Layer.from_torch("dense", lambda x, w, b: x @ w.detach() + b), DENSE)

    class Cut(torch.nn.Linear):
        def forward(self, x):
            return torch.nn.functional.linear(x, self.weight, self.bias.detach())

    with pytest.raises(LayerError, match="torch has no gradient for biases: the output does not depend on it"):
        run(Layer.from_torch("dense", Cut), DENSE)


def test_a_module_that_does_not_register_its_bias(torch):
    class Unregistered(torch.nn.Module):
        def __init__(self, n_inputs, n_neurons):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(n_neurons, n_inputs))
            self.bias = torch.zeros(n_neurons)

        def forward(self, x):
            return torch.nn.functional.linear(x, self.weight, self.bias)

    with pytest.raises(LayerError, match="Unregistered: expected one parameter bias or biases, it registers weight"):
        run(Layer.from_torch("dense", Unregistered), DENSE)


def test_a_weight_laid_out_the_other_way_is_named(torch):
    class Crossed(torch.nn.Linear):
        def __init__(self, n_inputs, n_neurons):
            super().__init__(n_neurons, n_inputs)

    with pytest.raises(LayerError, match=r"weight: expected shape \(3, 2\), got \(2, 3\); weight is \(n_neurons"):
        run(Layer.from_torch("dense", Crossed), DENSE)


@pytest.mark.parametrize(
    ("fn", "message"),
    [
        (lambda x: (x, x), "output: expected a tensor, got tuple"),
        (lambda x: x.detach().numpy(), "output: expected a tensor, got ndarray"),
        (lambda x: x.sum(), r"output: expected shape \(2, 2\), got \(\)"),
        (lambda: 3, "expected an nn.Module, got int"),
    ],
)
def test_what_is_no_output_is_named(torch, fn, message):
    with pytest.raises(LayerError, match=message):
        run(Layer.from_torch("relu", fn), Case("relu", [X], X))


def test_the_torch_process_is_left_as_it_was(torch):
    def state():
        grad, dtype = torch.is_grad_enabled(), torch.get_default_dtype()
        return (
            grad,
            torch.is_inference_mode_enabled(),
            dtype,
            torch.get_default_device(),
            torch.get_rng_state().tolist(),
        )

    given = torch.nn.Linear(2, 3)
    before, weight = state(), copy.deepcopy(given.weight)
    run(Layer.from_torch("dense", torch.nn.Linear), DENSE)
    run(Layer.from_torch("dense", given), DENSE)
    assert state() == before
    assert given.weight.dtype == torch.float32
    assert (given.weight == weight).all()
    assert given.weight.grad is None


@pytest.mark.parametrize("mode", ["no_grad", "inference_mode"])
def test_gradients_are_taken_whatever_mode_the_caller_is_in(torch, mode):
    expected = (DENSE.cotangent @ W.T).tolist()
    for fn in (torch.nn.Linear, torch.nn.Linear(2, 3), lambda x, w, b: x @ w + b):
        with getattr(torch, mode)():
            assert run(Layer.from_torch("dense", fn), DENSE).gradients["inputs"].tolist() == expected


@pytest.mark.parametrize("make", [Layer.from_torch, Layer.from_jax])
def test_misuse_is_named(make):
    name = make.__name__.removeprefix("from_")
    pytest.importorskip(name, reason=f"{name} is not installed")
    with pytest.raises(InputError, match="device: expected one of cpu, cuda, got 'tpu'"):
        make("relu", len, device="tpu")
    with pytest.raises(InputError, match="fn: expected a function, got 3"):
        make("relu", 3)
    with pytest.raises(InputError, match="op: expected one of dense"):
        make("denze", len)
    with pytest.raises(InputError, match="reductions: expected some of"):
        make("cross_entropy", len, reductions="average")


@pytest.mark.parametrize("make", [Layer.from_torch, Layer.from_jax])
def test_a_missing_framework_comes_with_the_line_that_installs_it(make, monkeypatch):
    name = make.__name__.removeprefix("from_")
    monkeypatch.setattr(registry, "missing", lambda oracle: oracle)
    with pytest.raises(OracleUnavailable, match=f"{name} is not installed; install it with: pip install {name}"):
        make("relu", len)


def test_code_on_a_gpu_passes(cuda_framework):
    if cuda_framework.name == "torch":
        from torch import relu
        from torch.nn import Linear

        layers = Layer.from_torch("relu", relu, device="cuda"), Layer.from_torch("dense", Linear, device="cuda")
    else:
        from jax.nn import relu

        layers = (Layer.from_jax("relu", relu, device="cuda"),)
    for layer in layers:
        passes(layer)


def test_memory_layouts_reach_a_gpu(cuda_framework):
    """What reads memory as if it were in C order is caught, also where rows have gaps and are not transposed."""
    if cuda_framework.name != "torch":
        pytest.skip("jax arrays have no strides")
    import torch

    class RawMemory(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.clamp(min=0)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            dense = [math.prod(g.shape[i + 1 :]) for i in range(g.ndim)]
            return torch.where(x > 0, g.as_strided(g.shape, dense, g.storage_offset()), torch.zeros_like(g))

    layer = Layer.from_torch("relu", RawMemory, device="cuda")
    report = check_layer(layer, oracles=["exact"], dtypes=["float32"], max_examples=20, seed=1)
    assert {v.check for v in report.failures} >= {"layouts"}
    fresh = subprocess.run(
        [sys.executable, "-c", report.failures[0].snippet], capture_output=True, text=True, check=False
    )
    assert "AssertionError" in fresh.stderr, report.failures[0].snippet + fresh.stderr


def jax_softmax(jax, *, whole=True):
    @jax.custom_vjp
    def softmax(x):
        return jax.nn.softmax(x, axis=-1)

    def backward(s, g):
        return (s * (g - (s * g).sum(axis=-1, keepdims=True)) if whole else s * (1 - s) * g,)

    softmax.defvjp(lambda x: (jax.nn.softmax(x, axis=-1),) * 2, backward)
    return softmax


def jax_loss(jax, logits, targets, reduction):
    logs = jax.nn.log_softmax(logits, axis=-1)
    ids = targets.ndim == 1
    losses = -(jax.numpy.take_along_axis(logs, targets[:, None], 1)[:, 0] if ids else (targets * logs).sum(axis=1))
    return losses if reduction == "none" else losses.sum() if reduction == "sum" else losses.mean()


def jax_relu(jax):
    @jax.custom_vjp
    def relu(x):
        return jax.numpy.maximum(x, 0)

    relu.defvjp(lambda x: (relu(x), x), lambda x, g: (jax.numpy.where(x > 0, g, 0),))
    return relu


def test_right_jax_code_passes(jax):
    for op, fn, options in (
        ("relu", jax_relu(jax), {"any_rank": True}),
        ("relu", jax.nn.relu, {}),  # a custom_jvp, jitted
        ("dense", jax.jit(lambda x, w, b: x @ w + b), {}),
        ("softmax", jax.jit(jax_softmax(jax)), {}),
        ("softmax_cross_entropy", jax.jit(partial(jax_loss, jax), static_argnames="reduction"), ALL),
    ):
        passes(Layer.from_jax(op, fn, **options), dtypes=["float64"], examples=5)


def test_jax_code_runs_in_half_precision(jax):
    passes(Layer.from_jax("relu", jax_relu(jax)), dtypes=["bfloat16", "float16"], examples=5)


def test_a_jax_softmax_without_the_rank_one_term(jax):
    wrong = Layer.from_jax("softmax", jax_softmax(jax, whole=False))
    assert "values: dinputs: " in messages(wrong, examples=3)


def test_a_jax_function_that_computes_in_float32(jax):
    said = messages(Layer.from_jax("relu", lambda x: jax.nn.relu(x.astype("float32"))))
    assert "dtypes: output is float32, narrower than the float64 it was given" in said
    assert "values: output: " in said or "values: dinputs: " in said  # both are wrong without bound
    assert "raised" not in said


def test_the_jax_process_is_left_as_it_was(jax):
    before = jax.config.jax_enable_x64
    result = run(Layer.from_jax("dense", lambda x, w, b: x @ w + b), DENSE)
    assert result.output.dtype == np.float64
    assert jax.config.jax_enable_x64 is before


def test_what_is_no_jax_array_is_named(jax):
    with pytest.raises(LayerError, match="output: expected a jax array, got tuple"):
        run(Layer.from_jax("relu", lambda x: (x,)), Case("relu", [X], X))


def test_a_backward_pass_needs_a_forward_pass_that_succeeded(torch):
    session = Layer.from_torch("relu", torch.relu).start()
    with pytest.raises(LayerError, match="backward was called before a forward pass succeeded"):
        session.backward(X, {"inputs": X}, {})
