"""Where a backward pass is written, for every kind of candidate, and that nobody is run or trusted to find out."""

import functools
import inspect

import numpy as np
import pytest

from oracles import Layer, check_layer
from oracles.candidates.backward_source import Place, backward_of
from reference import relu


def forward(inputs):
    return np.maximum(inputs, 0)


def vjp(cotangent, inputs):
    return np.where(inputs > 0, cotangent, np.zeros_like(cotangent))


class Book:
    def forward(self, inputs):
        self.inputs = inputs
        return forward(inputs)

    def backward(self, dvalues):
        return vjp(dvalues, self.inputs)


class Derived(Book):
    pass


@functools.wraps(vjp)
def wrapped(*arguments):
    return vjp(*arguments)


def of(function):
    return Place(__file__, inspect.getsourcelines(function)[1])


def functions(backward):
    return Layer("relu", forward=forward, vjp=backward)


@pytest.mark.parametrize(
    ("layer", "place"),
    [
        (functions(vjp), of(vjp)),
        (functions(wrapped), of(vjp)),
        (functions(functools.partial(vjp)), of(vjp)),
        (functions(functools.lru_cache(vjp)), of(vjp)),
        (functions(np.multiply), None),
        (functions(eval("lambda g, x: g")), None),
        (Layer.from_class("relu", Book), of(Book.backward)),
        (Layer.from_class("relu", Derived), of(Book.backward)),
        (Layer.from_class("relu", functools.partial(Book)), of(Book.backward)),
    ],
    ids=["vjp", "wrapped", "partial", "cached", "ufunc", "no file", "class", "derived", "a class's partial"],
)
def test_a_backward_pass_is_found_where_it_is_written(layer, place):
    assert backward_of(layer) == place


def test_torch_code_is_found_and_torch_itself_is_not():
    torch = pytest.importorskip("torch")

    class Own(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return g

    class Module(torch.nn.Module):
        def forward(self, x):
            return x

    for fn, place in ((Own, of(Own.backward)), (Own.apply, of(Own.backward)), (Module, of(Module.forward))):
        assert backward_of(Layer.from_torch("relu", fn)) == place
    assert backward_of(Layer.from_torch("relu", Module())) == of(Module.forward)
    assert backward_of(Layer.from_torch("dense", torch.nn.Linear)) is None


def test_jax_code_is_found_by_the_rule_of_its_backward_pass():
    jax = pytest.importorskip("jax")
    own = jax.custom_vjp(lambda x: x)

    def backward(residuals, g):
        return (g,)

    own.defvjp(lambda x: (x, None), backward)
    assert backward_of(Layer.from_jax("relu", own)) == of(backward)
    assert backward_of(Layer.from_jax("relu", jax.jit(own))) == of(backward)


@pytest.mark.parametrize("kind", ["class", "object"])
def test_a_hostile_thing_is_not_run_and_stops_nothing(kind):
    looked_at = []

    def refuse(thing, name):
        looked_at.append(name)
        raise SystemExit(f"you shall not see my {name}")

    meta = type("Meta", (type,), {"__getattribute__": refuse})
    hostile = meta("Hostile", (), {"__getattribute__": refuse, "__call__": property(refuse)})
    thing = hostile if kind == "class" else object.__new__(hostile)
    layer = functions(vjp)
    object.__setattr__(layer, "start", functools.partial(layer.start.func, "relu", forward, thing))
    looked_at.clear()
    assert backward_of(layer) is None
    assert looked_at == []


def test_a_layer_started_otherwise_has_no_place():
    layer = functions(vjp)
    object.__setattr__(layer, "start", object())
    assert backward_of(layer) is None


def test_what_wraps_itself_has_an_end():
    def round_and_round(g, x):
        return g

    round_and_round.__wrapped__ = round_and_round
    line = round_and_round.__code__.co_firstlineno  # inspect goes round as well
    assert backward_of(functions(round_and_round)) == Place(__file__, line)


def test_a_place_is_seen_from_a_folder_or_not_at_all(tmp_path):
    inner = tmp_path / "repository" / "src"
    inner.mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "repository")
    place = Place(str(inner / "layers.py"), 3)
    assert place.within(str(tmp_path / "repository")) == "src/layers.py"
    assert place.within(str(tmp_path / "link")) == "src/layers.py"
    assert place.within(str(tmp_path / "repository" / "sr")) is None


def test_a_report_says_the_place_and_judges_alike_without_one(monkeypatch):
    layer = Layer("relu", forward=relu, vjp=lambda g, x: g)
    given = {"oracles": ["exact"], "dtypes": ["float32"], "max_examples": 3, "seed": 1}
    report = check_layer(layer, **given)
    assert report.place is not None
    assert report.place.file == __file__
    monkeypatch.setattr("oracles.runs.check_layer.backward_of", lambda layer: None)
    without = check_layer(layer, **given)
    assert without.place is None
    assert list(map(str, without.verdicts)) == list(map(str, report.verdicts))
