"""Every public name says what it is; those that take arrays say of which shapes, and what they raise."""

import inspect
import re

import numpy as np
import pytest

import oracles
import reference
from oracles.candidates.backward_source import Place
from oracles.claims.compare import Elements
from oracles.claims.verdicts import Margin, Verdict
from oracles.reports.report import CheckFailed, Report
from reference import InputError, nnfs

RETURNED = (Report, Verdict, Margin, Elements, Place, CheckFailed)
# domains such as `booleans` are values: oracles.ops.domains says what each is
NAMES = {f"oracles.{name}": thing for name in oracles.__all__ if callable(thing := getattr(oracles, name))}
NAMES |= {f"reference.{n}": v for n, v in vars(reference).items() if not n.startswith("_") and callable(v)}
NAMES |= {f"reference.nnfs.{name}": getattr(nnfs, name) for name in nnfs.__all__}
NAMES |= {f"{thing.__module__}.{thing.__name__}": thing for thing in RETURNED}
SHAPES = re.compile(r"shape|\(N, |\(N,\)|scalar")


def methods(cls):
    """The public methods and properties of a class that this project defines, as (name, function)."""
    for name, thing in vars(cls).items():
        thing = thing.fget if isinstance(thing, property) else getattr(thing, "__func__", thing)
        if not name.startswith("_") and inspect.isfunction(thing) and thing.__module__.startswith(("ref", "oracles")):
            yield f"{cls.__name__}.{name}", thing


FUNCTIONS = {
    name: thing
    for start, found in NAMES.items()
    for name, thing in (methods(found) if isinstance(found, type) else [(start, found)])
}
# of `reference`, everything with an argument that is an array
OF_ARRAYS = {
    name: function
    for name, function in FUNCTIONS.items()
    if function.__module__.startswith("reference")
    and any("ArrayLike" in str(p.annotation) for p in inspect.signature(function).parameters.values())
}


def test_the_names_are_those_of_the_design():
    for name in ("oracles.Case", "oracles.check_layer", "reference.dense_vjp", "reference.SoftmaxCrossEntropy"):
        assert name in NAMES
    assert {"Report.to_junit", "Dense.backward", "Layer.from_torch", "reference.relu"} <= set(FUNCTIONS)
    assert len(OF_ARRAYS) >= 25


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_has_a_docstring_of_its_own(name):
    said = vars(NAMES[name]).get("__doc__") if isinstance(NAMES[name], type) else NAMES[name].__doc__
    assert said
    assert not said.startswith(f"{NAMES[name].__name__}("), "that of dataclasses is the signature"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_public_method_has_a_docstring(name):
    assert FUNCTIONS[name].__doc__


@pytest.mark.parametrize("name", OF_ARRAYS)
def test_what_takes_arrays_says_their_shapes(name):
    assert SHAPES.search(OF_ARRAYS[name].__doc__)


@pytest.mark.parametrize("name", sorted(set(OF_ARRAYS) - {"Loss.forward"}))  # abstract: a loss defines it
def test_what_takes_arrays_says_what_it_raises_and_raises_it(name):
    function = OF_ARRAYS[name]
    assert re.search("[Rr]aises InputError", function.__doc__)
    required = [p for p in inspect.signature(function).parameters.values() if p.default is p.empty and p.name != "self"]
    if not name.startswith("reference."):
        owner = name.partition(".")[0]
        function = getattr(made(getattr(reference, owner, None) or getattr(nnfs, owner)), function.__name__)
    with pytest.raises(InputError):
        function(*["words"] * len(required))


def made(owner):
    """An instance, one that has seen a forward pass where it can."""
    if owner is reference.Network:
        network = owner([reference.Dense(2, 2, rng=0)], reference.SoftmaxCrossEntropy())
        network.forward(np.ones((1, 2)))
        return network
    if owner is reference.Loss:
        return reference.CategoricalCrossEntropy()
    return owner(2, 2) if issubclass(owner, reference.Dense) else owner()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_raises_an_input_error_itself_says_so(name):
    function = FUNCTIONS[name]
    if re.search(r"raise InputError", inspect.getsource(function)):
        assert "InputError" in function.__doc__
