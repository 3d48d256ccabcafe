"""Each claim has a wrong layer that it catches, with the message, and right layers that none of them flags."""

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mutants.dense import Dense
from told import told

import reference
from oracles import Case, Layer, Op
from oracles.candidates.layer import reference_layer
from oracles.claims.checks import (
    CHECKS,
    LONG,
    arguments_untouched,
    as_integers,
    dtypes,
    nothing_aliased,
    values,
    wrong_in_any_layout,
)
from oracles.claims.disagreement import Disagreement, Kind
from oracles.claims.referee import Tally
from oracles.runs.trial import search

BY_NAME = {check.name: check for check in CHECKS}


class ReLU:
    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.maximum(inputs, 0)
        return self.output

    def backward(self, dvalues):
        self.dinputs = np.where(self.inputs > 0, dvalues, np.zeros_like(dvalues))


class LeaksAtZero(ReLU):
    def backward(self, dvalues):
        self.dinputs = np.where(self.inputs >= 0, dvalues, np.zeros_like(dvalues))


class DropsTheTail(ReLU):
    def backward(self, dvalues):
        super().backward(dvalues)
        if dvalues.size > 64:
            self.dinputs[-1] = 0


class ReadsRawMemory(ReLU):
    def backward(self, dvalues):
        raw = np.asarray(self.inputs).ravel(order="K").reshape(dvalues.shape)
        self.dinputs = np.where(raw > 0, dvalues, np.zeros_like(dvalues))


class MultipliesTheMask(ReLU):
    def backward(self, dvalues):
        self.dinputs = dvalues * (self.inputs > 0)


class TruncatesIntegers(ReLU):
    def backward(self, dvalues):
        self.dinputs = np.zeros_like(self.inputs)
        self.dinputs[self.inputs > 0] = dvalues[self.inputs > 0]


class OverwritesItsArgument(ReLU):
    def backward(self, dvalues):
        if dvalues.flags.writeable:
            dvalues[self.inputs <= 0] = 0
            self.dinputs = dvalues.copy()
        else:
            super().backward(dvalues)


class ReturnsItsArgument(ReLU):
    def backward(self, dvalues):
        super().backward(dvalues)
        if (self.inputs > 0).all():
            self.dinputs = dvalues


class Drifts(ReLU):
    calls = 0

    def backward(self, dvalues):
        super().backward(dvalues)
        Drifts.calls += 1
        self.dinputs = self.dinputs + np.asarray(0.0 if Drifts.calls < 2 else 1e-3, dvalues.dtype)


class KeepsStaleValues(ReLU):
    buffer = None

    def backward(self, dvalues):
        if self.buffer is None or self.buffer.shape != dvalues.shape or self.buffer.dtype != dvalues.dtype:
            self.buffer = np.zeros_like(dvalues, order="C")
        self.buffer[self.inputs > 0] = dvalues[self.inputs > 0]
        self.dinputs = self.buffer.copy()


WRONG = {
    "values": (LeaksAtZero, "dinputs: 1 of 1 elements wrong"),
    "sizes": (DropsTheTail, "dinputs: "),
    "layouts": (ReadsRawMemory, "dinputs: "),
    "special_values": (MultipliesTheMask, "got nan, expected 0.0"),
    "dtypes": (TruncatesIntegers, "with integer inputs: dinputs: "),
    "arguments_untouched": (OverwritesItsArgument, "overwrote its argument cotangent"),
    "nothing_aliased": (ReturnsItsArgument, "dinputs shares memory with its argument cotangent"),
    "repeatable": (Drifts, "dinputs is not what it was before, after the same call again"),
    "stateless": (KeepsStaleValues, "after "),
}


def test_every_check_has_a_wrong_layer():
    assert set(WRONG) == set(BY_NAME)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_layer_is_caught_with_its_message(name):
    make, message = WRONG[name]
    Drifts.calls = 0
    found = search(BY_NAME[name], Layer.from_class("relu", make), "float32", 1500, seed=1)
    assert found is not None
    assert message in found.message
    assert found.case.op == "relu"


