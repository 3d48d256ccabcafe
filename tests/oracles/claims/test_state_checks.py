"""What lasts from call to call: buffers that are used again, and memory that instances share."""

from types import SimpleNamespace

import numpy as np
import pytest
from mutants.dense import Dense
from told import told

import reference
from oracles import Case, Layer
from oracles.candidates.layer import reference_layer
from oracles.cases.variations import variations
from oracles.claims import state_checks
from oracles.claims.disagreement import Disagreement, Kind
from oracles.claims.state_checks import later_calls, repeatable, right_elsewhere, stateless

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


class FromCall(ReLU):
    """Twice the gradient from this backward on, of an instance."""

    first = 2
    calls = 0

    def backward(self, dvalues):
        super().backward(dvalues)
        self.count()
        if self.calls >= self.first:
            self.dinputs = 2 * self.dinputs

    def count(self):
        self.calls += 1


def from_call(number, *, of_all=False):
    class Changed(FromCall):
        first = number

        def count(self):
            if of_all:
                Changed.calls += 1
            else:
                super().count()

    return Layer.from_class("relu", Changed)


OTHER = dict(variations(CASE))["other values"]


@pytest.mark.parametrize(
    ("call", "of_all", "what", "between"),
    [
        (2, False, "the same call again", {}),
        (4, False, "a second backward", {}),
        (5, True, "another instance", {}),
        (5, False, "many other calls", {"between": OTHER}),
        (29, False, "many other calls", {"between": OTHER}),
    ],
)
def test_what_is_said_of_a_call_that_gave_something_else_before(call, of_all, what, between):
    assert told(repeatable, from_call(call, of_all=of_all), CASE) == between | {
        "message": f"dinputs is not what it was before, after {what} (at (0, 0): 10.0, was 5.0)",
        "kind": Kind.REPEAT,
        "names": ("dinputs", what),
    }


def test_no_more_calls_are_made():
    repeatable(from_call(30), CASE)


def test_what_is_said_of_a_result_that_was_overwritten():
    assert told(repeatable, Layer.from_class("relu", OneBuffer), CASE) == {
        "message": "dinputs of an earlier call was overwritten by a later one",
        "kind": Kind.REPEAT,
        "names": ("dinputs", "overwritten"),
        "between": OTHER,
    }


@pytest.mark.parametrize(
    ("call", "what"),
    [(1, "the same call again"), (4, "another instance"), (5, "many other calls")],
)
def test_the_same_call_is_handed_the_same_arrays(call, what):
    class Overwrites(ReLU):
        calls = 0

        def backward(self, dvalues):
            super().backward(dvalues)
            Overwrites.calls += 1
            if Overwrites.calls == call:
                self.inputs[...] = 0.0

    said = told(repeatable, Layer.from_class("relu", Overwrites), CASE)
    assert said["message"] == f"output is not what it was before, after {what} (at (0, 0): 0.0, was 1.0)"


def test_what_a_second_backward_raises():
    class Once(ReLU):
        def backward(self, dvalues):
            super().backward(dvalues)
            del self.inputs

    said = {"message": "raised AttributeError: 'Once' object has no attribute 'inputs'", "kind": Kind.RAISED}
    assert told(repeatable, Layer.from_class("relu", Once), CASE) == said


def test_how_many_other_calls_there_are():
    shapes = ((4, 3), (3, 4))
    few, many = (Case("softmax_cross_entropy", [np.ones((n, c)), np.zeros(n, int)], 1.0) for n, c in shapes)
    assert (few.size, many.size) == (17, 16)
    assert [later_calls(reference_layer(case.op), case) for case in (few, many)] == [2, 24]
    assert later_calls(SimpleNamespace(framework="torch"), CASE) == 2


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        ([1.0, 2.0], [1.0], " (shape (2,), was (1,))"),
        ([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [0.0, 0.5]], " (at (1, 0): 3.0, was 0.0)"),
        ([np.nan, 1.0], [np.nan, np.nan], " (at (1,): 1.0, was nan)"),
        ([np.nan, np.nan], [np.nan, 1.0], " (at (1,): nan, was 1.0)"),
        ([0.0, np.nan], [-0.0, np.nan], ""),
    ],
)
def test_the_first_element_that_differs_is_shown(a, b, said):
    assert state_checks._first_difference(np.array(a), np.array(b)) == said


