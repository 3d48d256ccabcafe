import numpy as np
import pytest

from reference import Dense, InputError, dense, dense_vjp


def test_shapes_of_an_empty_batch():
    gradients = dense_vjp(np.zeros((0, 2)), np.zeros((0, 3)), np.ones((3, 2)))
    assert [g.shape for g in gradients] == [(0, 3), (3, 2), (1, 2)]
    assert not gradients.dweights.any()
    assert not gradients.dbiases.any()


def test_no_input_features_leaves_the_biases():
    assert (dense(np.zeros((2, 0)), np.zeros((0, 3)), [[1.0, 2, 3]]) == [[1, 2, 3], [1, 2, 3]]).all()


def test_integers_become_float64():
    assert dense([[1, 2]], [[3], [4]], [[5]]).dtype == np.float64
    assert dense([[1, 2]], [[3], [4]], [[5]]) == 16


def test_dtypes_of_gradients_are_those_of_their_primals():
    gradients = dense_vjp(np.ones((1, 1)), np.ones((1, 2), np.float32), np.ones((2, 1)), np.ones((1, 1), np.float16))
    assert [g.dtype for g in gradients] == [np.float32, np.float64, np.float16]


def test_half_precision_sums_in_float32():
    ones = np.ones((4096, 1), np.float16)  # a float16 sum of ones stops at 2048
    assert dense_vjp(ones, ones, np.ones((1, 1), np.float16)).dbiases == 4096


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dense([1.0], [[1.0]], [[1.0]]), "inputs: expected 2 dimensions, got shape (1,)"),
        (lambda: dense([[1.0, 2.0]], [[1.0]], [[1.0]]), "inputs: expected 1 columns"),
        (lambda: dense([[1.0]], [[1.0]], [1.0]), "biases: expected shape (1, 1)"),
        (lambda: dense([[1.0]], [[1.0]], [[1.0, 2.0]]), "biases: expected shape (1, 1)"),
        (lambda: dense_vjp([[1.0, 2.0]], [[1.0]], [[1.0]]), "cotangent: expected shape (1, 1) (samples, neurons)"),
        (lambda: dense([["a"]], [[1.0]], [[1.0]]), "inputs: expected float16, bfloat16"),
        (lambda: dense([[1.0], [1.0, 2.0]], [[1.0]], [[1.0]]), "inputs: expected an array of numbers"),
        (lambda: dense(np.array([[object()]]), [[1.0]], [[1.0]]), "got dtype object"),
        (lambda: dense([[1j]], [[1.0]], [[1.0]]), "got dtype complex128"),
        (lambda: Dense(0, 3), "n_inputs: expected a positive integer, got 0"),
        (lambda: Dense(2, 2.5), "n_neurons: expected a positive integer, got 2.5"),
        (lambda: Dense([3], 2), "n_inputs: expected a positive integer, got [3]"),
        (lambda: Dense(3, 2, dtype=int), "dtype: expected one of float16, bfloat16, float32, float64"),
        (lambda: Dense(2, 3).backward([[1.0]]), "Dense.backward: call forward first"),
    ],
)
def test_bad_input_is_named_and_shown(call, message):
    with pytest.raises(InputError) as caught:
        call()
    assert message in str(caught.value)


def test_float16_and_bfloat16_do_not_mix():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    with pytest.raises(InputError, match="no common dtype for inputs float16, weights bfloat16"):
        dense(np.ones((1, 1), np.float16), np.ones((1, 1), ml_dtypes.bfloat16), np.ones((1, 1), np.float16))


def test_layer_keeps_its_parameters_and_its_callers_arrays():
    layer = Dense(4, 3, rng=0)
    weights, biases = layer.weights.copy(), layer.biases.copy()
    inputs, dvalues = np.arange(8.0).reshape(2, 4), np.array([[1.0, -2, 3], [0, 5, -6]])
    given = inputs.copy(), dvalues.copy()
    output = layer.forward(inputs)
    returned = layer.backward(dvalues)
    assert output is layer.output
    assert returned is layer.dinputs
    assert (layer.weights == weights).all()
    assert (layer.biases == biases).all()
    assert (inputs == given[0]).all()
    assert (dvalues == given[1]).all()
    assert layer.dbiases.shape == (1, 3)
    for name in ("output", "dinputs", "dweights", "dbiases"):
        for other in (inputs, dvalues, layer.weights, layer.biases):
            assert not np.shares_memory(getattr(layer, name), other)


def test_the_seed_decides_the_weights():
    assert (Dense(4, 3, rng=0).weights == Dense(4, 3, rng=0).weights).all()
    assert (Dense(4, 3, rng=0).weights != Dense(4, 3, rng=1).weights).any()
    assert Dense(4, 3, rng=0, dtype=np.float32).weights.dtype == np.float32


def test_a_second_backward_replaces_the_first():
    layer = Dense(2, 2, rng=0)
    layer.forward(np.eye(2))
    first = layer.backward(np.eye(2)).copy()
    layer.backward(np.ones((2, 2)))
    assert (layer.backward(np.eye(2)) == first).all()
    layer.forward(np.ones((5, 2)))  # another batch size
    assert layer.backward(np.ones((5, 2))).shape == (5, 2)