@pytest.mark.parametrize("name", BY_NAME)
def test_a_right_layer_is_not(name):
    tally = Tally()
    assert search(BY_NAME[name], Layer.from_class("relu", ReLU), "float32", 60, seed=1, tally=tally) is None
    assert tally.cases > 0


class PassesZerosOn(ReLU):
    def backward(self, dvalues):
        super().backward(dvalues)
        if not dvalues.any():
            self.dinputs = dvalues


@pytest.mark.parametrize("make", [ReturnsItsArgument, PassesZerosOn])
def test_what_is_returned_where_there_is_nothing_to_do_is_seen_on_any_case(make):
    case = Case("relu", [np.array([[-1.0, 0.0, 2.0]])], np.array([[3.0, 0.0, 5.0]]))
    with pytest.raises(Disagreement, match="dinputs shares memory with its argument cotangent"):
        BY_NAME["nothing_aliased"].judge(Layer.from_class("relu", make), case)


@pytest.mark.parametrize("op", ["cross_entropy", "softmax_cross_entropy"])
def test_an_infinite_loss_is_tried_whatever_is_drawn(op):
    right = reference_layer(op)
    loss, vjp = getattr(reference, op), getattr(reference, f"{op}_vjp")
    layer = Layer(op, forward=lambda p, t: np.minimum(loss(p, t), 1e6), vjp=vjp)
    for targets in (np.array([0, 2, 1]), np.eye(3)):
        case = Case(op, [np.full((3, 3), 0.25), targets], np.float64(1))
        values(layer, case)
        assert not list(BY_NAME["values"].further(case))
        *_, impossible, _ = BY_NAME["special_values"].further(case)
        values(right, impossible)
        with pytest.raises(Disagreement, match=r"got 1000000\.0, expected inf"):
            values(layer, impossible)
    logits = op == "softmax_cross_entropy"
    # 256 and 259 numbers, and 4096 and 4099: large cases would cost as much again
    for columns, tried in ((84, 2 + logits), (85, logits), (1364, logits), (1365, 0)):
        case = Case(op, [np.full((3, columns), 0.25), np.zeros(3, int)], np.float64(1))
        assert len(list(BY_NAME["special_values"].further(case))) == tried


@pytest.mark.parametrize("op", ["dense", "relu", "softmax"])
def test_nan_is_tried_whatever_is_drawn_and_no_label_where_there_is_none(op):
    args = [np.ones((2, 2)), np.ones((2, 2)), np.ones((1, 2))] if op == "dense" else [np.ones((2, 2))]
    *masked, odd = BY_NAME["special_values"].further(Case(op, args, np.ones((2, 2))))
    assert len(masked) == (op == "softmax")
    assert np.isnan(odd.primals["inputs"]).tolist() == [[False, False], [False, True]]
    values(reference_layer(op), odd)
    empty = Case(op, [args[0][:0], *args[1:]], np.ones((0, 2)))
    assert not list(BY_NAME["special_values"].further(empty))  # it would be the same case again


def test_the_wrong_layers_are_wrong_in_one_way_alone():
    """What only one claim can see, only that claim flags: a failure names what it takes."""
    for name, others in (
        ("layouts", ("values", "special_values", "dtypes", "stateless")),
        ("sizes", ("values", "layouts")),
        ("special_values", ("values", "sizes", "layouts")),
        ("nothing_aliased", ("values", "stateless", "repeatable")),
    ):
        layer = Layer.from_class("relu", WRONG[name][0])
        for other in others:
            found = search(BY_NAME[other], layer, "float64", 40, seed=8)
            assert found is None, (name, other, found.message)


def test_integer_inputs_are_those_that_the_dtype_holds():
    largest = np.array([[65504.0, -65504.0]], np.float16)
    BY_NAME["dtypes"].judge(Layer.from_class("relu", ReLU), Case("relu", [largest], np.ones((1, 2), np.float16)))