class Latches(ReLU):
    """Wrong on one sample once it has seen inputs that begin with 0.5."""

    latched = False

    def backward(self, dvalues):
        super().backward(dvalues)
        self.latched |= self.inputs[0, 0] == 0.5
        if self.latched and len(dvalues) == 1:
            self.dinputs = 2 * self.dinputs


def test_the_calls_that_a_failure_takes_are_told():
    by_name = dict(variations(CASE))
    assert list(by_name)[:2] == ["larger values", "fewer samples"]
    message = (
        "a case with fewer samples, after other calls: dinputs: 1 of 2 elements wrong; worst at (0, 0): got 10.0, "
    )
    for layer, earlier in (
        (Layer.from_class("relu", Latches), (by_name["larger values"],)),
        (from_call(3), (by_name["larger values"], CASE)),
    ):
        said = told(stateless, layer, CASE)
        assert said.pop("message").startswith(message)
        assert said == {"names": ("dinputs",), "call": by_name["fewer samples"], "earlier": earlier}


def test_a_failure_after_other_calls_shows_its_elements():
    with pytest.raises(Disagreement) as found:
        stateless(from_call(3), CASE)
    assert [c.result for c in found.value.comparisons] == ["dinputs"]
    assert found.value.shown()["elements"]


def test_a_failure_after_other_calls_says_how_far_it_is_off_or_what_was_raised():
    class Softmax(reference.Softmax):
        calls = 0

        def backward(self, dvalues):
            self.calls += 1
            self.dinputs = super().backward(dvalues) * (1.5 if self.calls == 3 else 1)

    class Raises(ReLU):
        calls = 0

        def backward(self, dvalues):
            self.calls += 1
            if self.calls == 3:
                raise ValueError("enough")
            super().backward(dvalues)

    other = dict(variations(CASE))
    case = Case("softmax", CASE.primals, CASE.cotangent)
    assert 1e3 < told(stateless, Layer.from_class("softmax", Softmax), case)["margin"] < np.inf
    assert told(stateless, Layer.from_class("relu", Raises), CASE) == {
        "message": "a case with fewer samples, after other calls: raised ValueError: enough",
        "kind": Kind.RAISED,
        "call": other["fewer samples"],
        "earlier": (other["larger values"], CASE),
    }


def test_what_is_said_of_arrays_that_were_filled_again():
    larger = dict(variations(CASE))["larger values"]
    said = told(stateless, Layer.from_class("relu", KnownByIdentity), CASE)
    message = "in arrays that a call used before and that now hold a case with larger values: output: 3 of 4 elements "
    assert said.pop("message").startswith(message)
    assert said == {"names": ("output",), "call": larger, "earlier": (CASE,), "refilled": True}


def test_what_is_said_of_a_forward_pass_in_between():
    one = Case("relu", [np.array([[1.0, -2.0]])], np.array([[5.0, 6.0]]))
    said = told(stateless, Layer.from_class("relu", OnTheClass), one)
    assert said.pop("message").startswith("with a forward pass of another instance on more samples in between: dinputs")
    assert said == {
        "names": ("dinputs",),
        "between": Case("relu", [np.array([[1.0, -2.0]] * 2)], np.array([[5.0, 6.0]] * 2)),
        "elsewhere": True,
    }


def test_what_compiles_each_shape_is_not_handed_a_larger_batch(monkeypatch):
    seen = []

    class Sees(ReLU):
        def forward(self, inputs):
            seen.append(inputs.tobytes())
            return super().forward(inputs)

    monkeypatch.setattr(state_checks, "_compiles", lambda layer: True)
    stateless(Layer.from_class("relu", Sees), CASE)
    left = [what for what, other in variations(CASE) if other.primals["inputs"].tobytes() not in seen]
    assert left == ["more samples"]


