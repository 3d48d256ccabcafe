"""What lasts from call to call: buffers that are used again, and memory that instances share."""

import numpy as np
import pytest

from oracles import Case, Layer
from oracles.conformance.search import Disagreement
from oracles.conformance.state_checks import repeatable, stateless

CASE = Case("relu", [np.array([[1.0, -2.0], [3.0, 4.0]])], np.array([[5.0, 6.0], [7.0, 8.0]]))


class ReLU:
    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.maximum(inputs, 0)
        return self.output

    def backward(self, dvalues):
        self.dinputs = np.where(self.inputs > 0, dvalues, 0.0)


class OneBuffer(ReLU):
    def __init__(self):
        self.buffer = np.zeros((2, 2))

    def backward(self, dvalues):
        super().backward(dvalues)
        if self.dinputs.shape == (2, 2):
            self.buffer[...] = self.dinputs
            self.dinputs = self.buffer


class ThreeBuffers(ReLU):
    """Results are kept in three buffers in turn."""

    def __init__(self):
        self.buffers = [np.zeros((2, 2)) for _ in range(3)]

    def backward(self, dvalues):
        super().backward(dvalues)
        self.buffers = [*self.buffers[1:], self.buffers[0]]
        self.buffers[0][...] = self.dinputs
        self.dinputs = self.buffers[0]


class WrongAfterTwentyCalls(ReLU):
    """As with a counter that runs out."""

    calls = 0

    def backward(self, dvalues):
        super().backward(dvalues)
        self.calls += 1
        self.dinputs = self.dinputs * (self.calls <= 20)


def test_what_takes_many_calls():
    with pytest.raises(Disagreement, match="dinputs of an earlier call was overwritten by a later one"):
        repeatable(Layer.from_class("relu", ThreeBuffers), CASE)
    with pytest.raises(Disagreement, match="dinputs is not what it was before, after many other calls"):
        repeatable(Layer.from_class("relu", WrongAfterTwentyCalls), CASE)


class OneOutputBuffer(OneBuffer):
    def forward(self, inputs):
        super().forward(inputs)
        if inputs.shape == (2, 2):
            self.buffer[...] = self.output
            self.output = self.buffer
        return self.output

    def backward(self, dvalues):
        ReLU.backward(self, dvalues)


def caches():
    class Cache(ReLU):
        """Keyed by the first value alone, for every instance."""

        kept = {}  # noqa: RUF012  (the fault itself)

        def backward(self, dvalues):
            super().backward(dvalues)
            key = (dvalues.shape, self.inputs[:1, :1].tobytes(), dvalues[:1, :1].tobytes())
            self.dinputs = self.kept.setdefault(key, self.dinputs).copy()

    return Cache


class OnTheClass(ReLU):
    """What backward needs is kept for all instances."""

    def forward(self, inputs):
        type(self).last = inputs
        return super().forward(inputs)

    def backward(self, dvalues):
        self.dinputs = np.where(type(self).last > 0, dvalues, 0.0)


class KnownByIdentity(ReLU):
    """The same array is taken to hold the same numbers."""

    known = None

    def forward(self, inputs):
        if self.known is not inputs:
            self.known, self.kept = inputs, super().forward(inputs)
        self.inputs = inputs
        return self.kept.copy()


class IgnoresNewCotangents(ReLU):
    """The gradient is computed again where the inputs changed."""

    key = b""

    def backward(self, dvalues):
        if self.key != self.inputs.tobytes():
            self.key = self.inputs.tobytes()
            super().backward(dvalues)
            self.kept = self.dinputs
        self.dinputs = self.kept.copy()


class ScalesDownAfterNaN(ReLU):
    """Halves its gradients once one was not finite, as a loss scaler does."""

    scale = 1.0

    def backward(self, dvalues):
        super().backward(dvalues)
        self.dinputs = self.dinputs * self.scale
        if not np.isfinite(dvalues).all():
            self.scale = 0.5


class WrongForSmallInputs(ReLU):
    """Wrong by itself, whatever came before."""

    def backward(self, dvalues):
        self.dinputs = np.where(self.inputs >= 1, dvalues, 0.0)


def test_what_is_wrong_by_itself_is_not_put_down_to_memory():
    case = Case("relu", [np.array([[1.0, -2.0], [3.0, 4.0], [1.0, 1.0]])], np.arange(6.0).reshape(3, 2))
    stateless(Layer.from_class("relu", WrongForSmallInputs), case)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (OnTheClass, "with a forward pass of another instance on .* in between: dinputs"),
        (KnownByIdentity, "in arrays that a call used before and that now hold a case with .*: output"),
        (ScalesDownAfterNaN, "after a call with a NaN at the end: dinputs"),
        (IgnoresNewCotangents, "a case with another cotangent, after other calls: dinputs"),
    ],
)
def test_memory_of_what_was_handed_over(make, said):
    with pytest.raises(Disagreement, match=said) as found:
        stateless(Layer.from_class("relu", make), CASE)
    assert (found.value.elsewhere, found.value.refilled) == (make is OnTheClass, make is KnownByIdentity)


def test_layers_that_are_handed_copies_are_not_handed_them_again():
    stateless(
        Layer("relu", forward=lambda x: np.maximum(x, 0), vjp=lambda g, x: np.where(x > 0, g, 0), arrays=np.array), CASE
    )


def test_one_module_for_every_session_is_no_memory_that_instances_share():
    torch = pytest.importorskip("torch")
    case = Case("dense", [np.ones((2, 3)), np.ones((3, 2)), np.ones((1, 2))], np.ones((2, 2)))
    stateless(Layer.from_torch("dense", torch.nn.Linear(3, 2)), case)


def test_right_layers_pass():
    for claim in (repeatable, stateless):
        claim(Layer.from_class("relu", ReLU), CASE)


@pytest.mark.parametrize(("make", "name"), [(OneBuffer, "dinputs"), (OneOutputBuffer, "output")])
def test_a_result_that_a_later_call_with_other_values_overwrites(make, name):
    with pytest.raises(Disagreement, match=f"^{name} of an earlier call was overwritten by a later one"):
        repeatable(Layer.from_class("relu", make), CASE)


def test_memory_that_instances_share():
    case = Case("relu", [np.arange(1.0, 7.0).reshape(3, 2)], np.arange(2.0, 8.0).reshape(3, 2))
    with pytest.raises(Disagreement, match="the same first sample, another instance having seen one like it") as found:
        stateless(Layer.from_class("relu", caches()), case)
    assert found.value.earlier == (case,)
    assert found.value.call != case
