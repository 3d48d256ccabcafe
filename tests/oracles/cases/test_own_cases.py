"""Cases of a declared op: its sizes, its domains, its options; and layers of it, right and wrong."""

import numpy as np
import pytest
from hypothesis import find
from hypothesis import strategies as st

from oracles import (
    Case,
    InputError,
    Layer,
    Op,
    UnsupportedCase,
    available,
    booleans,
    check_layer,
    ids,
    integers,
    load,
    one_hot,
    positive,
    probabilities,
)
from oracles.cases.frames import frame_pool, large_frames
from oracles.cases.generation import Variety, cases
from oracles.cases.own_cases import own_frame
from oracles.claims.search import try_cases
from oracles.claims.truth import Truth
from oracles.ops import DECLARATIONS, OPS
from oracles.ops.signature import holds
from oracles.reports.bugs import bugs

ONLY_DECLARED = [name for name in DECLARATIONS if name not in OPS]
QUICK = {"max_examples": 8, "seed": 1}


def drawn(op, frames, dtype="float32", count=6):
    found = []
    for frame in frames:
        try_cases(found.append, frame, dtype, count, 0, Variety())
    return found


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ONLY_DECLARED)
def test_every_case_is_one_of_the_op(name, dtype):
    op = DECLARATIONS[name]
    reductions = ("mean", "sum", "none")
    small, large = (frames(op, seed=3, reductions=reductions) for frames in (frame_pool, large_frames))
    assert len(small) >= 5
    found = drawn(op, small, dtype) + drawn(op, large[:6], dtype, count=1)
    for case in found:
        sizes, _ = op.signature.sizes({n: a.shape for n, a in case.primals.items()})
        assert not op.signature.where or holds(op.signature.where, sizes)
        assert case.dtype.name == dtype
        assert all(np.isfinite(a.astype(float)).all() for a in (*case.primals.values(), case.cotangent))
    first = [case.primals[op.primals[0]] for case in found]
    assert any(a.size == 1 for a in first)
    assert any(a.size == 0 for a in first)
    if "reduction" in op.options:
        assert {case.options["reduction"] for case in found} == set(reductions)


def test_primals_are_of_their_domains():
    op = Op(
        "mixed(x[N, C], p[N, C], labels[N], hot[N, C], mask[N, C], scale[C], count[N]) -> output[N, C]",
        definition=lambda xp, x, p, labels, hot, mask, scale, count: xp.where(mask, x * p * hot * scale, 0.0),
        domains={
            "p": probabilities,
            "labels": ids("C"),
            "hot": one_hot("C"),
            "mask": booleans,
            "scale": positive,
            "count": integers(-2, 2),
        },
    )
    for case in drawn(op, frame_pool(op, 0), "float32"):
        p, labels, hot, mask, scale, count = (case.primals[n] for n in op.primals[1:])
        assert (np.abs(p.sum(axis=1) - 1) < 1e-6).all()
        assert (p >= 0).all()
        assert labels.dtype.kind in "iu"
        assert ((labels >= 0) & (labels < p.shape[1])).all()
        assert (np.sort(hot, axis=1)[:, :-1] == 0).all()
        assert (hot.sum(axis=1) == 1).all()
        assert mask.dtype == bool
        assert (scale > 0).all()
        assert ((count >= -2) & (count <= 2)).all()


def rms_norm(xp, inputs, weight, *, eps):
    return weight * inputs / xp.sqrt(xp.mean(inputs * inputs, axis=-1, keepdims=True) + eps)


OWN = Op(
    "own_rms_norm(inputs[..., C], weight[C]) -> output[..., C]",
    definition=rms_norm,
    options={"eps": 1e-6},
    where="C >= 1",
)


def forward(x, w, *, eps):
    return w * x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + x.dtype.type(eps))


def vjp(g, x, w, *, eps):
    r = 1 / np.sqrt((x * x).mean(axis=-1, keepdims=True) + x.dtype.type(eps))
    n, h = x * r, g * w
    dx = r * (h - n * (h * n).mean(axis=-1, keepdims=True))
    return dx, (g * n).sum(axis=tuple(range(x.ndim - 1)))


@pytest.mark.parametrize("seed", range(3))
def test_a_right_layer_of_an_op_of_ones_own_passes_every_claim(seed):
    report = check_layer(Layer(OWN, forward=forward, vjp=vjp), max_examples=20, seed=seed)
    assert report.passed, str(report)
    assert {v.check for v in report.of_status("passed")} >= {"values", "sizes", "special_values", "stateless"}
    skipped = {(v.check, v.oracle) for v in report.of_status("skipped")}
    assert skipped == {("values", name) for name in ("torch", "jax") if name not in available()}
    assert report.truth == "the exact value"


