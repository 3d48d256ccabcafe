"""Dtypes and warnings, for every public function: results are of the dtype they were asked in, and nothing warns."""

import warnings

import ml_dtypes
import numpy as np
import pytest

import reference

DTYPES = [np.float16, ml_dtypes.bfloat16, np.float32, np.float64]
ROWS = np.array([[0.0, 1.0, 0.0], [0.25, 0.5, 0.25]])


def calls(dtype, scale=1.0):
    """Every function on a small case of that dtype, by name."""

    def a(*values):
        return np.array(values, np.float64).astype(dtype)

    x, w, b, g = (
        a([1, 2, -3], [0.5, -1, 2]) * dtype(scale),
        a([1, 2], [3, 4], [-1, 0.5]),
        a([0.5, -0.5]),
        a([1, 2], [3, -4]),
    )
    p, wide = a([0.25, 0.5, 0.25], [0.125, 0.75, 0.125]), a([1, 2, 4], [-1, 0.5, 3]) * dtype(scale)
    found = {
        "dense": lambda: reference.dense(x, w, b),
        "dense_vjp": lambda: reference.dense_vjp(g, x, w, b),
        "relu": lambda: reference.relu(x),
        "relu_vjp": lambda: reference.relu_vjp(wide, x),
        "softmax": lambda: reference.softmax(x),
        "softmax_vjp": lambda: reference.softmax_vjp(wide, x),
        "squared_error_vjp": lambda: reference.squared_error_vjp(dtype(1), x, wide),
        "squared_error_vjp none": lambda: reference.squared_error_vjp(wide, x, x, "none"),
        "SoftmaxCrossEntropy": lambda: _both(reference.SoftmaxCrossEntropy(), x),
        "CategoricalCrossEntropy": lambda: _both(reference.CategoricalCrossEntropy(), p),
        "calculate": lambda: reference.CategoricalCrossEntropy().calculate(p, [0, 1]),
    }
    for reduction in ("mean", "sum", "none"):
        one = dtype(1.5) if reduction != "none" else a(1.5, -2)
        found[f"squared_error {reduction}"] = lambda r=reduction: reference.squared_error(x, wide, r)
        for name, targets in (
            ("ids", np.array([2, 0])),
            ("rows", ROWS.astype(np.float64)),
            ("soft", ROWS.astype(np.float32)),
        ):
            for op, values in (("cross_entropy", p), ("softmax_cross_entropy", x)):
                forward, vjp = getattr(reference, op), getattr(reference, f"{op}_vjp")
                found[f"{op} {reduction} {name}"] = lambda f=forward, v=values, t=targets, r=reduction: f(v, t, r)
                found[f"{op}_vjp {reduction} {name}"] = lambda f=vjp, v=values, t=targets, r=reduction, o=one: f(
                    o, v, t, r
                )
    return found


def _both(layer, predictions):
    loss = layer.forward(predictions, [0, 1])
    return loss, layer.backward(getattr(layer, "output", predictions), [0, 1])


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
@pytest.mark.parametrize("name", calls(np.float64))
def test_results_are_of_the_dtype_of_the_inputs(name, dtype):
    result = calls(dtype)[name]()
    for array in result if isinstance(result, tuple) else (result,):
        assert array.dtype == np.dtype(dtype)


@pytest.mark.parametrize("name", calls(np.float64))
def test_what_overflows_or_is_not_a_number_does_so_in_silence(name):
    for scale in (1e307, np.inf, np.nan, 5e-324):
        with np.errstate(all="ignore"):
            call = calls(np.float64, scale)[name]
        with warnings.catch_warnings(), np.errstate(all="warn"):
            warnings.simplefilter("error")
            call()


def test_the_single_neuron_and_differences_are_silent_too():
    with warnings.catch_warnings(), np.errstate(all="warn"):
        warnings.simplefilter("error")
        reference.neuron([1e308, 1e308], [2.0, -3.0], np.inf)
        reference.neuron_vjp(1e308, [1e308, 1e308], [2.0, -3.0], 1.0)
        reference.numerical_gradient(lambda x: 1.7e308 if x[0] > 1 else -1.7e308, [1.0])


