"""Each claim has a wrong layer that it catches, with the message, and right layers that none of them flags."""

import numpy as np
import pytest

from oracles import Case, Layer
from oracles.conformance.checks import CHECKS
from oracles.conformance.referee import Tally
from oracles.conformance.search import Disagreement
from oracles.conformance.trial import search

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
            found = search(BY_NAME[other], layer, "float64", 40, seed=2)
            assert found is None, (name, other, found.message)


def test_integer_inputs_are_those_that_the_dtype_holds():
    largest = np.array([[65504.0, -65504.0]], np.float16)
    BY_NAME["dtypes"].judge(Layer.from_class("relu", ReLU), Case("relu", [largest], np.ones((1, 2), np.float16)))