def test_wrong_ones_fail_with_the_cause():
    def halved(g, x, w, *, eps):
        dx, dw = vjp(g, x, w, eps=eps)
        return dx, dw / 2

    def without_eps(g, x, w, *, eps):
        return vjp(g, x, w, eps=0.0)

    def above_256(g, x, w, *, eps):
        dx, dw = vjp(g, x, w, eps=eps)
        dw[256:] = 0
        return dx, dw

    (bug,) = bugs(check_layer(Layer(OWN, forward=forward, vjp=halved), **QUICK).failures)
    assert bug[0].cause == "dweight: scaled by 1/2"
    assert not check_layer(Layer(OWN, forward=forward, vjp=without_eps), **QUICK).passed
    late = check_layer(Layer(OWN, forward=forward, vjp=above_256), **QUICK)
    assert {v.check for v in late.failures} <= {"sizes", "special_values"}  # those have a wide frame as well


def test_a_name_is_enough_for_an_op_of_the_suite_and_options_are_keywords():
    seen = set()

    def attention(q, k, v, *, causal):
        seen.add(causal)
        raise ArithmeticError("enough")

    report = check_layer(Layer(DECLARATIONS["attention"], forward=attention, vjp=attention), **QUICK)
    assert not report.passed
    assert seen == {False, True}
    assert Layer("swiglu", forward=forward, vjp=vjp).declaration is DECLARATIONS["swiglu"]


def test_frameworks_take_part_where_the_op_names_theirs():
    torch = pytest.importorskip("torch")

    def in_torch(x, w, *, eps):
        return torch.nn.functional.rms_norm(x, w.shape, w, eps)

    op = Op(
        "torch_rms_norm(inputs[..., C], weight[C]) -> output[..., C]",
        definition=rms_norm,
        options={"eps": 1e-6},
        where="C >= 1",
        torch=in_torch,
    )
    report = check_layer(Layer.from_torch(op, in_torch), dtypes=["float32"], **QUICK)
    assert report.passed, str(report)
    installed = {name for name in ("torch", "jax") if name in available()}  # in jax the definition is run
    assert {m.source for m in report.margins} == {"in_torch", "finite_difference", *installed}
    assert not report.of_status("disputed")


def test_a_definition_is_enough_to_have_all_oracles():
    for name in available():
        case = Case(OWN, [np.linspace(-2, 3, 12).reshape(3, 4), np.ones(4)], np.ones((3, 4)))
        found = load(name).vjp(case)
        assert all(c.passed for c in Truth.of(case).judge(found).values()), name


def test_what_no_framework_knows_is_said_by_each():
    alone = Case(Op("nobody(x) -> output", cases=st.just({"x": np.ones(2)})), [np.ones(2)], np.ones(2))
    for name in available():
        with pytest.raises(UnsupportedCase, match="nobody has"):
            load(name).vjp(alone)


def test_a_case_travels_with_its_options(tmp_path):
    case = Case(OWN, [np.ones((2, 3)), np.ones(3)], np.ones((2, 3)), {"eps": 1e-3})
    Layer(OWN, forward=forward, vjp=vjp)  # which makes the op known by its name
    case.save(tmp_path / "case.json")
    again = Case.load(tmp_path / "case.json")
    assert again.options == {"eps": 1e-3}
    assert again.signature is OWN


def test_causes_of_the_suites_losses_are_not_looked_for_in_another_op():
    """Its targets are no class ids, and its cases are of any rank."""
    layer = Layer("bce_with_logits", forward=lambda z, y: np.mean([row.sum() for row in z]), vjp=lambda g, z, y: g * z)
    report = check_layer(layer, dtypes=["float32"], **QUICK)
    assert not report.passed
    assert not any("while looking for it" in v.cause for v in report.failures), {v.cause for v in report.failures}


def first(op, dtype="float32", **variety):
    frame = own_frame(op, lambda arrays: (arrays[op.primals[0]].shape,))
    return find(cases(op, dtype, frames=[frame], variety=Variety(**variety)), lambda case: True)


def test_floats_take_the_dtype_and_integers_stay():
    drawn = st.just({"x": np.ones((2, 2)), "at": np.array([1, 0])})
    case = first(Op("mixed(x, at) -> output", cases=drawn, domains={"at": ids("N")}))
    assert [a.dtype.name for a in case.primals.values()] == ["float32", "int64"]
    assert case.cotangent.shape == (2, 2)


def test_a_cotangent_that_is_given_is_kept():
    case = first(Op("pair(x) -> output", cases=st.just(({"x": np.ones(2)}, np.array([3.0, 4.0])))))
    assert case.cotangent.tolist() == [3.0, 4.0]


@pytest.mark.parametrize("drawn", [np.ones(3), {"y": np.ones(3)}, {"x": "text"}, {"x": np.array([1])}])
def test_what_is_no_case_is_refused(drawn):
    with pytest.raises(InputError, match=r"cases|primals|x"):
        first(Op("refused(x) -> output", cases=st.just(drawn)))