def test_float32_labels_and_float64_labels_are_the_same_where_float32_holds_them():
    logits = np.array([[1.0, 2.0, 4.0], [-1.0, 0.5, 3.0]], np.float32)
    for f in (reference.softmax_cross_entropy, lambda x, y: reference.softmax_cross_entropy_vjp(1.0, x, y)):
        assert (f(logits, ROWS) == f(logits, ROWS.astype(np.float32))).all()
    p = reference.softmax(logits)
    for f in (reference.cross_entropy, lambda x, y: reference.cross_entropy_vjp(1.0, x, y)):
        assert (f(p, ROWS) == f(p, ROWS.astype(np.float32))).all()


def test_labels_of_float64_are_rounded_to_the_predictions_float32_before_they_are_used():
    third = np.full((1, 3), 1 / 3)
    logits = np.array([[1.0, 2.0, 4.0]], np.float32)
    rounded = third.astype(np.float32)
    assert (reference.softmax_cross_entropy(logits, third) == reference.softmax_cross_entropy(logits, rounded)).all()
    assert (
        reference.softmax_cross_entropy_vjp(1.0, logits, third)
        == reference.softmax_cross_entropy_vjp(1.0, logits, rounded)
    ).all()


def test_a_row_of_weights_is_summed_over_all_its_classes():
    x = np.array([[0.0, np.log(3.0)]])
    loss = float(reference.softmax_cross_entropy(x, [[1.0, 1.0]], "sum"))
    assert abs(loss - (2 * np.log(4.0) - np.log(3.0))) < 1e-15


def test_a_clip_reaches_every_pass_of_the_class():
    p, y = np.array([[1e-9, 1 - 1e-9]]), [0]
    clipped, plain = reference.CategoricalCrossEntropy(clip=1e-3), reference.CategoricalCrossEntropy()
    assert clipped.forward(p, y) == -np.log(1e-3)
    assert clipped.backward(p, y)[0, 0] == 0
    assert plain.forward(p, y) > clipped.forward(p, y)
    assert plain.backward(p, y)[0, 0] < -1e8
    assert reference.CategoricalCrossEntropy(clip=0.25).forward(np.array([[0.1, 0.9]]), [1]) == -np.log(0.75)


def test_a_clip_is_rounded_to_the_dtype_of_the_predictions():
    p = np.zeros((1, 2), np.float16)
    assert reference.cross_entropy(p, [0], "none", clip=1e-3) == np.float16(-np.log(np.float32(np.float16(1e-3))))


def test_a_step_is_the_step():
    seen = []
    reference.numerical_gradient(lambda x: seen.append(float(x[0])) or 0.0, [4.0], step=0.5)
    assert sorted(set(seen)) == [3.5, 4.5]
    seen.clear()
    reference.numerical_gradient(lambda x: seen.append(float(x[0])) or 0.0, [0.5])
    assert max(seen) - 0.5 < 1e-5
    assert reference.numerical_gradient(lambda x: x.reshape(1, 1) ** 2, np.float32(3), step=1).dtype == np.float64


def test_a_network_keeps_what_it_scored():
    network = reference.Network([reference.Dense(2, 3, rng=0)], reference.SoftmaxCrossEntropy())
    x, y = np.ones((2, 2)), [0, 2]
    network.forward(x)
    network.loss(y)
    counted = []
    scored = network.loss_layer.forward
    network.loss_layer.forward = lambda *a: counted.append(a) or scored(*a)
    network.backward(y)
    assert counted == []  # the loss is not taken again
    assert network.dinputs.shape == x.shape
    network.forward(2 * x)
    network.backward(y)
    assert len(counted) == 1  # it was of another pass


def test_the_book_s_fused_loss_clips():
    from reference import nnfs

    loss = nnfs.Activation_Softmax_Loss_CategoricalCrossentropy().forward(np.array([[0.0, 1000.0]]), np.array([0]))
    assert loss == -np.log(1e-7)


