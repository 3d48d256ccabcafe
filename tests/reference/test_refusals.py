"""What no op can take is refused by name, in full: for every public function and class, argument by argument."""

import numpy as np
import pytest

import reference
from reference import InputError, nnfs

X, G, W, B = np.ones((2, 3)), np.ones((2, 4)), np.ones((3, 4)), np.ones((1, 4))
IDS, ROW = np.array([0, 1]), np.ones(3)
COMPLEX = np.array([1j])
NUMBERS = "expected float16, bfloat16, float32, float64 or integers, got dtype complex128 in array([0.+1.j])"
PREDICTED = {"targets": IDS, "reduction": "mean"}

FUNCTIONS = {
    "dense": {"inputs": X, "weights": W, "biases": B},
    "dense_vjp": {"cotangent": G, "inputs": X, "weights": W, "biases": B},
    "relu": {"inputs": X},
    "relu_vjp": {"cotangent": X, "inputs": X},
    "softmax": {"inputs": X},
    "softmax_vjp": {"cotangent": X, "inputs": X},
    "cross_entropy": {"probabilities": X, **PREDICTED},
    "cross_entropy_vjp": {"cotangent": 1.0, "probabilities": X, **PREDICTED},
    "softmax_cross_entropy": {"logits": X, **PREDICTED},
    "softmax_cross_entropy_vjp": {"cotangent": 1.0, "logits": X, **PREDICTED},
    "squared_error": {"predictions": X, "targets": X},
    "squared_error_vjp": {"cotangent": 1.0, "predictions": X, "targets": X},
    "neuron": {"inputs": ROW, "weights": ROW, "bias": 1.0},
    "neuron_vjp": {"cotangent": 1.0, "inputs": ROW, "weights": ROW, "bias": 1.0},
}
ARGUMENTS = [(f, a) for f, arguments in FUNCTIONS.items() for a in arguments if a != "reduction"]


def call(function, **changed):
    return getattr(reference, function)(**{**FUNCTIONS[function], **changed})


def said(refused):
    with pytest.raises(InputError) as caught:
        refused()
    return str(caught.value)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_is_right_is_taken(function):
    call(function)


@pytest.mark.parametrize(("function", "argument"), ARGUMENTS)
def test_no_real_numbers(function, argument):
    losses = ("cross_entropy" in function) and argument == "targets"
    expected = "expected numbers, got dtype complex128 in array([0.+1.j])" if losses else NUMBERS
    assert said(lambda: call(function, **{argument: COMPLEX})) == f"{argument}: {expected}"


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda: call("dense", inputs=ROW), "inputs: expected 2 dimensions, got shape (3,) in array([1., 1., 1.])"),
        (lambda: call("dense", weights=ROW), "weights: expected 2 dimensions, got shape (3,) in array([1., 1., 1.])"),
        (
            lambda: call("dense", inputs=np.ones((1, 5))),
            "inputs: expected 3 columns (rows of weights (3, 4)), got shape (1, 5)",
        ),
        (
            lambda: call("dense", biases=[[1.0, 2.0]]),
            "biases: expected shape (1, 4) (one row, a bias a neuron), got (1, 2) in array([[1., 2.]])",
        ),
        (lambda: call("relu_vjp", cotangent=ROW), "cotangent: expected shape (2, 3) (that of the inputs), got (3,)"),
        (lambda: call("softmax_vjp", cotangent=ROW), "cotangent: expected shape (2, 3) (that of the inputs), got (3,)"),
        (lambda: call("softmax", inputs=1.0), "inputs: expected at least 1 dimension, got the scalar 1.0"),
        (
            lambda: call("cross_entropy", targets=[[1.0]]),
            "targets: expected shape (2, 3) (a weight a sample and class), got (1, 1) in array([[1.]])",
        ),
        (
            lambda: call("cross_entropy", targets=[1]),
            "targets: expected shape (2,) (a class id a sample; rows of weights have two dimensions), got (1,) in "
            "array([1])",
        ),
        (
            lambda: call("cross_entropy", targets=[0.5, 1.5]),
            "targets: class ids must be integers, got dtype float64 in array([0.5, 1.5])",
        ),
        (
            lambda: call("cross_entropy_vjp", cotangent=[1.0]),
            "cotangent: expected shape () (a scalar loss), got (1,) in array([1.])",
        ),
        (
            lambda: call("cross_entropy_vjp", reduction="none"),
            'cotangent: expected shape (2,) (one a sample for "none"), got () in array(1.)',
        ),
        (
            lambda: call("squared_error_vjp", cotangent=[1.0], reduction="none"),
            "cotangent: expected shape (2, 3) (that of the predictions), got (1,) in array([1.])",
        ),
    ],
)
def test_the_whole_message(refused, message):
    assert said(refused).startswith(message)


