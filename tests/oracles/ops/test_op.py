import numpy as np
import pytest

from oracles import Case, InputError
from oracles.ops import Op, Option, booleans


def norm(xp, inputs, weight, *, eps):
    return inputs / xp.sqrt(xp.mean(inputs * inputs, axis=-1, keepdims=True) + eps) * weight


RMS = Op("rms(inputs[..., C], weight[C]) -> output[..., C]", definition=norm, options={"eps": 1e-6})


def test_what_a_declaration_says():
    assert (RMS.name, RMS.primals, RMS.differentiable) == ("rms", ("inputs", "weight"), ("inputs", "weight"))
    assert RMS.options == {"eps": 1e-6}
    assert repr(RMS) == "<op rms(inputs[..., C], weight[C]) -> output[..., C]>"
    masked = Op("m(x[N], mask[N]) -> y[N]", definition=lambda xp, x, m: xp.where(m, x, 0.0), domains={"mask": booleans})
    assert masked.differentiable == ("x",)


def test_a_case_of_it_has_the_shapes_that_follow():
    case = Case(RMS, [np.ones((2, 3)), np.ones(3)], np.ones((2, 3)))
    assert case.options == {"eps": 1e-6}
    with pytest.raises(InputError, match=r"cotangent: expected shape \(2, 3\)"):
        Case(RMS, [np.ones((2, 3)), np.ones(3)], np.ones(3))
    with pytest.raises(InputError, match=r"weight: expected shape \(3,\), got \(2,\)"):
        Case(RMS, [np.ones((2, 3)), np.ones(2)], np.ones((2, 3)))


def test_an_output_without_axes_has_the_shape_of_the_definition():
    op = Op("f(x[N, C]) -> y", definition=lambda xp, x: xp.sum(x, axis=0))
    assert op.output_shapes({"x": (4, 3)}, {}) == ((3,),)
    bare = Op.bare("f", ["x", "t"], ["x"])
    assert bare.output_shapes({"x": (4, 3), "t": ()}, {}) == (None,)
    assert bare.differentiable == ("x",)


def test_options_are_checked():
    op = Op(
        "f(x[N]) -> y[N]",
        definition=lambda xp, x, *, how, p: x,
        options={"how": ("mean", "sum"), "p": Option(0.5, expected="a share", holds=lambda p: 0 < p < 1)},
    )
    assert op.options == {"how": "mean", "p": 0.5}
    with pytest.raises(InputError, match="how: expected one of mean, sum, got 'men'; did you mean mean"):
        op.output_shapes({"x": (1,)}, {"how": "men", "p": 0.5})
    with pytest.raises(InputError, match="p: expected a share, got 2"):
        op.output_shapes({"x": (1,)}, {"how": "sum", "p": 2})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"definition": 3}, "expected a function as definition or form, got 3"),
        ({"definition": norm, "forms": (3,)}, "expected a function as definition or form, got 3"),
        ({"definition": norm, "domains": {"wieght": booleans}}, "got 'wieght'; did you mean weight"),
        ({"definition": norm, "where": "Q > 1"}, "where: expected a comparison of the axes"),
    ],
)
def test_a_declaration_that_is_none_is_refused(settings, message):
    with pytest.raises(InputError, match=message):
        Op("rms(inputs[..., C], weight[C]) -> output[..., C]", **settings)
