import numpy as np
import pytest

from oracles import Op, UnsupportedCase
from oracles.ops import get_op
from oracles.sources.primals import array_api, primal, running

SQUARE = Op("square(x[N]) -> output[N]", definition=lambda xp, x: xp.square(xp.stored(x)))


def xp():
    return running(np, {"erf": abs}, lambda x: x)


def test_the_ops_own_function_comes_first_then_the_adapters_then_the_definition():
    mine = Op("mine(x[N]) -> output[N]", definition=lambda xp, x: x, torch=np.abs)
    assert primal(mine, "torch", {}, xp) is np.abs
    assert primal(get_op("relu"), "torch", {"relu": np.sign}, xp) is np.sign
    assert primal(SQUARE, "torch", {"square": np.sign}, xp)(np.array([3.0])) == 9  # of that name, and another op
    with pytest.raises(UnsupportedCase, match="jax: bare has neither a function of jax nor a definition"):
        primal(Op("bare(x[N]) -> output[N]", torch=np.abs), "jax", {}, xp)


def test_what_tells_the_tracer_more_than_the_value_is_the_value():
    here, x = xp(), np.array([1.0, 2.0])
    assert here.special.erf(-3) == 3
    assert here.sum(x) == 3  # NumPy's
    for same in (here.stored(x), here.as_given(x), here.within(x, 0, 9), here.among(x, 5), here.rounded_at(x, x)):
        assert same is x
    assert here.rounded(0.1, x.astype("float32")) == np.float32(0.1)
    assert (here.product(x[None], x[:, None], further=1) == 5).all()


def test_without_array_api_compat_it_says_how_to_get_it():
    with pytest.raises(UnsupportedCase, match="nothing: definitions run on it by array-api-compat; install it with"):
        array_api("nothing")
