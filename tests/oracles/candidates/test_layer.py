import pytest

from oracles import InputError, Layer
from oracles.candidates.layer import reference_layer
from reference import cross_entropy, cross_entropy_vjp


def identity(x):
    return x


def test_a_layer_is_named_after_its_function():
    assert Layer("relu", forward=identity, vjp=lambda g, x: g).name == "identity"
    assert Layer("relu", forward=identity, vjp=lambda g, x: g, name="mine").name == "mine"
    assert reference_layer("relu").name == "reference.relu"
    assert reference_layer("cross_entropy").targets == ("ids", "one_hot", "soft")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"op": "denze"}, "op: expected one of dense"),
        ({"forward": None}, "forward: expected a function, got None"),
        ({"vjp": 3}, "vjp: expected a function, got 3"),
        ({"targets": "id"}, r"targets: expected some of ids, one_hot, soft, got \('id',\); did you mean ids\?"),
        ({"targets": ()}, "targets: expected some of"),
        ({"arrays": "jax"}, "arrays: expected 'numpy', 'cupy' or a function that takes a NumPy array, got 'jax'"),
        ({"reductions": ("average",)}, "reductions: expected some of mean, sum, none"),
    ],
)
def test_misuse_is_named(options, message):
    arguments = {"op": "relu", "forward": identity, "vjp": identity} | options
    with pytest.raises(InputError, match=message):
        Layer(arguments.pop("op"), **arguments)


def test_one_form_of_labels_needs_no_list():
    layer = Layer("cross_entropy", forward=cross_entropy, vjp=cross_entropy_vjp, targets="ids", reductions="sum")
    assert (layer.targets, layer.reductions) == (("ids",), ("sum",))


def test_code_of_torch_is_no_class_of_the_book():
    """It takes tensors, and has no backward pass of its own to call: every claim would fail, for that alone."""
    torch = pytest.importorskip("torch")

    class Module(torch.nn.Module):
        def forward(self, inputs):
            return torch.relu(inputs)

    class Function(torch.autograd.Function):
        pass

    class Both(Module):  # a class of the book as well
        def backward(self, dvalues):
            self.dinputs = dvalues

    for theirs, what in ((Module, "torch.nn.Module"), (Function, "torch.autograd.Function")):
        with pytest.raises(InputError, match=rf"{what}, .*: use Layer.from_torch, or --framework torch"):
            Layer.from_class("relu", theirs)
    assert Layer.from_class("relu", Both).name == "Both"
