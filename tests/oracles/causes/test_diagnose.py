"""Causes: named where the numbers show them, "unexplained" where they do not, whatever a candidate is called."""

import re

import numpy as np
import pytest
from mutants.relu import ReLU

from oracles import Layer, check_layer
from oracles.causes.diagnose import UNEXPLAINED
from oracles.reports.bugs import bugs
from reference import (
    cross_entropy,
    cross_entropy_vjp,
    dense,
    dense_vjp,
    relu,
    relu_vjp,
    softmax,
    softmax_cross_entropy,
    softmax_cross_entropy_vjp,
    softmax_vjp,
)


def causes(layer, **options):
    options = {"oracles": ["exact"], "dtypes": ["float64"], "seed": 1, "max_examples": 20} | options
    report = check_layer(layer, **options)
    assert not report.passed
    return {verdict.check: verdict.cause for verdict in report.failures}


def of_dense(change):
    def vjp(g, x, w, b):
        return change(g, x, w, *dense_vjp(g, x, w, b))

    return Layer("dense", forward=dense, vjp=vjp)


def of_softmax(vjp):
    return Layer("softmax", forward=softmax, vjp=vjp, any_rank=True)


def of_loss(change):
    def vjp(g, x, t):
        return change(softmax_cross_entropy_vjp(g, x, t), g, x, t)

    return Layer("softmax_cross_entropy", forward=softmax_cross_entropy, vjp=vjp)


def only_above(n, x, right, wrong):
    return wrong if len(x) > n else right


