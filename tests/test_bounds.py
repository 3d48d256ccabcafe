"""Are the bounds sharp? Errors far below the usual tolerances are outside them; everything sensible is inside."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given

from oracles import Case, Recipe, Result
from oracles.calculus.model import ARITHMETIC
from oracles.candidates.layer import reference_layer
from oracles.candidates.run import run
from oracles.cases.generation import DTYPES, cases
from oracles.claims.referee import Tally, judge_oracle
from oracles.claims.truth import Truth
from oracles.data.arrays import array
from oracles.ops import OPS
from oracles.sources.available import products_note
from oracles.sources.derived import bounds
from oracles.sources.registry import Oracle, Products, load

# what the kit promises to see in a small case
VISIBLE = {"float32": 1e-5, "float64": 1e-13}


def small(op, dtype, seed=0):
    def recipe(style, *shape, at=0):
        return Recipe(style, shape, dtype, seed=seed + at)

    primals = {
        "dense": [recipe("uniform", 3, 4), recipe("uniform", 4, 2, at=1), recipe("uniform", 1, 2, at=2)],
        "relu": [recipe("uniform", 3, 4)],
        "softmax": [recipe("uniform", 3, 4)],
        "cross_entropy": [recipe("probabilities", 3, 4), Recipe("ids", (3,), "int64", seed=seed, scale=4)],
        "softmax_cross_entropy": [recipe("uniform", 3, 4), Recipe("ids", (3,), "int64", seed=seed, scale=4)],
    }
    shapes = {"dense": (3, 2), "relu": (3, 4), "softmax": (3, 4)}
    return Case(op, primals[op], recipe("uniform", *shapes.get(op, ()), at=3))


@pytest.mark.parametrize("dtype", VISIBLE)
@pytest.mark.parametrize("op", OPS)
def test_a_small_relative_error_in_one_element_is_seen(op, dtype):
    """In each element of each gradient, in some small case: cancellation may hide it in one, not in all."""
    seen = {}
    for seed in range(0, 80, 10):
        case = small(op, dtype, seed)
        truth, result = Truth.of(case), run(reference_layer(op), case)
        for name, gradient in result.gradients.items():
            for at in np.ndindex(gradient.shape):
                wrong = gradient.copy()
                wrong[at] = wrong[at] * case.dtype.type(1 + VISIBLE[dtype])
                if wrong[at] == gradient[at]:  # an exact zero has no relative error
                    continue
                judged = truth.judge(Result(result.output, {**result.gradients, name: wrong}))
                seen[name, at] = seen.get((name, at), False) or not judged[f"d{name}"].passed
    assert seen
    assert all(seen.values()), [key for key, found in seen.items() if not found]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", OPS)
def test_bounds_are_there_for_every_result_and_never_nan(op, dtype):
    @given(cases(op, dtype))
    def holds(case):
        found = bounds(case)
        assert {name: b.shape for name, b in found.items()} == {
            "output": case.cotangent.shape,
            **{f"d{name}": case.primals[name].shape for name in case.signature.differentiable},
        }
        for bound in found.values():
            assert not np.isnan(bound).any()
            assert (bound >= 0).all()

    holds()


def test_relu_is_exact_to_the_bit():
    case = Case("relu", {"inputs": [1.0, -1.0, 0.0, 2.0**-1022]}, [1.0, 2.0, 3.0, 4.0])
    assert not any(bound.any() for bound in bounds(case).values())


def test_the_gauge_of_a_product_is_that_of_its_absolute_values():
    x, w = np.array([[1.0, 1.0]]), np.array([[1.0], [-1.0]])
    bound = bounds(Case("dense", [x, w, [[0.0]]], [[1.0]]))["output"]
    u = 2.0**-53  # gamma_3 (|1| + |1|), where the biases are among the products, and nothing for the result, which is 0
    assert 6 * u < bound[0, 0] < 6.01 * u


def test_nothing_is_claimed_beyond_the_range():
    huge = np.full((1, 2), 3e38, np.float32)
    case = Case("dense", [huge, np.ones((2, 1), np.float32), np.zeros((1, 1), np.float32)], np.ones((1, 1), np.float32))
    found = bounds(case)
    assert np.isinf(found["output"]).all()
    assert np.isfinite(found["dinputs"]).all()


@pytest.mark.parametrize("targets", [[1], [[0.25, 0.25]]], ids=["ids", "rows"])
def test_nothing_is_claimed_for_a_loss_whose_differences_leave_float64(targets):
    case = Case("softmax_cross_entropy", [[[1.7e308, -1.7e308]], targets], 1.0)
    assert np.isinf(bounds(case)["output"])
    assert all(c.passed for c in Truth.of(case).judge(run(reference_layer("softmax_cross_entropy"), case)).values())


SUBNORMAL = 1e-40


def test_an_infinity_that_meets_a_subnormal_claims_nothing_and_other_infinities_do():
    x = np.array([[np.inf, 1.0], [np.inf, 0.0]], np.float32)
    w = np.array([[SUBNORMAL, 1.0], [1.0, 1.0]], np.float32)
    case = Case("dense", [x, w, np.zeros((1, 2), np.float32)], np.ones((2, 2), np.float32))
    assert np.isinf(bounds(case)["output"]).tolist() == [[True, False], [True, False]]
    assert np.isfinite(bounds(case)["dinputs"]).all()
    turned = Case("dense", [w, x, np.zeros((1, 2), np.float32)], np.full((2, 2), np.inf, np.float32))
    assert np.isinf(bounds(turned)["output"]).tolist() == [[True, False], [False, False]]
    assert np.isinf(bounds(turned)["dweights"]).tolist() == [[True, True], [False, False]]


@pytest.mark.parametrize(("y", "g"), [(2.8, SUBNORMAL), (SUBNORMAL, 2.8), (1e-20, 1e-20)])
def test_at_probability_0_a_label_or_cotangent_that_is_flushed_claims_nothing(y, g):
    def gradient(y, g):
        p = np.array([[0.0, 1.0]], np.float32)
        return bounds(Case("cross_entropy", [p, np.array([[y, 0.5]], np.float32)], np.float32(g)))["dprobabilities"]

    assert np.isinf(gradient(y, g)).tolist() == [[True, False]]
    assert np.isfinite(gradient(1.0, 1.0)).all()


@pytest.mark.parametrize("g", [7.976156e-318, 5e-324, 1e-310])
def test_a_bound_below_the_normal_range_of_float64_is_not_below_what_it_bounds(g):
    """Found by a campaign: the product of two subnormals had lost more than the bound was enlarged by."""
    p = np.full((9, 5), 0.2)
    p[7, 2] = 2.22507386e-308
    y = np.zeros((9, 5))
    y[7, 2] = 0.08947281
    truth = Truth.of(Case("cross_entropy", [p, y], g))
    gradient = truth.enclosures["dprobabilities"].value
    assert abs(gradient[7, 2]) > 1e-20
    nothing = Result(np.asarray(truth.enclosures["output"].value), {"probabilities": np.zeros((9, 5))})
    assert truth.judge(nothing)["dprobabilities"].margin <= 1
    assert bounds(Case("cross_entropy", [p, y], 0.0))["dprobabilities"].max() < 1e-300


def test_the_stored_labels_that_are_summed_may_each_lie_below_the_normal_range():
    """Found by a campaign: torch stores y g of each class in float16, and sums those."""
    y = np.array([[0.02298, 0.02058, 0.003849, 0.02156, 0.0183, 0.0291, 0.02924, 0.008575]], np.float16)
    x = np.array([[0, 0, 8, 0, 0, 0, 0, 0]], np.float16)
    g = np.float16(-9.5e-07)
    case = Case("softmax_cross_entropy", [x, y], g, {"reduction": "sum"})
    stored = (y * g).astype(np.float16).astype(np.float32)
    s = np.exp(x.astype(np.float32)) / np.exp(x.astype(np.float32)).sum()
    truth = Truth.of(case)
    result = Result(
        np.asarray(truth.enclosures["output"].value, np.float16),
        {"logits": (s * stored.sum() - stored).astype(np.float16)},
    )
    assert truth.judge(result)["dlogits"].margin <= 1
    assert np.isfinite(truth.bounds["dlogits"]).all()


def test_flushed_subnormals_are_allowed_and_no_more():
    x = np.array([1e-40, 1.0], np.float32)
    bound = bounds(Case("relu", [x], np.ones(2, np.float32)))["output"]
    assert bound[0] >= x[0]
    assert bound[1] == 0
    assert bounds(Case("relu", [x.astype(np.float16)], np.ones(2, np.float16)))["output"].max() == 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_gamma_is_lemma_3_1(dtype):
    a = ARITHMETIC[dtype]
    assert a.gamma(1) == a.u / (1 - a.u)
    assert a.gamma(10) >= (1 + a.u) ** 10 - 1
    assert a.gamma(2 / a.u) == np.inf


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_sums_in_half_precision_are_outside(dtype):
    """What "strict" means: a batch of 600 summed in its own dtype is seen."""
    case = Case(
        "dense",
        [Recipe("uniform", (600, 2), dtype), Recipe("uniform", (2, 3), dtype, seed=1), Recipe("zeros", (1, 3), dtype)],
        Recipe("uniform", (600, 3), dtype, seed=2, scale=0.5),
    )
    total = np.zeros((1, 3), case.dtype)
    for row in case.cotangent:
        total = (total + row).astype(case.dtype)
    result = run(reference_layer("dense"), case)
    assert all(c.passed for c in Truth.of(case).judge(result).values())
    judged = Truth.of(case).judge(Result(result.output, {**result.gradients, "biases": total}))
    assert not judged["dbiases"].passed
    assert all(judged[name].passed for name in ("output", "dinputs", "dweights"))


RIGHT_SOFTMAXES = {
    "log form": lambda x, m: np.exp(x - (m + np.log(np.exp(x - m).sum(axis=1, keepdims=True)))),
    "exp2": lambda x, m: _normalised(np.exp2((x - m) * x.dtype.type(np.log2(np.e)))),
    "exp2, scaled before": lambda x, m: _normalised(
        np.exp2(x * x.dtype.type(np.log2(np.e)) - m * x.dtype.type(np.log2(np.e)))
    ),
    "reciprocal": lambda x, m: np.exp(x - m) * (1 / np.exp(x - m).sum(axis=1, keepdims=True)),
    "backwards sum": lambda x, m: np.exp(x - m) / np.exp(x - m)[:, ::-1].cumsum(axis=1)[:, -1:],
}


@pytest.mark.parametrize("form", RIGHT_SOFTMAXES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_other_right_softmaxes_are_inside(form, dtype):
    @given(cases("softmax", dtype))
    @np.errstate(all="ignore")
    def holds(case):
        x = case.primals["inputs"]
        if x.ndim != 2 or not np.isfinite(x).all() or np.abs(x).max(initial=0) > 1e30:
            return
        s = RIGHT_SOFTMAXES[form](x, x.max(axis=1, keepdims=True, initial=-np.inf))
        judged = Truth.of(case).judge(Result(s, run(reference_layer("softmax"), case).gradients))
        assert judged["output"].passed, judged["output"]

    holds()


@pytest.mark.parametrize("gap", [60, 70])  # a product that may be flushed, and one that is too small for any number
@pytest.mark.parametrize(("dtype", "scale"), [("float32", 1), ("bfloat16", 1), ("float64", 8)])
def test_products_of_the_jacobian_may_be_lost_below_the_normal_range(dtype, scale, gap):
    like = Recipe("zeros", (1, 3), dtype).build()
    x, g = (
        np.array([row]).astype(like.dtype)
        for row in ([gap * scale, 0, (gap - 36) * scale], [0, 0, 2.0 ** (60 * scale)])
    )
    case = Case("softmax", [x], g)
    right, truth = run(reference_layer("softmax"), case), Truth.of(case)
    wide = np.float64 if dtype == "float64" else np.float32
    s = right.output[0].astype(wide)
    products = np.outer(s, s)
    products[products < np.finfo(wide).tiny] = 0
    jacobian = ((np.diag(s) - products) @ g[0].astype(wide))[None].astype(x.dtype)
    expected = right.gradients["inputs"]
    assert jacobian[0, 1] == 0 != expected[0, 1]
    judged = truth.judge(Result(right.output, {"inputs": jacobian}))["dinputs"]
    assert judged.passed, judged
    assert not truth.judge(Result(right.output, {"inputs": 3 * expected}))["dinputs"].passed


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("offset", [0.0, 100.0, 1000.0])
def test_a_loss_summed_as_log_sum_exp_minus_the_labelled_logits_is_inside(offset, dtype):
    rng = np.random.default_rng(0)
    x = (offset + rng.standard_normal((8, 100))).astype(dtype)
    y = np.full((8, 100), 0.1 / 100, dtype)
    y[np.arange(8), rng.integers(0, 100, 8)] += x.dtype.type(0.9)
    case = Case("softmax_cross_entropy", [x, y], np.ones(8, dtype), {"reduction": "none"})
    m = x.max(axis=1)
    log_sum_exp = m + np.log(np.exp(x - m[:, None]).sum(axis=1))
    gradients = run(reference_layer("softmax_cross_entropy"), case).gradients
    for dot in (np.einsum("nc,nc->n", y, x), (y * x).sum(axis=1), np.cumsum(y * x, axis=1)[:, -1]):
        judged = Truth.of(case).judge(Result(y.sum(axis=1) * log_sum_exp - dot, gradients))
        assert judged["output"].passed, judged["output"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_label_on_a_negative_probability_has_its_gradient(dtype):
    case = Case("cross_entropy", [np.array([[-0.3, 0.5]], dtype), [0]], np.ones((), dtype))
    assert all(c.passed for c in Truth.of(case).judge(run(reference_layer("cross_entropy"), case)).values())


def _normalised(e):
    return e / e.sum(axis=1, keepdims=True)


def to_bits(a, bits):
    """float32 rounded to that many bits of significand, to the nearest."""
    drop = np.uint32(24 - bits)
    raw = np.asarray(a, np.float32).view(np.uint32)
    half = np.uint32(1) << (drop - np.uint32(1))
    return ((raw + half) & ~((np.uint32(1) << drop) - np.uint32(1))).view(np.float32)


def by_rounded_operands(case, bits):
    """dense whose matrix products round their operands first, as tensor cores do."""
    x, w, b = case.primals.values()
    g = case.cotangent
    r = {name: to_bits(a, bits) for name, a in (("x", x), ("w", w), ("g", g))}
    gradients = {"inputs": r["g"] @ r["w"].T, "weights": r["x"].T @ r["g"], "biases": g.sum(axis=0, keepdims=True)}
    return Result(r["x"] @ r["w"] + b, gradients)


TF32, BFLOAT16 = 2.0**-11, 2.0**-8


def dense_case(seed):
    shapes = [(5, 9), (9, 4), (1, 4), (5, 4)]
    recipes = [Recipe("uniform", shape, "float32", 10 * seed + i) for i, shape in enumerate(shapes)]
    return Case("dense", recipes[:3], recipes[3])


def worst(case, result, operand):
    return {n: c.margin for n, c in Truth.of(case, products=Products(operand)).judge(result).items()}


def test_products_in_tf32_are_outside_float32_s_bound_and_inside_their_own():
    margins = [worst(case, by_rounded_operands(case, 11), TF32) for case in map(dense_case, range(40))]
    products = ("output", "dinputs", "dweights")
    assert all(m[name] <= 1 for m in margins for name in m)
    assert max(m[name] for m in margins for name in products) > 0.5  # what is promised, and no looser
    strict = [worst(case, by_rounded_operands(case, 11), 0.0) for case in map(dense_case, range(40))]
    assert all(max(m[name] for name in products) > 1 for m in strict)


def test_products_in_bfloat16_are_outside_tf32_s_bound():
    for case in map(dense_case, range(10)):
        result = by_rounded_operands(case, 8)
        assert max(worst(case, result, TF32).values()) > 1
        assert max(worst(case, result, BFLOAT16).values()) <= 1


def test_sums_and_other_ops_have_no_rounded_operands():
    case = dense_case(0)
    assert (bounds(case, products=Products(TF32))["dbiases"] == bounds(case)["dbiases"]).all()
    softmax = Case("softmax", [case.primals["inputs"]], case.primals["inputs"])
    for name, bound in bounds(softmax).items():
        assert (bounds(softmax, products=Products(TF32))[name] == bound).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_products_summed_in_half_precision_leave_other_sums_strict(dtype):
    case = Case(
        "dense", [array(np.ones(shape), dtype) for shape in [(5, 6), (6, 4), (1, 4)]], array(np.ones((5, 4)), dtype)
    )
    promised = bounds(case, products=Products(sums="native"))
    native, strict = bounds(case, accumulate="native"), bounds(case)
    assert (promised["dbiases"] == strict["dbiases"]).all()
    for name in ("output", "dinputs", "dweights"):
        once = 1.1 * ARITHMETIC[dtype].v * 7  # none of the results is larger: one rounding, of what is stored
        assert ((native[name] * 0.999 <= promised[name]) & (promised[name] <= native[name] + once)).all()
        assert (promised[name] > strict[name]).all()


def test_an_oracle_is_held_to_what_its_settings_promise():
    module = SimpleNamespace(
        vjp=lambda case, device: by_rounded_operands(case, 11), product_roundoff=lambda dtype, device: TF32
    )
    case = dense_case(1)
    for promises, disputed in ((True, False), (False, True)):
        if not promises:
            del module.product_roundoff
        tally, oracle = Tally(), Oracle("tensor_cores", "1", "cuda", module)
        judge_oracle(oracle, case, Truth.of(case), tally)
        assert any(m.worst > 1 for m in tally.margins()) is disputed
        assert bool(products_note([oracle])) is promises


def test_what_is_promised_is_said():
    module = SimpleNamespace(
        product_roundoff=lambda dtype, device: TF32 if dtype == "float32" else 0.0,
        sums_products_in=lambda dtype, device: "native" if dtype == "float16" else "strict",
    )
    lines = products_note([Oracle("tensor_cores", "1", "cuda", module)])
    assert "may take float32 matrix products in TF32" in lines[-1] + lines[0]
    assert len(lines) == 2


@pytest.mark.parametrize(("dtype", "smallest"), [("float32", 2.0**-149), ("float64", 2.0**-1074)])
def test_what_lies_below_the_normal_range_is_rounded_up_as_well(dtype, smallest):
    """Found by a campaign: y g / N = 0.69 of the smallest number becomes that number, and is divided by a small p."""
    p = np.array([[1e-17, 1.0]], dtype)
    case = Case("cross_entropy", [p, np.array([[0.69, 0.0]], dtype)], np.asarray(smallest, dtype), {"reduction": "sum"})
    rounded = np.array([[-smallest / float(p[0, 0]), 0.0]])
    output = np.asarray(Truth.of(case).enclosures["output"].value)
    judge = Truth.of(case).judge
    assert judge(Result(output, {"probabilities": rounded}))["dprobabilities"].passed
    assert not judge(Result(output, {"probabilities": 3 * rounded}))["dprobabilities"].passed


@pytest.mark.parametrize("op", ["cross_entropy", "softmax_cross_entropy"])
def test_the_terms_of_a_loss_may_each_be_stored_below_the_normal_range(op):
    """Found by a campaign: frameworks store y log p of each class in float16, where it may be subnormal."""
    first = np.full((1, 13), 0.999) if op == "cross_entropy" else np.array([[9.0] + [0.0] * 12])
    log = np.log(first) if op == "cross_entropy" else first - np.log(np.exp(first).sum())
    y = np.array([[0.037] + [0.00961 if op == "cross_entropy" else 6e-6] * 12])
    case = Case(op, [first.astype(np.float16), y.astype(np.float16)], np.float16(1), {"reduction": "sum"})
    bound, wide = bounds(case)["output"], bounds(Case(op, [first, y], 1.0, {"reduction": "sum"}))["output"]
    assert (-y * log).max() < 2.0**-14
    assert bound > 13 * 2.0**-25 + wide


def test_the_terms_of_all_samples_may_be_added_one_by_one():
    """Found by a campaign: XLA adds what a mean is taken of in one loop over samples and classes."""
    rng = np.random.default_rng(0)
    p, y = rng.uniform(0.1, 1, (300, 40)).astype(np.float32), rng.uniform(0.1, 1, (300, 40)).astype(np.float32)
    p[0, 0] = 1e-37
    case = Case("cross_entropy", [p, y], np.float32(1), {"reduction": "sum"})
    terms = (-y * np.log(p)).astype(np.float32).ravel()
    one_by_one = np.add.accumulate(terms, dtype=np.float32)[-1]
    comparison = Truth.of(case).judge(Result(np.asarray(one_by_one), load("exact").vjp(case).gradients))["output"]
    assert comparison.passed
    assert bounds(case)["output"] > 2.0**-24 * terms.size * terms.sum()