@pytest.mark.parametrize("clip", [0.0, 0.5, -1e-7, 1, "x", [1e-7], np.nan])
def test_a_clip_that_is_none(clip):
    for function in ("cross_entropy", "cross_entropy_vjp"):
        message = said(lambda f=function: call(f, clip=clip))
        assert message == f"clip: expected a number between 0 and 0.5, got {clip!r}"


@pytest.mark.parametrize("step", [0, -1.0, [1e-3], "x", np.array([1e-3, 1e-3])])
def test_a_step_that_is_none(step):
    assert said(lambda: reference.numerical_gradient(np.sum, X, step=step)).startswith(
        "step: expected a positive number"
    )


def test_the_arguments_of_a_numerical_gradient():
    assert said(lambda: reference.numerical_gradient(np.sum, COMPLEX)) == f"x: {NUMBERS}"
    message = said(lambda: reference.numerical_gradient(lambda x: x, X))
    assert message.startswith("f: expected a scalar, got shape (2, 3) in array([[")


LAYERS = {"Dense": (3, 4), "ReLU": (), "Softmax": ()}


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_names_its_arguments_and_the_pass_that_is_missing(layer):
    made = getattr(reference, layer)(*LAYERS[layer])
    assert said(lambda: made.backward(X)) == f"{layer}.backward: call forward first"
    assert said(lambda: made.forward(COMPLEX)) == f"inputs: {NUMBERS}"
    made.forward(X)
    assert said(lambda: made.backward(COMPLEX)) == f"cotangent: {NUMBERS}"


@pytest.mark.parametrize(
    ("loss", "name"), [("SoftmaxCrossEntropy", "logits"), ("CategoricalCrossEntropy", "probabilities")]
)
def test_a_loss_names_its_arguments(loss, name):
    made = getattr(reference, loss)()
    assert said(lambda: made.forward(COMPLEX, IDS)) == f"{name}: {NUMBERS}"
    assert said(lambda: made.backward(COMPLEX, IDS)) == f"dvalues: {NUMBERS}"


def test_losses_that_are_none():
    class Wrong(reference.Loss):
        def forward(self, y_pred, y_true):
            return COMPLEX

    assert said(lambda: Wrong().calculate(X, IDS)) == f"losses: {NUMBERS}"
    with pytest.raises(NotImplementedError, match=r"^Loss\.forward: a loss defines the losses of its samples$"):
        reference.Loss().calculate(X, IDS)


def test_the_book_s_names_say_inputs():
    message = said(lambda: nnfs.Activation_Softmax_Loss_CategoricalCrossentropy().forward(COMPLEX, IDS))
    assert message == f"inputs: {NUMBERS}"


@pytest.mark.parametrize(("size", "which"), [(0, "n_inputs"), (-1, "n_neurons"), (1.5, "n_inputs"), ([3], "n_neurons")])
def test_a_dense_layer_of_no_size(size, which):
    sizes = {"n_inputs": 3, "n_neurons": 4, which: size}
    assert said(lambda: reference.Dense(**sizes)).startswith(f"{which}: expected a positive integer, got {size!r}")