CASE = Case("relu", [np.array([[-1.0, 0.0, 2.0]])], np.array([[3.0, 4.0, 5.0]]))
NEURONS = Case("dense", [np.ones((2, 3)), np.ones((3, 2)), np.ones((1, 2))], np.ones((2, 2)))


def with_backward(base, do):
    """A layer that does something besides at the end of its backward pass."""

    class Changed(base):
        def backward(self, dvalues):
            super().backward(dvalues)
            do(self, dvalues)

    return Layer.from_class("relu" if base is ReLU else "dense", Changed)


def sets(**attributes):
    def do(layer, dvalues):
        for name, value in attributes.items():
            setattr(layer, name, value(layer))

    return do


def test_what_is_said_of_an_argument_that_was_overwritten():
    layer = with_backward(ReLU, lambda layer, dvalues: layer.inputs.fill(7))
    assert told(arguments_untouched, layer, CASE) == {
        "message": "overwrote its argument inputs",
        "kind": Kind.ARGUMENT,
        "names": ("inputs",),
    }


def test_parameters_may_be_replaced_by_what_they_were():
    replaced = with_backward(Dense, sets(weights=lambda layer: layer.weights - 0.125))
    assert told(arguments_untouched, replaced, NEURONS) == {
        "message": "replaced its parameter weights: it is no longer what it was set to",
        "kind": Kind.PARAMETER,
        "names": ("weights",),
    }
    arguments_untouched(with_backward(Dense, sets(weights=lambda layer: layer.weights.copy())), NEURONS)
    unreadable = with_backward(Dense, sets(biases=lambda layer: object()))
    said = told(arguments_untouched, unreadable, NEURONS)
    assert said["message"].startswith("biases")
    assert said == {"message": said["message"], "kind": Kind.RAISED}


def test_what_is_said_of_memory_that_is_shared():
    the_argument = with_backward(ReLU, lambda layer, dvalues: setattr(layer, "dinputs", dvalues))
    assert told(nothing_aliased, the_argument, CASE) == {
        "message": "dinputs shares memory with its argument cotangent",
        "kind": Kind.ALIAS,
        "names": ("dinputs", "its argument cotangent"),
    }
    another_result = with_backward(Dense, sets(dinputs=lambda layer: layer.output, dweights=lambda layer: layer.output))
    assert told(nothing_aliased, another_result, NEURONS) == {
        "message": "dinputs shares memory with output",
        "kind": Kind.ALIAS,
        "names": ("dinputs", "output"),
    }


def test_a_loss_with_a_loss_for_each_sample_shares_no_memory():
    logits, labels = np.array([[1.0, 2.0], [3.0, 1.0]]), np.array([0, 1])
    case = Case("softmax_cross_entropy", [logits, labels], np.array([1.0, 2.0]), {"reduction": "none"})
    nothing_aliased(reference_layer("softmax_cross_entropy"), case)


@pytest.mark.parametrize("dtype", ["float32", "int64", "bool"])
def test_what_is_said_of_a_result_that_is_narrower(dtype):
    narrow = with_backward(ReLU, sets(dinputs=lambda layer: layer.dinputs.astype(dtype)))
    assert told(dtypes, narrow, CASE) == {
        "message": f"dinputs is {dtype}, narrower than the float64 it was given",
        "kind": Kind.NARROW,
        "names": ("dinputs",),
    }


def test_a_result_may_be_wider():
    case = Case("relu", [a.astype(np.float32) for a in CASE.primals.values()], CASE.cotangent.astype(np.float32))
    dtypes(with_backward(ReLU, sets(dinputs=lambda layer: layer.dinputs.astype(np.float64))), case)


