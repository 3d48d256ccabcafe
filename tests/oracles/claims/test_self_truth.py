import numpy as np
import pytest
from own_ops import LAYERS, layer_of, op_of, swish

from oracles import Layer, check_layer
from oracles.claims.checks import PLAIN, values
from oracles.claims.frames_of_claims import small
from oracles.claims.search import try_cases


def found_on(layer, dtype, count=12):
    return try_cases(lambda case: values(layer, case), small(layer, 0)[0], dtype, count, 0, PLAIN)[1]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LAYERS)
def test_right_layers_are_consistent_with_themselves(name, dtype):
    found = found_on(layer_of(name), dtype)
    assert found is None, found and found.message


@pytest.mark.parametrize("name", LAYERS)
def test_a_wrong_gradient_is_not(name):
    right = LAYERS[name][1]

    def vjp(g, *primals):
        gradients = right(g, *primals)
        first = gradients[0] if isinstance(gradients, tuple) else gradients
        first *= 1 + 1e-6
        return gradients

    assert found_on(layer_of(name, vjp=vjp), "float64") is not None


def test_no_error_of_the_diagnosis_is_told_as_a_cause():
    """Neither where what other arguments would give is not known, nor where the layer raises while it is looked for."""

    def vjp(g, x):
        return g / (1 + np.exp(x))

    def missing(x):
        raise ModuleNotFoundError("no such thing")

    for layer in (layer_of("swish", vjp=vjp), Layer(op_of("swish"), forward=missing, vjp=vjp)):
        report = check_layer(layer, dtypes=["float64"], max_examples=10, seed=1)
        assert report.failures
        assert "while looking for it" not in str(report)


def test_a_gradient_that_is_not_linear_in_the_cotangent_is_caught():
    def vjp(g, x):
        return LAYERS["swish"][1](g * np.abs(g).max(initial=0.0), x)

    assert found_on(layer_of("swish", vjp=vjp), "float64") is not None


def test_a_layer_that_raises_in_float64_is_a_finding():
    def vjp(g, x):
        if x.dtype == np.float64:
            raise TypeError("float32 alone")
        return LAYERS["swish"][1](g, x)

    found = found_on(layer_of("swish", vjp=vjp), "float32")
    assert "float32 alone" in found.message
    assert found.call.dtype == np.float64


def test_a_gradient_that_agrees_with_a_wrong_forward_passes_as_the_note_says():
    layer = layer_of("swish")
    assert layer.start().forward({"inputs": np.ones(1)}, {}) == swish(np.ones(1))
    assert found_on(layer, "float64") is None
