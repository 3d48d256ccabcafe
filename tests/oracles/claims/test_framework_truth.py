import re

import numpy as np
import pytest
from own_ops import LAYERS, floats, installed, layer_of

from oracles import Case, InputError, Layer, Op, check_layer
from oracles.claims.checks import PLAIN
from oracles.claims.frames_of_claims import small
from oracles.claims.framework_truth import framework_truth
from oracles.claims.judges import truth_for
from oracles.claims.referee import judge_layer
from oracles.claims.search import try_cases
from oracles.reports.tables import summary_lines

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

    op = Op("absolute(inputs) -> output", cases=INPUTS, torch=torch.abs, jax=jnp.abs)  # at 0: torch 0, jax 1
    truth = framework_truth(op, Case(op, [[0.0, 2.0]], [1.0, 1.0]))
    assert truth.disputes == (
        (
            "torch and jax disagree on dinputs of absolute",
            ", at 1 of 2 elements; at (0,): 0.0 and 1.0; a layer is not judged there",
        ),
    )
    assert list(np.isinf(truth.bounds["dinputs"])) == [True, False]
    zeros = Op(
        "absolute(inputs) -> output",
        cases=INPUTS.map(lambda p: {"inputs": np.round(p["inputs"] / 4)}),
        torch=torch.abs,
        jax=jnp.abs,
    )
    for at_zero in (0.0, 1.0):
        layer = Layer(
            zeros, forward=np.abs, vjp=lambda g, x, z=at_zero: g * np.where(x == 0, z, np.sign(x)).astype(g.dtype)
        )
        report = check_layer(layer, dtypes=["float64"], max_examples=10, seed=0)
        assert report.passed, str(report)
        (said,) = report.of_status("disputed")  # once, with the numbers, and not once a framework
        lines = [" ".join(line.split()) for line in summary_lines(report) if "disagree" in line]  # may be folded
        assert lines == [f"frameworks, absolute in float64: {said.message}"]
        assert re.search(r"at 1 of 3 elements; at \(\d,\): -?0\.0 and -?\d\.0; a layer is not judged", said.message)


def test_a_primal_that_raises_is_the_callers_mistake():
    needs("torch")

    def broken(x):
        raise ValueError("no")

    op = Op("broken(inputs) -> output", cases=INPUTS, torch=broken)
    with pytest.raises(InputError, match="broken: its torch function raised ValueError: no"):
        check_layer(Layer(op, forward=np.tanh, vjp=lambda g, x: g), max_examples=2)


def test_a_case_of_another_shape_is_refused():
    needs("torch")
    layer = layer_of("swish", "torch")
    with pytest.raises(InputError, match=r"expected shape \(2,\)"):
        truth_for(layer, Case(layer.declaration, [[0.0, 1.0]], [1.0]))


def scalar_op(**frameworks):
    """A loss of a scalar: cotangent and one primal have rank 0."""
    cases = floats((3,)).map(lambda x: {"inputs": x, "scale": np.float64(1.5)})
    return Op("scaled_sum(inputs, scale) -> output", cases=cases, **frameworks)


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_arrays_of_rank_0_are_judged_and_explained(framework):
    needs(framework)
    op = scalar_op(**{framework: lambda x, scale: (x * x).sum() * scale})

    def forward(x, scale):
        return (x * x).sum() * scale

    def vjp(g, x, scale):
        return 2 * g * scale * x, g * (x * x).sum()

    settings = {"max_examples": 8, "seed": 0, "dtypes": ["float32", "float64"]}
    report = check_layer(Layer(op, forward=forward, vjp=vjp), **settings)
    assert report.passed, str(report)
    assert not report.of_status("disputed")  # the framework's own error could be had
    odd = check_layer(Layer(op, forward=forward, vjp=lambda g, x, s: (vjp(g, x, s)[0], g * (x**4).sum())), **settings)
    assert "unexplained" in {v.cause for v in odd.failures}
    assert not any("Error" in v.cause for v in odd.failures), [v.cause for v in odd.failures]


def test_an_own_error_that_cannot_be_had_is_told():
    needs("torch")

    def no_half(x, scale):
        if x.dtype.itemsize == 2:
            raise RuntimeError("not implemented for Half")
        return x * scale

    op = scalar_op(torch=no_half)
    truth = framework_truth(op, Case(op, [np.ones(2, "float16"), np.float16(2)], np.ones(2, "float16")))
    ((about, why),) = truth.disputes
    assert about == "torch's own error in float16 is not known"
    assert "not implemented for Half" in why