@pytest.mark.parametrize(("name", "compiles"), [("jax", True), ("torch", False), (None, False)])
def test_jax_compiles(name, compiles):
    framework = None if name is None else SimpleNamespace(name=name)
    assert state_checks._compiles(SimpleNamespace(framework=framework)) is compiles


def test_variations_that_are_no_case_of_the_op_are_left_out(monkeypatch):
    asked, seen = [], []

    class Sees(ReLU):
        def forward(self, inputs):
            seen.append(inputs.tobytes())
            return super().forward(inputs)

    monkeypatch.setattr(state_checks, "applies", lambda layer, other: asked.append(other) or len(asked) != 2)
    stateless(Layer.from_class("relu", Sees), CASE)
    assert asked[:-1] == [other for _, other in variations(CASE)]
    assert asked[-1] == Case("relu", CASE.primals, -CASE.cotangent)  # of a second backward pass
    assert [other.primals["inputs"].tobytes() in seen for other in asked] == [True, False, *[True] * (len(asked) - 2)]


class WrongWithNaN(ReLU):
    """What it kept of its first case with a NaN is what another instance gives for the same first value."""

    def backward(self, dvalues):
        super().backward(dvalues)
        first = self.inputs.flat[0]
        if np.isnan(dvalues).any():
            self.dinputs = self.dinputs * 2
            if not self.kept:
                self.kept[first] = 7.0
        elif first in self.kept:
            self.dinputs[0, 0] = self.kept[first]


def test_what_follows_on_a_variation_that_is_wrong_by_itself_is_still_tried():
    layer = Layer.from_class("relu", type("WrongWithNaN", (WrongWithNaN,), {"kept": {}}))
    said = told(stateless, layer, CASE)
    assert said.pop("message").startswith(
        "a case with a NaN at the end, another instance having seen one like it: dinputs"
    )
    assert said == {"names": ("dinputs",), "earlier": (CASE,)}


@pytest.mark.parametrize(
    ("inputs", "right"),
    [(np.ones((0, 2)), False), (np.array([[np.inf, 1.0]]), False), (np.array([[1.0, np.inf]]), True)],
)
def test_another_first_value_has_to_be_one(inputs, right):
    assert right_elsewhere(Layer.from_class("relu", ReLU), Case("relu", [inputs], np.ones(inputs.shape))) == right


def test_another_first_value_is_a_number():
    class WrongForNaN(ReLU):
        def backward(self, dvalues):
            super().backward(dvalues)
            self.dinputs = self.dinputs * (3 if np.isnan(self.inputs).any() else 1)

    assert right_elsewhere(Layer.from_class("relu", WrongForNaN), CASE)


LOSS = {"logits": np.array([[1.0, 2.0], [3.0, 1.0]]), "targets": np.array([0, 1])}


def test_a_loss_for_each_sample_may_be_right_elsewhere():
    case = Case("softmax_cross_entropy", LOSS, np.array([1.0, 2.0]), {"reduction": "none"})
    assert right_elsewhere(reference_layer("softmax_cross_entropy"), case)
    repeatable(reference_layer("softmax_cross_entropy"), case)
    stateless(reference_layer("softmax_cross_entropy"), case)


class Loss:
    """In the book's interface; keeps nothing."""

    def forward(self, logits, targets):
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        self.output = e / e.sum(axis=1, keepdims=True)
        return -np.log(self.output[range(len(targets)), targets]).mean()

    def backward(self, predictions, targets):
        self.dinputs = predictions.copy()
        self.dinputs[range(len(targets)), targets] -= 1
        self.dinputs /= len(targets)


class KeepsItsLabels(Loss):
    """The backward pass of a loss is handed the labels."""

    def forward(self, logits, targets):
        self.kept = targets
        return super().forward(logits, targets)

    def backward(self, predictions, targets):
        super().backward(predictions, self.kept)


class KeepsItsPredictions(Loss):
    def backward(self, predictions, targets):
        super().backward(self.output, targets)