def test_gradients_of_integer_inputs_are_not_truncated():
    halves = Case(NEURONS.op, NEURONS.primals, NEURONS.cotangent * 0.25)
    for layer, case in (
        (Layer.from_class("relu", TruncatesIntegers), Case("relu", CASE.primals, CASE.cotangent * 0.25)),
        (with_backward(Dense, sets(dinputs=lambda layer: layer.dinputs.astype(layer.inputs.dtype))), halves),
    ):
        said = told(dtypes, layer, case)
        assert said.pop("message").startswith("with integer inputs: dinputs: ")
        assert said.pop("margin", np.inf) > 1
        assert said == {"kind": Kind.INTEGERS, "names": ("dinputs",)}


@pytest.mark.parametrize("refusal", [TypeError, ValueError, NotImplementedError])
def test_a_layer_may_refuse_integers(refusal):
    class Floats(ReLU):
        def forward(self, inputs):
            if inputs.dtype.kind != "f":
                raise refusal(f"expected floats, got {inputs.dtype}")
            return super().forward(inputs)

    dtypes(Layer.from_class("relu", Floats), CASE)


def test_what_integers_break_is_no_refusal():
    class Reads(ReLU):
        def forward(self, inputs):
            np.finfo(inputs.dtype) if inputs.dtype.kind == "f" else {}[inputs.dtype]
            return super().forward(inputs)

    said = told(dtypes, Layer.from_class("relu", Reads), CASE)
    assert said.pop("message").startswith("with integer inputs: raised KeyError")
    assert said == {"kind": Kind.INTEGERS}


def test_no_other_op_is_handed_integers():
    def forward(x):
        assert x.dtype.kind == "f"
        return reference.softmax(x)

    layer = Layer("softmax", forward=forward, vjp=reference.softmax_vjp)
    dtypes(layer, Case("softmax", [np.array([[0.5, 1.0]])], np.ones((1, 2))))


def test_the_integers_are_the_values_doubled_within_what_the_dtype_and_int64_hold():
    case = Case("relu", [np.array([[1.3, -0.6, 1e300, -1e300, 0.2]])], np.ones((1, 5)))
    assert as_integers(case).tolist() == [[3, -1, 2**53, -(2**53), 0]]
    assert as_integers(case).dtype == np.int64
    half = Case("relu", [np.array([[65504.0, -65504.0]], np.float16)], np.ones((1, 2), np.float16))
    assert as_integers(half).tolist() == [[65504, -65504]]


def test_a_users_own_op_without_a_primal_is_held_to_be_linear():
    op = Op("doubled(x) -> output", cases=st.just({"x": np.ones(2)}))
    layer = Layer(op, forward=lambda x: 2 * x, vjp=lambda g, x: 2 * g + (abs(g) > 2))
    assert told(values, layer, Case("doubled", [np.ones(2)], np.ones(2)))["kind"] == Kind.LINEAR


@pytest.mark.parametrize(
    ("shape", "make", "wrong"),
    [
        ((2, LONG + 1), DropsTheTail, True),
        ((LONG + 1, 2), ReLU, False),
        ((2, LONG), DropsTheTail, False),  # short: a failure there is one of layouts
        ((), ReLU, False),
    ],
)
def test_what_is_wrong_with_a_long_array_in_any_layout_is_no_matter_of_that(shape, make, wrong):
    ones = np.ones(shape)
    layer = Layer.from_class("relu", make)
    assert wrong_in_any_layout(layer, Case("relu", [ones], ones)) is wrong


def test_a_primal_may_be_called_as_another_s_gradient_is():
    cases = arrays(np.float64, (3,), elements={"min_value": 1, "max_value": 2}).map(lambda a: {"x": a, "dx": a + 1})
    op = Op("product(x, dx) -> output", cases=cases)
    layer = Layer(op, forward=lambda x, dx: x * dx, vjp=lambda g, x, dx: (g * dx, g * x))
    assert search(next(c for c in CHECKS if c.name == "nothing_aliased"), layer, "float64", 20, seed=1) is None
