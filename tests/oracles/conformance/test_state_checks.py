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