@pytest.mark.parametrize("make", [KeepsItsLabels, KeepsItsPredictions])
def test_a_loss_is_handed_its_labels_and_predictions(make):
    case = Case("softmax_cross_entropy", LOSS, np.array(1.0))
    stateless(Layer.from_class("softmax_cross_entropy", Loss), case)
    said = told(stateless, Layer.from_class("softmax_cross_entropy", make), case)
    what, other = next((w, o) for w, o in variations(case) if w == "fewer samples" or make is KeepsItsPredictions)
    assert said.pop("message").startswith(f"with a forward pass on {what} in between: dlogits: ")
    assert said.pop("margin") > 1
    assert said == {"names": ("dlogits",), "between": other}


class DenseOnTheClass(Dense):
    def forward(self, inputs):
        type(self).last = inputs
        return super().forward(inputs)

    def backward(self, dvalues):
        super().backward(dvalues)
        self.dweights = type(self).last.T @ dvalues


def test_instances_with_parameters_may_share_no_memory_either():
    case = Case("dense", [np.ones((2, 3)), np.ones((3, 2)), np.ones((1, 2))], np.ones((2, 2)))
    said = told(stateless, Layer.from_class("dense", DenseOnTheClass), case)
    assert said["message"].startswith("with a forward pass of another instance on larger values in between: dweights")


@pytest.mark.parametrize(
    ("late", "message"),
    [(lambda: "none", "dinputs: expected numbers"), (lambda: {}[0], "raised KeyError: 0")],
)
def test_what_comes_of_a_backward_pass_that_comes_late_is_a_gradient(late, message):
    class Late(ReLU):
        passed = 0

        def forward(self, inputs):
            Late.passed += 1
            return super().forward(inputs)

        def backward(self, dvalues):
            super().backward(dvalues)
            Late.passed -= 1
            if Late.passed:
                self.dinputs = late()

    said = told(stateless, Layer.from_class("relu", Late), CASE)
    between = "with a forward pass of another instance on larger values in between: "
    assert said.pop("message").startswith(between + message)
    assert said == {"kind": Kind.RAISED, "elsewhere": True, "between": next(variations(CASE))[1]}


class GradientKept(ReLU):
    """The gradient is kept until the next forward pass."""

    def forward(self, inputs):
        self.kept = None
        return super().forward(inputs)

    def backward(self, dvalues):
        if self.kept is None:
            super().backward(dvalues)
            self.kept = self.dinputs
        self.dinputs = self.kept


def test_what_is_said_of_a_second_backward_pass():
    said = told(stateless, Layer.from_class("relu", GradientKept), CASE)
    assert said.pop("message").startswith("in a second backward pass, with another cotangent: dinputs: ")
    assert said.pop("margin", np.inf) == np.inf
    assert said == {"names": ("dinputs",), "second": True, "call": Case("relu", CASE.primals, -CASE.cotangent)}


def test_a_second_backward_pass_that_raises():
    class Once(ReLU):
        def backward(self, dvalues):
            super().backward(dvalues)
            del self.inputs

    said = told(stateless, Layer.from_class("relu", Once), CASE)
    assert said.pop("message").startswith("in a second backward pass, with another cotangent: raised AttributeError")
    assert said == {"kind": Kind.RAISED, "second": True, "call": Case("relu", CASE.primals, -CASE.cotangent)}


def test_a_cotangent_of_zeros_has_no_second_one():
    stateless(Layer.from_class("relu", GradientKept), Case("relu", CASE.primals, np.zeros_like(CASE.cotangent)))


class WrongInFortranOrder(ReLU):
    """Wrong by itself, for the layout of what it is handed."""

    def backward(self, dvalues):
        super().backward(dvalues)
        if not dvalues.flags.c_contiguous:
            self.dinputs = self.dinputs * 2


def test_a_layout_that_a_layer_cannot_read_is_not_put_down_to_memory():
    stateless(Layer.from_class("relu", WrongInFortranOrder), CASE)
