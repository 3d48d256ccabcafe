import numpy as np
import pytest
from own_ops import LAYERS, floats, installed, layer_of

from oracles import Case, CustomOp, InputError, Layer, check_layer
from oracles.conformance.checks import PLAIN
from oracles.conformance.custom_truth import custom_truth
from oracles.conformance.pools import small
from oracles.conformance.referee import judge_layer, truth_for
from oracles.conformance.search import try_cases

INPUTS = floats((3,)).map(lambda x: {"inputs": x})


def needs(*frameworks):
    if installed(*frameworks):
        pytest.skip(installed(*frameworks))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_right_layers_are_right(name, framework, dtype):
    needs(framework)
    layer = layer_of(name, framework)

    def judge(case):
        judge_layer(layer, case, truth_for(layer, case))

    _, found = try_cases(judge, small(layer, 0)[0], dtype, 12, 0, PLAIN)
    assert found is None, found and found.message


@pytest.mark.parametrize(("dtype", "error"), [("float32", 1e-3), ("float64", 1e-9)])
@pytest.mark.parametrize("name", ["swish", "rms_norm", "attention"])
def test_a_small_error_in_one_element_is_caught(name, dtype, error):
    needs("torch")
    right = LAYERS[name][1]

    def vjp(g, *primals):
        gradients = right(g, *primals)
        first = gradients[0] if isinstance(gradients, tuple) else gradients
        first.flat[0] *= 1 + error
        return gradients

    layer = layer_of(name, "torch", vjp=vjp)

    def judge(case):
        judge_layer(layer, case, truth_for(layer, case))

    _, found = try_cases(judge, small(layer, 0)[0], dtype, 20, 0, PLAIN)
    assert found is not None
    assert found.names[0].startswith("d")


def test_frameworks_that_disagree_are_named_and_a_layer_is_judged_elsewhere():
    needs("torch", "jax")
    import torch  # frameworks' own functions, which a user passes
    from jax import numpy as jnp

    op = CustomOp("absolute", ["inputs"], INPUTS, torch=torch.abs, jax=jnp.abs)  # at 0: torch 0, jax 1
    truth = custom_truth(op, Case("absolute", [[0.0, 2.0]], [1.0, 1.0]))
    (said,) = truth.disputes
    assert said.startswith("torch and jax disagree on dinputs of absolute, at 1 of 2 elements; at (0,): 0.0 and 1.0")
    assert list(np.isinf(truth.bounds["dinputs"])) == [True, False]
    zeros = CustomOp(
        "absolute",
        ["inputs"],
        INPUTS.map(lambda p: {"inputs": np.round(p["inputs"] / 4)}),
        torch=torch.abs,
        jax=jnp.abs,
    )
    for at_zero in (0.0, 1.0):
        layer = Layer(
            zeros, forward=np.abs, vjp=lambda g, x, z=at_zero: g * np.where(x == 0, z, np.sign(x)).astype(g.dtype)
        )
        report = check_layer(layer, dtypes=["float64"], max_examples=10, seed=0)
        assert report.passed, str(report)
        assert {v.oracle for v in report.of_status("disputed")} == {"torch", "jax"}


def test_a_primal_that_raises_is_the_callers_mistake():
    needs("torch")

    def broken(x):
        raise ValueError("no")

    op = CustomOp("broken", ["inputs"], INPUTS, torch=broken)
    with pytest.raises(InputError, match="broken: its torch primal raised ValueError: no"):
        check_layer(Layer(op, forward=np.tanh, vjp=lambda g, x: g), max_examples=2)


def test_a_case_of_another_shape_is_refused():
    needs("torch")
    layer = layer_of("swish", "torch")
    with pytest.raises(InputError, match=r"expected shape \(2,\)"):
        truth_for(layer, Case("swish", [[0.0, 1.0]], [1.0]))