def test_the_smallest_dense_layer_and_a_dtype_that_is_none():
    assert reference.Dense(1, 1).forward([[2.0]]).shape == (1, 1)
    for dtype in (np.float32, "float16"):
        made = reference.Dense(2, 3, dtype=dtype)
        assert made.weights.dtype == made.biases.dtype == np.dtype(dtype)
    for dtype in ("int8", "complex64", "object", "V8"):
        message = f"dtype: expected one of float16, bfloat16, float32, float64, got {dtype!r}"
        assert said(lambda d=dtype: reference.Dense(1, 1, dtype=d)) == message


def test_a_dense_layer_whose_biases_were_replaced_by_no_row():
    made = reference.Dense(3, 4)
    made.forward(X)
    made.biases = np.ones(3)
    assert said(lambda: made.backward(G)).startswith(
        "biases: expected shape (1, 4) (one row, a bias a neuron), got (3,)"
    )


def test_half_precisions_that_have_no_common_dtype():
    import ml_dtypes

    half = {"cotangent": G, "inputs": X, "weights": W}
    for odd in half:
        mixed = {k: a.astype(ml_dtypes.bfloat16 if k == odd else np.float16) for k, a in half.items()}
        expected = ", ".join(f"{k} {a.dtype}" for k, a in mixed.items())
        message = said(lambda m=mixed: call("dense_vjp", **m, biases=B.astype(np.float16)))
        assert message == f"no common dtype for {expected}: convert one of them"
    mixed = {"inputs": X.astype(np.float16), "weights": W.astype(np.float16), "biases": B.astype(ml_dtypes.bfloat16)}
    message = "no common dtype for inputs float16, weights float16, biases bfloat16: convert one of them"
    assert said(lambda: call("dense", **mixed)) == message


def test_the_cotangent_of_unreduced_squares():
    assert said(lambda: call("squared_error_vjp", cotangent=COMPLEX, reduction="none")) == f"cotangent: {NUMBERS}"


def test_a_network_says_what_is_missing():
    loss = reference.SoftmaxCrossEntropy()
    assert said(lambda: reference.Network([], loss)) == "layers: expected at least one layer, got []"
    made = reference.Network([reference.Dense(3, 4)], loss)
    assert said(lambda: made.loss(IDS)) == "Network.loss: call forward first"
    assert said(lambda: made.backward(IDS)) == "Network.backward: call forward first"
    assert said(lambda: reference.sgd_step(made.layers, 0.1)) == "sgd_step: call backward first"


def test_what_cannot_be_shown_is_said_by_its_type():
    class Hidden:
        def __repr__(self):
            raise RuntimeError

    from reference._arrays import shown

    assert shown(Hidden()) == "a Hidden"
    assert shown("a\n b") == repr("a\n b")
    assert shown(np.ones((2, 2))) == "array([[1., 1.], [1., 1.]])"
    assert shown("x" * 58) == repr("x" * 58)
    assert shown("x" * 59) == repr("x" * 59)[:57] + "..."


def test_what_is_no_plain_array_is_shown():
    masked = np.ma.masked_array([[1.0, 2.0]], [[True, False]])
    expected = "inputs: expected a plain array, got a masked one, whose mask would be ignored: masked_array("
    assert said(lambda: reference.relu(masked)).startswith(expected)
    assert said(lambda: reference.relu([[1.0], [1.0, 2.0]])).startswith(
        "inputs: expected an array of numbers, got [[1.0], [1.0, 2.0]] ("
    )


@pytest.mark.parametrize("dtype", [">f2", ">f4", ">f8"])
def test_arrays_of_another_byte_order_keep_their_precision(dtype):
    x = np.array([[1.5, -2.0]]).astype(dtype)
    assert reference.relu(x).dtype == x.dtype.newbyteorder("=")
    assert reference.relu(x).tolist() == [[1.5, 0.0]]
