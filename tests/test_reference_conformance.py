"""The reference is the kit's first user: every claim on every op, as functions and as the book's classes."""

import pytest
from hypothesis import given, settings

import reference
from oracles import Layer, parametrize_with_checks
from oracles.candidates.layer import TARGETS, reference_layer
from oracles.candidates.run import run
from oracles.cases.generation import DTYPES, cases
from oracles.ops import OPS

EXAMPLES = settings.default.max_examples  # of the active profile, as for every other test
CLASSES = {
    "dense": reference.Dense,
    "relu": reference.ReLU,
    "softmax": reference.Softmax,
    "cross_entropy": reference.CategoricalCrossEntropy,
    "softmax_cross_entropy": reference.SoftmaxCrossEntropy,
}


@parametrize_with_checks([reference_layer(op) for op in OPS], dtypes=DTYPES, max_examples=EXAMPLES)
def test_functions(check):
    check()


@parametrize_with_checks([Layer.from_class(op, CLASSES[op], targets=TARGETS) for op in OPS], max_examples=EXAMPLES)
def test_classes(check):
    check()


# the kit lets a layer be wider than its primals; the reference is not
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", OPS)
def test_gradients_have_the_shape_and_dtype_of_their_primals(op, dtype):
    @given(cases(op, dtype))
    def holds(case):
        result = run(reference_layer(op), case)
        assert result.output.shape == case.cotangent.shape
        assert result.output.dtype == case.dtype
        for name, gradient in result.gradients.items():
            assert gradient.shape == case.primals[name].shape
            assert gradient.dtype == case.primals[name].dtype

    holds()