def bits(a):
    return np.asarray(a).tobytes()


def test_float32_is_computed_in_float32():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((300, 3), dtype=np.float32), rng.integers(0, 3, 300)
    rows = np.arange(300)
    g = np.float32(1.5) / np.float32(300)
    s = reference.softmax(x)
    expected = s * g
    expected[rows, y] = (s[rows, y] - 1) * g
    assert bits(reference.softmax_cross_entropy_vjp(np.float32(1.5), x, y)) == bits(expected)
    top = x.max(axis=1, keepdims=True)
    losses = np.log(np.add.reduce(np.exp(x - top), axis=1)) - (x[rows, y] - top[:, 0])
    assert losses.dtype == np.float32
    mean = np.add.reduce(losses) / np.float32(300)
    assert bits(reference.softmax_cross_entropy(x, y)) == bits(mean)
    layer = reference.SoftmaxCrossEntropy()
    assert bits(layer.forward(x, y)) == bits(mean)
    unit = np.float32(1) / np.float32(300)
    expected = s * unit
    expected[rows, y] = (s[rows, y] - 1) * unit
    assert bits(layer.backward(layer.output, y)) == bits(expected)
    expected = np.zeros_like(s)
    expected[rows, y] = -(g / s[rows, y])
    assert bits(reference.cross_entropy_vjp(np.float32(1.5), s, y)) == bits(expected)
    other = rng.standard_normal((300, 3), dtype=np.float32)
    share = np.float32(1.5) / np.float32(900)
    assert bits(reference.squared_error_vjp(np.float32(1.5), x, other)) == bits(2 * (x - other) * share)
    third = np.full((300, 3), 1 / 3)
    weights = third.astype(np.float32)
    expected = -(weights * np.log(s)).sum(axis=1)
    assert bits(reference.cross_entropy(s, third, "none")) == bits(expected)
    assert bits(reference.cross_entropy_vjp(np.float32(1.5), s, third)) == bits(-(weights * g) / s)


def test_a_clip_is_that_of_the_dtype():
    bfloat16 = ml_dtypes.bfloat16
    clip = 0.14016949152542374  # its logarithm, and that of the bfloat16 beside it, round differently
    p = np.zeros((1, 2), bfloat16)
    assert reference.cross_entropy(p, [0], "none", clip=clip) == bfloat16(-np.log(np.float32(bfloat16(clip))))
    assert reference.cross_entropy(p, [0], "none", clip=clip) != bfloat16(-np.log(np.float32(clip)))
    edge = np.array([[0.1, 0.5]], np.float16)  # float16's 0.1 is below 0.1, and is the bound
    assert reference.cross_entropy_vjp(1.0, edge.astype(np.float16), [0], clip=0.1)[0, 0] == np.float16(-1 / edge[0, 0])


def test_one_class_and_no_label_cost_nothing():
    assert reference.softmax_cross_entropy([[5.0]], [[0.0]]) == 0
    assert np.isnan(reference.softmax_cross_entropy([[np.nan]], [[0.0]]))


def test_threads_and_steps_are_silent():
    with warnings.catch_warnings(), np.errstate(all="warn"):
        warnings.simplefilter("error")
        reference.softmax(np.full((300, 1000), np.nan))
        reference.relu_vjp(np.full((600, 1000), 1e308), np.full((600, 1000), np.nan))
        layer = reference.Dense(1, 1)
        layer.forward([[1e308]])
        layer.backward([[1e308]])
        layer.dweights[...] = 1e308
        reference.sgd_step([layer], 1e308)
        reference.neuron_vjp(np.inf, [0.0, 1e308], [2.0, 1e308], 1.0)
        reference.numerical_gradient(lambda x: np.inf, [1.0])


def test_booleans_and_integers_are_float64():
    for dtype in (bool, np.int8, np.uint16, np.int64):
        x = np.array([[0, 1], [1, 1]], dtype)
        assert reference.relu(x).dtype == reference.softmax(x).dtype == np.float64
        assert reference.cross_entropy(np.full((2, 2), 0.5), x).dtype == np.float64
