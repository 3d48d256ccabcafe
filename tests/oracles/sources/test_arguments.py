import numpy as np
import pytest

from oracles import Case, Op
from oracles.ops import get_op
from oracles.sources.arguments import cotangent_of, made_with, outputs_by_name, required, taken_by, takes, takes_sizes
from oracles.sources.registry import LayerError


@pytest.mark.parametrize(
    ("op", "function", "makes"),
    [
        ("dense", lambda n_inputs, n_neurons: None, True),
        ("dense", lambda inputs, weights, biases: None, False),
        ("dense", lambda *anything: None, False),
        ("layer_norm", lambda features: None, True),
        ("layer_norm", lambda inputs, weight, bias: None, False),
        ("attention", lambda q, k, v: None, False),
        ("relu", lambda: None, True),
        ("relu", lambda inputs: None, False),
        ("relu", lambda inputs=None: None, False),
        ("cross_entropy", lambda: None, True),
        ("relu", print, False),
        ("relu", 3, False),
    ],
)
def test_what_makes_a_layer_is_told_from_a_function_of_primals(op, function, makes):
    assert takes_sizes(get_op(op), function) is makes


def test_what_a_function_takes():
    def function(a, b=1, *, eps=0.0):
        return a, b, eps

    assert (required(function), required(3), required(lambda *anything: 0)) == (1, 0, 0)
    assert [takes(function, n) for n in range(4)] == [False, True, True, False]
    assert taken_by(function, {"eps": 1e-5, "other": 2}) == {"eps": 1e-5}
    assert taken_by(3, {"eps": 1e-5}) == {}


def test_an_instance_is_made_with_the_sizes_that_it_asks_for():
    class Norm:
        def __init__(self, features, eps=1e-5):
            pass

    class Plain:
        def __init__(self, eps=1e-5):
            pass

    class Dense:
        def __init__(self, n_inputs=1, n_neurons=1):
            pass

    norm = {"inputs": (5, 3), "weight": (3,), "bias": (3,)}
    assert made_with(get_op("layer_norm"), Norm, norm) == (3,)
    assert made_with(get_op("layer_norm"), Plain, norm) == ()
    dense = {"inputs": (5, 3), "weights": (3, 2), "biases": (1, 2)}
    assert made_with(get_op("dense"), Dense, dense) == (3, 2)
    attention = dict.fromkeys("qkv", (2, 3))
    assert made_with(get_op("attention"), Dense, attention) == ()


def test_what_a_pass_gives_and_is_handed_is_one_array_or_a_tuple():
    one = Op("f(x[N]) -> y[N]", definition=lambda xp, x: x)
    two = Op("g(x[N]) -> y[N], z[N]", definition=lambda xp, x: (x, x))
    x = np.ones(2)
    assert outputs_by_name(one, x) == {"output": x}
    assert list(outputs_by_name(two, (x, x))) == ["y", "z"]
    with pytest.raises(LayerError, match="forward: expected a tuple of y, z, got 1 values"):
        outputs_by_name(two, (x,))
    assert cotangent_of(Case(one, [x], x), {"x": 0, "cotangent": 1}) == 1
    assert cotangent_of(Case(two, [x], (x, x)), {"cotangent_y": 1, "cotangent_z": 2}) == (1, 2)
