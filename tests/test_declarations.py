"""The ops that are declared and no more: their forms, every source within the derived bounds, and what is outside."""

import inspect
from pathlib import Path

import numpy as np
import pytest
from formulations import FORMULATIONS

from benchmarks import declared_margins as margins
from oracles import Case, Layer, available, check_layer
from oracles.calculus.balls import enclose
from oracles.ops import DECLARATIONS, OPS
from oracles.ops.rows.layer_norm import one_pass
from oracles.sources import derived
from oracles.sources.ball_arithmetic import enclosure

ONLY_DECLARED = [name for name in DECLARATIONS if name not in OPS]
CASES = 60  # drawn


@pytest.mark.parametrize("op", ONLY_DECLARED)
def test_a_declaration_is_a_page(op):
    file = inspect.getsourcefile(DECLARATIONS[op].definition)
    assert len(Path(file).read_text(encoding="utf-8").splitlines()) <= 60


@pytest.mark.parametrize("op", ONLY_DECLARED)
def test_every_form_is_the_same_function(op):
    for case in margins.cases(DECLARATIONS[op], "float64", 4, seed=1):
        forms = derived.forms_of(case)
        in_balls = enclose(forms.programs[1], derived.arrays_of(case), 300)
        cancelled = 2.0**-250 * np.max(np.abs(case.cotangent), initial=0.0)
        for results in forms.others:
            for name, number in results.items():
                balls, right = in_balls[number], in_balls[forms.definition[name]]
                gaps = enclosure(list(np.ravel(balls - right)), balls.shape)
                size = np.abs(enclosure(list(right.ravel()), balls.shape).value)
                # literals such as sqrt(1/2) are float64's, and every step may carry their rounding
                off = gaps.error_of(np.zeros(balls.shape))
                near = off <= 2.0**-40 * (size + np.max(size, initial=0.0)) + 1e-290 + cancelled
                assert (near | ~np.isfinite(size)).all(), f"{name} of {case}: {off} of {size}"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("op", ONLY_DECLARED)
def test_all_sources_and_four_right_formulations_are_within_the_derived_bounds(op, dtype):
    """benchmarks/declared_margins.py does the same on any number of cases."""
    sources = margins.sources_of(op, formulations=True)
    assert len(sources) == len(FORMULATIONS.get(op, ())) + len([name for name in available() if name != "exact"])
    tally = margins.measured(op, dtype, CASES, 2, sources)
    for known_op, source, known_dtype in margins.KNOWN:
        if (known_op, known_dtype) == (op, dtype):
            del tally.over[source]
    assert not +tally.over, [(key, margin, case) for key, (margin, case) in tally.worst.items() if margin > 1]
    assert all(tally.judged[name] for name in sources if name != "finite_difference")


def test_a_one_pass_variance_is_outside_where_the_mean_is_large():
    """On data of mean 1000 and deviation 1 it is off by more than the bound; at mean 0 it is not."""
    rng = np.random.default_rng(0)
    weight, bias = np.ones(64, np.float32), np.zeros(64, np.float32)
    for offset, right in ((0, True), (1000, False)):
        inputs = (rng.standard_normal((4, 64)) + offset).astype(np.float32)
        case = Case(DECLARATIONS["layer_norm"], [inputs, weight, bias], np.ones((4, 64), np.float32))
        found = one_pass(np, inputs, weight, bias, eps=np.float32(1e-5))
        error = derived.enclose(case, precision=160)["output"].error_of(found.astype(float))
        assert (error <= derived.bounds(case)["output"]).all() == right


def test_the_ops_of_the_first_declarations_have_four_right_formulations():
    first = ("gelu", "layer_norm", "rms_norm", "log_softmax", "bce_with_logits", "swiglu", "attention")
    assert {len(FORMULATIONS[op]) for op in first} == {4}


def one_pass_norm(x, weight, bias, *, eps):
    mean = x.mean(axis=-1, keepdims=True)
    variance = np.maximum((x * x).mean(axis=-1, keepdims=True) - mean * mean, 0)
    return (x - mean) / np.sqrt(variance + x.dtype.type(eps)) * weight + bias


def unshifted(x):
    return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))


@pytest.mark.parametrize(
    ("op", "forward", "name"),
    [
        ("layer_norm", one_pass_norm, "one-pass variance"),
        ("log_softmax", unshifted, "exp without the maximum subtracted"),
    ],
)
def test_what_fits_an_outside_form_alone_is_wrong_and_named(op, forward, name):
    _, right, vjp = FORMULATIONS[op][0]
    settings = {"dtypes": ["float32"], "oracles": ["exact"], "max_examples": 12, "seed": 1}
    report = check_layer(Layer(op, forward=forward, vjp=vjp), **settings)
    assert {v.cause for v in report.failures} == {f"output: {name}: within its bounds, and not within the op's"}

    def slightly_off(*primals, **options):
        return right(*primals, **options) * np.float32(1.01)

    other = check_layer(Layer(op, forward=slightly_off, vjp=vjp), **settings)
    assert other.failures
    assert not any(name in v.cause for v in other.failures), [v.cause for v in other.failures]