DENSE = {
    "dbiases: scaled by 1/N": lambda g, x, w, dx, dw, db: (dx, dw, db / max(len(g), 1)),
    "dinputs: scaled by -1": lambda g, x, w, dx, dw, db: (-dx, dw, db),
    "dinputs and dweights and dbiases: scaled by 2": lambda g, x, w, dx, dw, db: (2 * dx, 2 * dw, 2 * db),
    "dweights: scaled by 1 + 1e-06": lambda g, x, w, dx, dw, db: (dx, dw * (1 + 1e-6), db),
    "dweights: scaled by 0.3": lambda g, x, w, dx, dw, db: (dx, dw * 0.3, db),
    "dweights: transposed": lambda g, x, w, dx, dw, db: (
        dx,
        dw.T if dw.shape[0] == dw.shape[1] else dw,
        db,
    ),
    "dweights: all zero in the last row": lambda g, x, w, dx, dw, db: (
        dx,
        np.where(np.arange(len(dw))[:, None] == len(dw) - 1, 0.0, dw),
        db,
    ),
    "dinputs: the cotangent ignored: as if it were all ones": lambda g, x, w, dx, dw, db: (
        np.ones_like(g) @ w.T,
        dw,
        db,
    ),
    "dinputs: rounded to float32": lambda g, x, w, dx, dw, db: (dx.astype(np.float32).astype(np.float64), dw, db),
    "dweights: its operands are rounded to float16": lambda g, x, w, dx, dw, db: (
        dx,
        x.astype(np.float16).astype(g.dtype).T @ g.astype(np.float16).astype(g.dtype),
        db,
    ),
    "dweights: only the last chunk of 32 samples is summed": lambda g, x, w, dx, dw, db: (
        dx,
        dw if not len(x) else x[(len(x) - 1) // 32 * 32 :].T @ g[(len(x) - 1) // 32 * 32 :],
        db,
    ),
    "dbiases: scaled by 3 where N > 100": lambda g, x, w, dx, dw, db: (dx, dw, 3 * db if len(x) > 100 else db),
}


@pytest.mark.parametrize(
    ("expected", "change"),
    [
        (
            r"dbiases: shape \((\d+),\) in the place of \(1, \1\), with the right values",
            lambda g, x, w, dx, dw, db: (dx, dw, db[0]),
        ),
        (
            r"dbiases: shape \((\d+), (\d+)\) in the place of \(1, \2\): it is not summed over the samples",
            lambda g, x, w, dx, dw, db: (dx, dw, g.copy()),
        ),
        (
            r"dweights: shape \((\d+), (\d+)\) in the place of \(\2, \1\): it is transposed",
            lambda g, x, w, dx, dw, db: (dx, dw.T.copy(), db),
        ),
    ],
)
def test_another_shape(expected, change):
    assert re.fullmatch(expected, causes(of_dense(change))["values"])


def test_a_threshold_of_relu_is_not_taken_for_rounding():
    def vjp(g, x):
        return np.where(x > 1e-7, g, 0).astype(g.dtype)

    found = causes(Layer("relu", forward=relu, vjp=vjp, any_rank=True), dtypes=["float32"], max_examples=60)
    assert "rounded" not in " ".join(found.values())


@pytest.mark.parametrize("expected", DENSE)
def test_dense(expected):
    found = causes(of_dense(DENSE[expected]))
    assert expected in found.values()
    assert {cause.partition(": ")[2] for cause in found.values()} == {expected.partition(": ")[2]}


@pytest.mark.parametrize(
    ("expected", "vjp"),
    [
        ("the cotangent, passed through where the input is 0, the kink", lambda g, x: np.where(x >= 0, g, 0.0)),
        ("half the cotangent where the input is 0, the kink", lambda g, x: np.where(x == 0, g / 2, relu_vjp(g, x))),
        ("the cotangent ignored: the derivative 0 or 1 alone", lambda g, x: np.where(x > 0, 1.0, 0.0)),
        ("scaled by -1", lambda g, x: np.where(x > 0, -g, 0.0)),
    ],
)
def test_relu(expected, vjp):
    def quiet(g, x):
        with np.errstate(all="ignore"):
            return vjp(g, x).astype(g.dtype)

    layer = Layer("relu", forward=relu, vjp=quiet, any_rank=True)
    assert causes(layer)["values"] == f"dinputs: {expected}"


@pytest.mark.parametrize(
    ("expected", "vjp"),
    [
        ("the rank-1 term is missing: s (1 - s) g", lambda s, g: s * (1 - s) * g),
        ("the rank-1 term is missing: s g", lambda s, g: s * g),
        ("the cotangent, passed through", lambda s, g: g.copy()),
        ("the formula of log-softmax: g - s sum(g)", lambda s, g: g - s * g.sum(axis=-1, keepdims=True)),
    ],
)
def test_softmax(expected, vjp):
    found = causes(of_softmax(lambda g, x: vjp(softmax(x), g)))
    assert found["values"] == f"dinputs: {expected}"


def test_the_output_is_named_before_what_is_computed_from_it():
    layer = Layer(
        "softmax",
        forward=lambda x: softmax(x) * 1.5,
        vjp=lambda g, x: 1.5 * softmax_vjp(g, x),
        any_rank=True,
    )
    assert causes(layer)["values"] == "output: scaled by 1.5"


@pytest.mark.parametrize(
    ("expected", "change"),
    [
        ("scaled by N", lambda d, g, x, t: d * len(x)),
        ("the one-hot term is missing: s / N", lambda d, g, x, t: softmax(x) * g / max(len(x), 1)),
        ("all zero in samples of class 0", lambda d, g, x, t: np.where(ids(t)[:, None] == 0, 0.0, d)),
    ],
)
def test_losses(expected, change):
    assert causes(of_loss(change))["values"] == f"dlogits: {expected}"


def ids(targets):
    return targets.argmax(axis=1) if targets.ndim == 2 else targets


RANGES = {
    "dweights: clipped to -0.5 .. 0.5": lambda g, x, w, dx, dw, db: (dx, np.clip(dw, -0.5, 0.5), db),
    "dweights: rounded to 4 decimals": lambda g, x, w, dx, dw, db: (dx, np.round(dw, 4), db),
    "dweights: scaled down to a norm of 0.5": lambda g, x, w, dx, dw, db: (
        dx,
        dw / max(1.0, np.linalg.norm(dw) / 0.5),
        db,
    ),
    "dweights: 0.001 times the weights is added, as of a penalty": lambda g, x, w, dx, dw, db: (dx, dw + 1e-3 * w, db),
    "dweights: all zero where weights == 0": lambda g, x, w, dx, dw, db: (dx, np.where(w == 0, 0, dw), db),
    "dinputs: all zero where inputs <= 0": lambda g, x, w, dx, dw, db: (np.where(x <= 0, 0, dx), dw, db),
}


@pytest.mark.parametrize("expected", RANGES)
def test_what_is_changed_by_its_size_or_by_the_value_it_is_of(expected):
    assert causes(of_dense(RANGES[expected]))["values"] == expected


def _columns(dx, g, x, t):
    d = softmax(x)
    d[:, ids(t)] -= 1
    return d * g / max(len(x), 1)


@pytest.mark.parametrize(
    ("expected", "change"),
    [
        ("divided by N - 1", lambda dx, g, x, t: dx * len(x) / max(len(x) - 1, 1)),
        ("divided by N rounded up to a multiple of 4", lambda dx, g, x, t: dx * len(x) / max(-(-len(x) // 4) * 4, 1)),
        ("divided by 32, whatever N is", lambda dx, g, x, t: dx * len(x) / 32),
        ("all zero in samples of class 2", lambda dx, g, x, t: np.where(ids(t)[:, None] == 2, 0, dx)),
        ("the one-hot of every sample is subtracted from every row", _columns),
    ],
)
def test_losses_by_what_they_count_and_whom_they_leave_out(expected, change):
    assert causes(of_loss(change))["values"] == f"dlogits: {expected}"


@pytest.mark.parametrize(
    "change",
    [
        lambda dx: np.where(np.isnan(dx), 0, dx),
        lambda dx: 0 * np.nan_to_num(dx) if np.isnan(dx).any() else dx,
    ],
    ids=["each", "all"],
)
def test_nan_that_is_hidden(change):
    """Whether the other elements are zero too the runs may not show."""
    layer = of_softmax(lambda g, x: change(softmax_vjp(g, x)))
    found = causes(layer, max_examples=60)["special_values"]
    assert found == "dinputs: NaN is hidden: 0 in its place"


def test_the_softmax_of_other_inputs():
    layer = Layer("softmax", forward=lambda x: softmax(x * 0.99), vjp=softmax_vjp)
    assert causes(layer)["values"] == "output: the softmax of the inputs times 0.99"


class OnTheClass(ReLU):
    def forward(self, inputs):
        type(self).last = inputs
        return super().forward(inputs)

    def backward(self, dvalues):
        self.inputs = type(self).last
        super().backward(dvalues)


class KeepsItsMask(ReLU):
    mask = np.zeros(0)

    def forward(self, inputs):
        if self.mask.shape != inputs.shape:
            self.mask = inputs > 0
        return super().forward(inputs)

    def backward(self, dvalues):
        self.dinputs = np.where(self.mask, dvalues, np.zeros_like(dvalues))


class OverwritesItsOutput(ReLU):
    def backward(self, dvalues):
        super().backward(dvalues)
        self.output *= 2


@pytest.mark.parametrize(
    ("make", "check", "said"),
    [
        (OnTheClass, "stateless", "dinputs: instances share memory: a forward pass of another one changes it"),
        (KeepsItsMask, "stateless", "dinputs: uses the inputs of an earlier call"),
        (OverwritesItsOutput, "values", "backward overwrote the output of forward"),
    ],
)
def test_what_a_pass_does_beside_its_result(make, check, said):
    assert causes(Layer.from_class("relu", make))[check] == said


def test_parameters_that_a_step_of_the_optimiser_replaces():
    class Trains:
        def __init__(self, *shape):
            self.weights, self.biases = np.zeros(shape), np.zeros((1, shape[1]))

        def forward(self, inputs):
            self.inputs = inputs
            return dense(inputs, self.weights, self.biases)

        def backward(self, dvalues):
            self.dinputs, self.dweights, self.dbiases = dense_vjp(dvalues, self.inputs, self.weights, self.biases)
            self.weights = self.weights - 0.5 * self.dweights

    found = causes(Layer.from_class("dense", Trains))
    assert found == dict.fromkeys(
        ("arguments_untouched", "repeatable", "stateless"), "its parameter weights was replaced"
    )


def test_a_loss_that_raises_needs_no_inputs_stored():
    class SwapsItsIndices:
        def forward(self, logits, targets):
            self.output = softmax(logits)
            return softmax_cross_entropy(logits, targets)

        def backward(self, dvalues, targets):
            self.dinputs = dvalues.copy()
            self.dinputs[ids(targets), np.arange(len(dvalues))] -= 1
            self.dinputs /= len(dvalues)

    layer = Layer.from_class("softmax_cross_entropy", SwapsItsIndices)
    assert set(causes(layer, max_examples=6).values()) <= {UNEXPLAINED, "raised IndexError where N is not C"}


def test_an_attribute_that_backward_reads_and_forward_does_not_set():
    class Forgets:
        def forward(self, inputs):
            return softmax(inputs)

        def backward(self, dvalues):
            self.dinputs = self.output * (dvalues - (self.output * dvalues).sum(axis=-1, keepdims=True))

    found = causes(Layer.from_class("softmax", Forgets), max_examples=6)
    assert set(found.values()) == {"its attribute 'output' is read and was never set"}


def test_what_a_layer_that_raises_computes_elsewhere_is_not_its_cause():
    def change(dx, g, x, t):
        if len(x) and ids(t).max() < x.shape[1] - 1:
            raise ValueError("one-hot labels as wide as the largest one")
        return 2 * dx

    assert causes(of_loss(change))["repeatable"] == "raised ValueError where no sample is of the last class"


def test_zeros_are_not_taken_for_something_small():
    def vjp(g, x):
        dx = softmax_vjp(g, x)
        dx[256:] = 0
        return dx

    found = causes(of_softmax(vjp), dtypes=["float32"])
    assert found == {"sizes": "dinputs: all zero from index 256 on along N"}


def test_what_no_simple_hypothesis_explains_is_not_guessed_at():
    def vjp(g, x, w, dx, dw, db):
        rng = np.random.default_rng(int(abs(dw).sum() * 1000) % 2**32)
        return dx, dw * rng.uniform(0.5, 2, dw.shape), db

    assert set(causes(of_dense(vjp)).values()) == {UNEXPLAINED}


def test_two_faults_in_one_result_are_not_taken_for_one():
    def vjp(g, x, w, dx, dw, db):
        wrong = dw * 2
        if wrong.size > 1:
            wrong[0, 0] = 7.0
        return dx, wrong, db

    assert "scaled by 2" not in causes(of_dense(vjp))["values"]


def test_names_do_not_matter():
    def scaled_by_one_over_n(g, x, w, dx, dw, db):
        return dx, -dw, db

    assert set(causes(of_dense(scaled_by_one_over_n)).values()) == {"dweights: scaled by -1"}


class WithoutBackward:
    def forward(self, inputs):
        return np.maximum(inputs, 0)


class WithoutForward:
    def backward(self, dvalues):
        return dvalues


class NeedsAnArgument(ReLU):
    def __init__(self, slope):
        self.slope = slope


@pytest.mark.parametrize(
    ("op", "candidate", "cause"),
    [
        ("relu", WithoutBackward, "it has no method backward"),
        ("dense", WithoutForward, "it has no method forward"),
        ("dense", NeedsAnArgument, "it cannot be made with the sizes of its weights"),
        ("softmax", WithoutForward, "it has no method forward"),
        ("relu", NeedsAnArgument, "it cannot be made with no arguments"),
    ],
)
def test_what_is_no_layer(op, candidate, cause):
    assert set(causes(Layer.from_class(op, candidate)).values()) == {cause}


@pytest.mark.parametrize("seed", range(6))
def test_a_fault_of_the_output_is_no_cause_where_the_output_is_right(seed):
    def unshifted(x):
        e = np.exp(x)
        return e / e.sum(axis=-1, keepdims=True)

    layer = Layer("softmax", forward=unshifted, vjp=lambda g, x: softmax(x) * (1 - softmax(x)) * g, any_rank=True)
    report = check_layer(layer, oracles=["exact"], dtypes=["float64"], seed=seed, max_examples=20)
    for failure in report.failures:
        result = failure.message.partition(":")[0]
        assert failure.cause.partition(":")[0] in (result, UNEXPLAINED), str(failure)


def raising_relu(forward=relu, backward=None):
    class Raises:
        def forward(self, inputs):
            self.cache = (inputs,)
            return forward(inputs)

        def backward(self, dvalues):
            self.dinputs = backward(self, dvalues)

    return Layer.from_class("relu", Raises)


@pytest.mark.parametrize(
    "layer",
    [
        raising_relu(backward=lambda self, g: g.sum(axis=0, keepdim=True)),
        raising_relu(backward=lambda self, g: zero * g),  # noqa: F821  (a typo is what is tried)
        raising_relu(forward=lambda x, training: x),
        raising_relu(backward=lambda self, g: "hello"),
    ],
)
def test_what_is_raised_is_not_put_down_to_what_is_not_stored(layer):
    assert set(causes(layer, max_examples=6).values()) == {UNEXPLAINED}


def test_inputs_that_are_not_stored():
    class Width:
        def __init__(self, n_inputs, n_neurons):
            self.inputs = n_inputs

        def forward(self, inputs):
            return dense(inputs, self.weights, self.biases)

        def backward(self, dvalues):
            self.dweights = self.inputs.T @ dvalues

    found = causes(Layer.from_class("dense", Width), max_examples=6)
    assert set(found.values()) == {"forward does not store its inputs, which backward needs"}


def test_a_sum_over_the_wrong_axis():
    layer = of_dense(lambda g, x, w, dx, dw, db: (dx, dw, g.sum(axis=1, keepdims=True).T))
    found = causes(layer)["values"]
    assert re.fullmatch(r"dbiases: shape \(1, \d+\) in the place of \(1, \d+\)", found), found


def test_a_fault_at_random_is_not_put_down_to_shared_memory():
    rng = np.random.default_rng(7)

    def vjp(g, x):
        d = softmax_vjp(g, x)
        return d if rng.random() > 0.03 else d * 2

    found = causes(of_softmax(vjp), max_examples=60)
    assert not [cause for cause in found.values() if "share memory" in cause], found


@pytest.mark.parametrize(
    ("shift", "cause"),
    [
        (lambda x: x.max(initial=-np.inf), "the batch's largest input is subtracted from every row"),
        (lambda x: np.abs(x).max(axis=-1, keepdims=True, initial=0), "the row's largest magnitude is subtracted"),
    ],
)
def test_what_is_subtracted_from_the_rows(shift, cause):
    def forward(x):
        with np.errstate(all="ignore"):
            e = np.exp(x - shift(x))
            return e / e.sum(axis=-1, keepdims=True)

    layer = Layer("softmax", forward=forward, vjp=softmax_vjp)
    for seed in range(4):
        for found in causes(layer, max_examples=40, seed=seed, dtypes=["float32"]).values():
            assert cause in found or found == UNEXPLAINED, found


def test_samples_whose_label_has_a_probability_of_0():
    def vjp(g, p, t):
        d = cross_entropy_vjp(g, p, t)
        return np.where(p == 0, 0.0, d).astype(p.dtype)

    found = causes(Layer("cross_entropy", forward=cross_entropy, vjp=vjp), max_examples=60)
    assert set(found.values()) <= {
        "dprobabilities: all zero in samples whose label has a probability of 0",
        UNEXPLAINED,
    }


def test_a_loss_that_takes_class_ids_alone():
    class Ids:
        def forward(self, probabilities, targets):
            return -np.log(
                probabilities[np.arange(len(targets)), targets.astype(int) if targets.ndim == 1 else targets]
            )

        def backward(self, probabilities, targets):
            self.dinputs = cross_entropy_vjp(1.0, probabilities, targets)

    found = causes(Layer.from_class("cross_entropy", Ids))
    assert "on rows of labels: one that takes class ids alone says targets=('ids',)" in found["values"]


@pytest.mark.parametrize("block", [32, 64, 128])
def test_which_block_of_a_mask_gives_nan(block):
    def forward(x):
        with np.errstate(all="ignore"):
            most, total = x[..., :block].max(axis=-1, keepdims=True, initial=-np.inf), 0
            for at in range(0, x.shape[-1], block):
                part = x[..., at : at + block]
                now = np.maximum(most, part.max(axis=-1, keepdims=True, initial=-np.inf))
                total = total * np.exp(most - now) + np.exp(part - now).sum(axis=-1, keepdims=True)
                most = now
            return np.exp(x - most) / total

    found = causes(Layer("softmax", forward=forward, vjp=softmax_vjp), max_examples=60)
    assert found == {"special_values": f"output: NaN where the first {block} values of a row are all -inf"}


def test_one_block_of_1024():
    def vjp(g, x):
        s = softmax(x)
        return s * (g - (s * g)[..., :1024].sum(axis=-1, keepdims=True))

    found = causes(of_softmax(vjp), max_examples=60)
    assert found == {"sizes": "dinputs: the dot product drops the tail: C modulo 1024 classes"}


def first_batch(then):
    class FirstBatch(ReLU):
        rows = None

        def backward(self, dvalues):
            super().backward(dvalues)
            self.rows = self.rows or len(dvalues)
            if len(dvalues) > self.rows:
                then(self)

    return Layer.from_class("relu", FirstBatch)


def test_a_buffer_of_the_first_batch():
    def cut(layer):
        layer.dinputs[layer.rows :] = 0

    def refuse(layer):
        raise ValueError(f"a batch of {layer.rows} was expected")

    cause = "dinputs: all zero in the samples that an earlier call did not have"
    assert causes(first_batch(cut), max_examples=60)["stateless"] == cause
    assert causes(first_batch(refuse))["stateless"] == "raised ValueError after a call with fewer samples"


def test_what_another_instance_makes_raise():
    class OnTheClass(ReLU):
        def forward(self, inputs):
            OnTheClass.last = inputs
            return super().forward(inputs)

        def backward(self, dvalues):
            self.dinputs = np.where(OnTheClass.last[: len(dvalues)] > 0, dvalues, 0.0)

    found = causes(Layer.from_class("relu", OnTheClass), max_examples=60)
    assert set(found.values()) == {"dinputs: instances share memory: a forward pass of another one changes it"}

    class Strict(OnTheClass):
        def backward(self, dvalues):
            self.dinputs = np.where(OnTheClass.last > 0, dvalues, 0.0)

    found = causes(Layer.from_class("relu", Strict), max_examples=60, seed=2)
    assert set(found.values()) <= {
        "dinputs: instances share memory: a forward pass of another one changes it",
        "instances share memory: raised ValueError after a forward pass of another one",
    }


class Counting(ReLU):
    """Does something more with each backward pass of an instance."""

    passes, left = 0, 0.0

    def forward(self, inputs):
        self.inputs = inputs.copy()
        self.output = np.maximum(inputs, 0)
        return self.output

    def backward(self, dvalues):
        self.passes += 1
        self.dinputs = self.later(np.where(self.inputs > 0, dvalues, dvalues.dtype.type(0)))


class Multiplies(Counting):
    def later(self, dinputs):
        return dinputs * dinputs.dtype.type(self.passes)


class Forgets(Counting):
    def later(self, dinputs):
        return dinputs if self.passes == 1 else np.zeros_like(dinputs)


class Adds(Counting):
    def later(self, dinputs):
        self.left = dinputs + self.left if np.shape(self.left) == dinputs.shape else dinputs
        return self.left.astype(dinputs.dtype)


@pytest.mark.parametrize("seed", [0, 1])
def test_what_grows_with_the_calls_is_no_sum_of_them(seed):
    """Twice the gradient, and the gradient of one call more: the same, as long as the calls are alike."""
    for layer in (Multiplies, Forgets):
        found = causes(Layer.from_class("relu", layer), seed=seed)
        assert {"repeatable", "stateless"} <= set(found)
        assert not any("accumulates" in cause or "adds to" in cause for cause in found.values()), found
    found = causes(Layer.from_class("relu", Adds), seed=seed)
    assert found["repeatable"] == "dinputs accumulates: a second backward adds to what the first one left"
    assert found["stateless"] == "dinputs: adds to an earlier call's result"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_scale_is_the_same_cause_in_every_dtype(dtype):
    """Whether the product is rounded, as in float32, or happens to be the number that was read off it."""
    layer = Layer("relu", forward=lambda x: relu(x) * x.dtype.type(1.001), vjp=relu_vjp)
    assert set(causes(layer, dtypes=[dtype]).values()) == {"output: scaled by 1 + 0.001"}


def of_cross_entropy(change):
    def vjp(g, p, t):
        return change(cross_entropy_vjp(g, p, t), t)

    return Layer("cross_entropy", forward=cross_entropy, vjp=vjp)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_gradients_in_the_labels_dtype(seed):
    # among them infinities, and others that no integer of that dtype is: a processor makes of those what it likes
    with np.errstate(invalid="ignore", over="ignore"):
        layer = of_cross_entropy(lambda dp, t: dp.astype(t.dtype).astype(dp.dtype) if t.ndim == 2 else dp)
        found = causes(layer, dtypes=["float32"], seed=seed)
    assert set(found.values()) == {"dprobabilities: of the labels' dtype, which rounds it"}


def test_infinite_gradients_that_are_made_zero_are_not_put_down_to_the_labels_dtype():
    found = causes(of_cross_entropy(lambda dp, t: np.where(np.isinf(dp), 0, dp)))
    assert not any("labels' dtype" in cause for cause in found.values()), found


def contiguous_alone(*arrays):
    if not all(a.flags.c_contiguous for a in arrays):
        raise ValueError("ndarray is not C-contiguous")


def test_who_refuses_strided_arrays_reads_no_raw_memory_and_shares_none():
    def forward(x):
        contiguous_alone(x)
        return relu(x)

    def vjp(g, x):
        contiguous_alone(g, x)
        return relu_vjp(g, x)

    report = check_layer(Layer("relu", forward=forward, vjp=vjp), oracles=["exact"], seed=1)
    assert {v.cause for v in report.failures} == {
        "raised ValueError where an array is not contiguous: it refuses such arrays"
    }
    assert "stateless" not in {v.check for v in report.failures}
    assert len(bugs(report.failures)) == 1


def test_who_refuses_nan_shares_no_memory():
    def forward(x):
        if not np.isfinite(x).all():
            raise ValueError("input contains NaN or infinity")
        return softmax(x)

    report = check_layer(Layer("softmax", forward=forward, vjp=softmax_vjp), oracles=["exact"], seed=1)
    assert not any("share" in v.cause for v in report.failures), str(report)
    assert "special_values" in {v.check for v in report.failures}


@pytest.mark.parametrize("seed", [9, 12, 24])  # of which the case was found with another fault, at -inf
def test_a_cause_is_one_of_the_case_that_is_shown(seed):
    layer = Layer("relu", forward=lambda x: x * (x > 0), vjp=lambda g, x: g * (x > 0))
    report = check_layer(layer, oracles=["exact"], seed=seed)
    for v in report.failures:
        assert ("input is -inf" in v.cause) == ("'inputs': array([[-inf]]" in repr(v.case)), str(v)


def test_nothing_is_recognised_in_no_runs():
    from oracles.causes.diagnose import Diagnosis

    assert Diagnosis(Layer("relu", forward=np.abs, vjp=lambda g, x: g), 0)._recognised([]) == ""
