import pytest

from oracles import InputError
from oracles.ops.signature import holds, parsed

NORM = parsed("layer_norm(inputs[..., C], weight[C], bias[C]) -> output[..., C]")
ATTENTION = parsed("attention(q[..., L, D], k[..., S, D], v[..., S, E]) -> output[..., L, E], lse[..., L]", "L <= S")


def test_a_signature_is_read_and_says_itself():
    assert str(NORM) == "layer_norm(inputs[..., C], weight[C], bias[C]) -> output[..., C]"
    assert ATTENTION.axes == ("L", "D", "S", "E")
    assert [a.name for a in ATTENTION.outputs] == ["output", "lse"]
    assert str(parsed("loss(logits[N, C], targets) -> output")) == "loss(logits[N, C], targets) -> output"
    assert parsed("f(x[]) -> y[]").inputs[0].axes == ()


def test_sizes_and_leading_axes_follow_from_shapes():
    shapes = {"inputs": (2, 3, 4), "weight": (4,), "bias": (4,)}
    sizes, leading = NORM.sizes(shapes)
    assert (sizes, leading) == ({"C": 4}, (2, 3))
    assert NORM.shape_of(NORM.outputs[0], sizes, leading) == (2, 3, 4)
    sizes, leading = ATTENTION.sizes({"q": (5, 2, 3), "k": (5, 4, 3), "v": (5, 4, 6)})
    assert ATTENTION.shape_of(ATTENTION.outputs[1], sizes, leading) == (5, 2)


@pytest.mark.parametrize(
    ("signature", "shapes", "message"),
    [
        (NORM, ((3, 4), (5,), (4,)), r"weight: expected shape \(4,\), got \(5,\); C is 4 by inputs"),
        (NORM, ((), (4,), (4,)), r"inputs: expected at least 1 dimension, got shape \(\)"),
        (NORM, ((3, 4), (1, 4), (4,)), r"weight: expected 1 dimension, got shape \(1, 4\)"),
        (ATTENTION, ((5, 2, 3), (4, 4, 3), (5, 4, 6)), r"k: expected leading axes \(5,\), got shape \(4, 4, 3\)"),
        (ATTENTION, ((5, 4, 3), (5, 2, 3), (5, 2, 6)), "attention: expected L <= S, got L 4, D 3, S 2, E 6"),
        (parsed("f(x[1, M], y[M]) -> z[M]"), ((2, 3), (3,)), r"x: expected shape \(1, M\), got \(2, 3\)"),
    ],
)
def test_a_misfit_is_named_with_what_it_should_be(signature, shapes, message):
    names = [a.name for a in signature.inputs]
    with pytest.raises(InputError, match=message):
        signature.sizes(dict(zip(names, shapes, strict=True)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("layer_norm", "expected name"),
        ("f(x[N]) -> ", "at least one each"),
        ("f() -> y", "at least one each"),
        ("f(x[N], x[N]) -> y[N]", "distinct names"),
        ("f(x[N]) -> y[M]", "axis M of the output is none of an input's"),
        ("f(x[N+1]) -> y", "expected axes like N, 1 or one ..."),
        ("f(x[..., ...]) -> y", "expected axes like N, 1 or one ..."),
        ("f(x[N],) -> y", "expected names with axes in brackets"),
        ("f(x y) -> z", "expected names with axes in brackets"),
    ],
)
def test_what_is_no_signature_is_shown(text, message):
    with pytest.raises(InputError, match=message):
        parsed(text)


@pytest.mark.parametrize("condition", ["K <", "K <= M", "__import__('os')", "K if K else 1", "K()"])
def test_what_is_no_condition_is_shown(condition):
    with pytest.raises(InputError, match="where: expected a comparison of"):
        holds(condition, {"K": 1})
    assert holds("K <= 2 * L and L % 2 == 0", {"K": 3, "L": 2})
