"""Ops with several outputs: each has its cotangent, and every source and every kind of layer gives all of them."""

import numpy as np
import pytest
from failures import assert_fails_alone

from oracles import Case, InputError, Layer, Op, available, check_layer, load
from oracles.claims.truth import Truth


def normed_sum(xp, x, r, weight, *, eps):
    s = x + r
    return weight * (s / xp.sqrt(xp.mean(s * s, axis=-1, keepdims=True) + eps)), s


OP = Op(
    "normed_sum(x[..., C], r[..., C], weight[C]) -> output[..., C], residual[..., C]",
    definition=normed_sum,
    options={"eps": 1e-5},
)
CASE = Case(
    OP,
    [
        np.array([[1.0, -2.0, 0.5], [0.25, 3.0, -1.0]]),
        np.array([[0.5, 1.0, 1.5], [-2.0, 0.0, 1.0]]),
        np.arange(1.0, 4.0),
    ],
    (np.array([[1.0, 2.0, -1.0], [0.5, -3.0, 2.0]]), np.array([[0.25, 0.0, 1.0], [4.0, -1.0, 0.5]])),
)


def forward(x, r, weight, eps):
    s = x + r
    return weight * (s / np.sqrt(np.mean(s * s, axis=-1, keepdims=True) + s.dtype.type(eps))), s


def gradients(of_output, of_residual, x, r, weight, eps):
    s = x + r
    q = 1 / np.sqrt(np.mean(s * s, axis=-1, keepdims=True) + s.dtype.type(eps))
    n, dn = s * q, of_output * weight
    ds = q * (dn - n * np.mean(dn * n, axis=-1, keepdims=True)) + of_residual
    return ds, ds.copy(), (of_output * n).reshape(-1, len(weight)).sum(axis=0)


def vjp(cotangents, *primals, eps):
    return gradients(*cotangents, *primals, eps)


def without_residual(cotangents, *primals, eps):
    return gradients(cotangents[0], np.zeros_like(cotangents[1]), *primals, eps)


def aliasing(x, r, weight, eps):
    output, s = forward(x, r, weight, eps)
    r[...] = s
    return output, r


def test_a_case_holds_a_cotangent_of_each_and_travels():
    assert list(CASE.cotangents) == ["cotangent_output", "cotangent_residual"]
    by_name = dict(zip(OP.outputs, CASE.cotangents.values(), strict=True))
    assert Case(OP, dict(CASE.primals), by_name) == CASE
    assert Case.from_json(CASE.to_json()) == CASE
    assert eval(repr(CASE), vars(__import__("oracles.data.case", fromlist=["Case"]))) == CASE


@pytest.mark.parametrize(
    ("cotangent", "said"),
    [
        (np.ones((2, 3)), "cotangent: expected one for each of output, residual"),
        ((np.ones((2, 3)),), "cotangent: expected one for each of output, residual"),
        ({"output": np.ones((2, 3)), "rest": 1}, "cotangent: expected one for each of output, residual"),
        ((np.ones((2, 3)), np.ones((3, 2))), r"cotangent_residual: expected shape \(2, 3\)"),
        ((np.ones((2, 3)), np.ones((2, 3), np.float32)), "dtype: expected one for all of a case"),
    ],
)
def test_what_is_no_cotangent_of_each_is_refused(cotangent, said):
    with pytest.raises(InputError, match=said):
        Case(OP, dict(CASE.primals), cotangent)


@pytest.mark.parametrize("oracle", available())
def test_every_source_gives_all_of_them(oracle):
    result = load(oracle).vjp(CASE)
    assert list(result.outputs) == ["output", "residual"]
    assert result.output is result.outputs["output"]
    assert all(comparison.passed for comparison in Truth.of(CASE).judge(result).values())


def test_a_right_layer_passes_every_claim():
    report = check_layer(Layer(OP, forward=forward, vjp=vjp), oracles=["exact"], max_examples=20, seed=1)
    assert report.passed, str(report)
    assert {m.result for m in report.margins} == {"output", "residual", "dx", "dr", "dweight"}


@pytest.mark.parametrize(
    ("layer", "check", "cause"),
    [
        (Layer(OP, forward=forward, vjp=without_residual), "values", "dx and dr: the cotangent of residual is ignored"),
        (Layer(OP, forward=aliasing, vjp=vjp), "nothing_aliased", "residual shares memory with its argument r"),
    ],
    ids=["values", "alias"],
)
def test_a_wrong_one_fails_with_its_cause_and_a_snippet(layer, check, cause):
    report = check_layer(layer, oracles=["exact"], dtypes=["float64"], max_examples=20, seed=1)
    (failure,) = [v for v in report.failures if v.check == check]
    assert failure.cause == cause
    assert_fails_alone(failure)


def test_a_layer_that_gives_one_alone_is_told_how_many_there_are():
    layer = Layer(OP, forward=lambda *given, eps: forward(*given, eps)[0], vjp=vjp)
    failure = check_layer(layer, oracles=["exact"], dtypes=["float64"], max_examples=5, seed=1).failures[0]
    assert "forward: expected a tuple of output, residual, got ndarray" in failure.message


def test_a_definition_that_gives_another_number_is_refused():
    op = Op("of_two(x[N]) -> a, b", definition=lambda xp, x: x * 2)
    with pytest.raises(InputError, match="of_two: expected 2 outputs of its definition, got 1"):
        Case(op, [np.ones(2)], (np.ones(2), np.ones(2)))


def test_without_a_definition_there_is_one_output():
    with pytest.raises(InputError, match="definition: of_two has several outputs, and needs one"):
        Op("of_two(x[N]) -> a[N], b[N]", torch="torch.frexp")


def test_functions_and_modules_of_torch():
    torch = pytest.importorskip("torch", reason="torch is not installed")

    def function(x, r, weight, eps):
        s = x + r
        return torch.nn.functional.rms_norm(s, weight.shape, weight, eps), s

    class Module(torch.nn.Module):
        def __init__(self, c, eps=1e-5):
            super().__init__()
            self.weight, self.eps = torch.nn.Parameter(torch.ones(c)), eps

        def forward(self, x, r):
            return function(x, r, self.weight, self.eps)

    class Forgets(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, r, weight, eps):
            ctx.save_for_backward(x, r, weight)
            ctx.eps = eps
            return function(x, r, weight, eps)

        @staticmethod
        def backward(ctx, of_output, of_residual):
            x, r, weight = (t.detach().numpy() for t in ctx.saved_tensors)
            found = gradients(of_output.numpy(), np.zeros_like(x), x, r, weight, ctx.eps)
            return (*map(torch.from_numpy, map(np.ascontiguousarray, found)), None)

    settings = {"oracles": ["exact"], "dtypes": ["float64"], "max_examples": 10, "seed": 1}
    for fn in (function, Module):
        report = check_layer(Layer.from_torch(OP, fn), **settings)
        assert report.passed, str(report)
    failure = check_layer(Layer.from_torch(OP, Forgets), **settings).failures[0]
    assert failure.cause == "dx and dr: the cotangent of residual is ignored"


def test_functions_of_jax():
    pytest.importorskip("jax", reason="jax is not installed")
    import jax

    @jax.jit
    def function(x, r, weight):
        s = x + r
        return s * jax.lax.rsqrt((s * s).mean(-1, keepdims=True) + 1e-5) * weight, s

    layer = Layer.from_jax(OP, lambda x, r, weight, eps: function(x, r, weight))
    settings = {"oracles": ["exact"], "dtypes": ["float32"], "max_examples": 4, "seed": 1}
    report = check_layer(layer, **settings)
    assert report.passed, str(report)
