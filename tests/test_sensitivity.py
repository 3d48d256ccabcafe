"""How small a fault is seen: one element of one gradient of a small case, off by a relative 1e-5 or 1e-13."""

import pytest

import reference
from oracles import Layer, check_layer
from oracles.claims.checks import CHECKS
from oracles.ops import OPS
from oracles.runs import check_layer as kit

ERRORS = {"float32": 1e-5, "float64": 1e-13}
GRADIENTS = [(op, name) for op in OPS for name in OPS[op].differentiable]
PLACES = {"first": 0, "middle": 0.5, "last": -1}


def off_by(op, name, place, errors):
    """The reference, but for one element of one gradient."""

    def vjp(cotangent, *primals, **options):
        found = getattr(reference, f"{op}_vjp")(cotangent, *primals, **options)
        gradients = dict(zip(OPS[op].differentiable, found if isinstance(found, tuple) else (found,), strict=True))
        a = gradients[name] = gradients[name].copy()
        if a.size:
            at = int(a.size * place) if place > 0 else place
            a.flat[at] *= a.dtype.type(1) + a.dtype.type(errors[a.dtype.name])
        return gradients

    return Layer(op, forward=getattr(reference, op), vjp=vjp, name=f"{op}, {name} off")


@pytest.mark.parametrize("dtype", ERRORS)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("op", "name"), GRADIENTS)
def test_one_element_off_is_caught(op, name, place, dtype, monkeypatch):
    monkeypatch.setattr(kit, "CHECKS", [check for check in CHECKS if check.name == "values"])
    report = check_layer(off_by(op, name, PLACES[place], ERRORS), oracles=["exact"], dtypes=[dtype], seed=0)
    assert not report.passed
    assert report.failures[0].message.startswith(f"d{name}: ")
    assert report.failures[0].case.size <= 40


@pytest.mark.parametrize("op", OPS)
def test_the_same_layer_without_the_error_passes(op):
    none = dict.fromkeys(ERRORS, 0.0)
    layer = off_by(op, OPS[op].differentiable[0], 0, none)
    assert check_layer(layer, oracles=["exact"], max_examples=10, seed=0).passed
