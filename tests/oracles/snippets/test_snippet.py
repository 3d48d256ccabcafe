"""Snippets fail by themselves in a fresh interpreter, as the layer failed, and pass once the layer is right."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from oracles import Layer
from oracles.cases.frames import Frame
from oracles.causes.telling_cases import plain_case
from oracles.claims.checks import CHECKS
from oracles.claims.disagreement import Disagreement, Kind
from oracles.runs.trial import search
from oracles.snippets.snippet import snippet

from ..claims.test_checks import WRONG, Drifts, ReLU
from ..claims.test_state_checks import GradientKept, KnownByIdentity, OnTheClass, WrongAfterTwentyCalls

BY_NAME = {check.name: check for check in CHECKS}


TESTS = Path(__file__).parents[2]  # what the module of a wrong layer imports besides


def fresh(code):
    paths = [str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)


def found_in(layer, check, dtype="float32", examples=1500):
    found = search(BY_NAME[check], layer, dtype, examples, seed=1)
    assert found is not None
    return found


@pytest.mark.parametrize("check", WRONG)
def test_the_failure_of_every_check_shows_in_a_fresh_interpreter(check):
    Drifts.calls = 0
    layer = Layer.from_class("relu", WRONG[check][0])
    code = snippet(layer, found_in(layer, check))
    assert not re.search("^(import|from) (oracles|reference)", code, re.MULTILINE)
    done = fresh(code)
    assert done.returncode == 1, code
    assert "AssertionError" in done.stderr


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (OnTheClass, "# a forward pass of another instance on other arguments"),
        (KnownByIdentity, "inputs[...] = array("),
        (GradientKept, "# a second backward pass, with another cotangent"),
    ],
)
def test_the_memory_of_instances_and_of_arrays_shows_in_a_fresh_interpreter(make, line):
    code = snippet(Layer.from_class("relu", make), found_in(Layer.from_class("relu", make), "stateless", examples=60))
    assert line in code
    done = fresh(code)
    assert done.returncode == 1, code
    assert "AssertionError" in done.stderr


def test_many_calls_show_in_a_fresh_interpreter():
    layer = Layer.from_class("relu", WrongAfterTwentyCalls)
    done = fresh(snippet(layer, found_in(layer, "repeatable", examples=60)))
    assert done.returncode == 1
    assert "AssertionError: dinputs is not what it was before, after many other calls" in done.stderr


def test_the_snippet_of_a_right_layer_passes():
    wrong = WRONG["values"][0]
    layer = Layer.from_class("relu", wrong)
    code = snippet(layer, found_in(layer, "values"))
    space = {}
    with pytest.raises(AssertionError, match="1 of 1 wrong"):
        exec(code, space)
    exec(code.replace(f"layer = {wrong.__name__}(", "layer = ReLU("), {"ReLU": ReLU})


def test_functions_are_called_as_they_were():
    layer = Layer("relu", forward=lambda x: np.maximum(x, 0), vjp=lambda g, x: g * (x >= 0))
    done = fresh(snippet(layer, found_in(layer, "values")))
    assert "AssertionError" in done.stderr


def test_options_are_passed_and_large_arrays_packed():
    def forward(p, t, reduction):
        return np.float64(0)

    layer = Layer("cross_entropy", forward=forward, vjp=lambda g, p, t, reduction: p, reductions=("mean", "sum"))
    code = snippet(layer, found_in(layer, "values", "float64"))
    assert "reduction=" in code
    assert "AssertionError" in fresh(code).stderr


def test_large_arrays_are_packed():
    def vjp(g, x, w, b):
        return g @ w.T, x[:64].T @ g[:64], g.sum(axis=0, keepdims=True)

    layer = Layer("dense", forward=lambda x, w, b: x @ w + b, vjp=vjp)
    found = found_in(layer, "sizes", "float64")
    found.call = plain_case(layer, "float64", Frame("dense", (70, 20, 3)))
    code = snippet(layer, found)
    assert "packed(" in code
    assert "AssertionError" in fresh(code).stderr


def test_what_a_layer_raises_is_raised_again():
    def vjp(g, x):
        raise RuntimeError("no such kernel")

    layer = Layer("relu", forward=lambda x: np.maximum(x, 0), vjp=vjp)
    assert "RuntimeError: no such kernel" in fresh(snippet(layer, found_in(layer, "values"))).stderr


class DividesInPlace(ReLU):
    """What NumPy refuses of integers: a quotient in place."""

    def forward(self, inputs):
        scaled = np.array(inputs)
        scaled /= 2
        return super().forward(scaled * 2)


def test_what_integers_raise_is_raised_again():
    layer = Layer.from_class("relu", DividesInPlace)
    code = snippet(layer, found_in(layer, "dtypes"))
    assert "'int64'" in code
    assert "UFuncOutputCastingError" in fresh(code).stderr


CONVERTED = {
    "values": "return torch.where(x >= 0, g, torch.zeros_like(g))",
    "arguments_untouched": "return g.mul_(x > 0).clone()",
    "nothing_aliased": "return g if bool((x > 0).all()) else torch.where(x > 0, g, torch.zeros_like(g))",
    "repeatable": "KEPT.setdefault(g.shape, torch.empty_like(g)).copy_(torch.where(x > 0, g, torch.zeros_like(g)))\n"
    "    return KEPT[g.shape]",
}


@pytest.mark.parametrize("check", CONVERTED)
def test_functions_of_other_arrays_are_handed_those(check, tmp_path, monkeypatch):
    pytest.importorskip("torch", reason="torch is not installed")
    name = f"of_tensors_{check}"
    (tmp_path / f"{name}.py").write_text(
        f"import torch\nKEPT = {{}}\n\ndef relu(x):\n    return x.clamp(min=0)\n\n"
        f"def relu_vjp(g, x):\n    {CONVERTED[check]}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    module = __import__(name)
    layer = Layer("relu", forward=module.relu, vjp=module.relu_vjp, arrays=sys.modules["torch"].from_numpy)
    code = snippet(layer, found_in(layer, check))
    assert "from torch import from_numpy as convert" in code, code
    done = fresh(code)
    assert "AssertionError" in done.stderr, code + done.stderr


@pytest.mark.parametrize("made", ["functions", "class"])
def test_a_memory_layout_reaches_cupy_in_a_fresh_interpreter(made, tmp_path, monkeypatch):
    """With NumPy as the stand-in for CuPy."""
    (tmp_path / "cupy.py").write_text(
        "from numpy import *\nfrom numpy import lib\nfrom numpy import array as asarray\n"
    )
    (tmp_path / "raw_memory.py").write_text(
        "import numpy as np\n"
        "def relu(x): return np.maximum(x, 0)\n"
        "def relu_vjp(g, x): return np.where(x > 0, np.ravel(g, order='K').reshape(g.shape), 0)\n"
        "class ReLU:\n"
        "    def forward(self, x):\n        self.x = x\n        self.output = relu(x)\n"
        "    def backward(self, g):\n        self.dinputs = relu_vjp(g, self.x)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for name in ("raw_memory", "cupy"):  # gone at the end
        monkeypatch.setitem(sys.modules, name, None)
        del sys.modules[name]
    import raw_memory

    layer = Layer("relu", forward=raw_memory.relu, vjp=raw_memory.relu_vjp, arrays="cupy")
    if made == "class":
        layer = Layer.from_class("relu", raw_memory.ReLU, arrays="cupy")
    found = found_in(layer, "layouts", examples=60)
    code = snippet(layer, found)
    assert "import cupy" in code
    done = fresh(code)
    assert "AssertionError" in done.stderr, code + done.stderr


class InPlace:
    """A loss that clips its probabilities where they lie."""

    def forward(self, p, y):
        p.clip(1e-7, 1 - 1e-7, out=p)
        self.y = np.eye(p.shape[1])[y] if y.ndim == 1 else y
        return -np.log((p * self.y).sum(axis=1))

    def backward(self, p, y):
        self.dinputs = -self.y / p / max(1, len(p))


def as_it_is(a):
    return np.array(a)


def array(a):
    return np.asarray(a)


def host(a):
    return np.asarray(a)


@pytest.mark.parametrize("convert", [as_it_is, array, host, np.array])
def test_a_conversion_may_have_any_name_and_a_loss_write_to_what_it_was_handed(convert):
    layer = Layer.from_class("cross_entropy", InPlace, arrays=convert)
    found = found_in(layer, "arguments_untouched", dtype="float64", examples=300)
    assert found.names == ("probabilities",)
    code = snippet(layer, found)
    assert "AssertionError: overwrote its argument probabilities" in fresh(code).stderr, code


def test_a_gradient_in_a_list_of_one_is_the_gradient():
    layer = Layer("relu", forward=absolute, vjp=in_a_list, arrays=as_it_is)
    code = snippet(layer, found_in(layer, "values"))
    assert "AssertionError" in fresh(code).stderr, code


def absolute(x):
    return abs(x)


def in_a_list(g, x):
    return [g * (x > 0)]


def test_a_narrow_result_of_torch_is_read_in_its_own_dtype():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    for layer in (
        Layer.from_torch("relu", in_bfloat16),
        Layer("relu", forward=in_bfloat16, vjp=narrow_vjp, arrays=torch.from_numpy),
    ):
        found = found_in(layer, "dtypes", examples=60)
        assert found.kind == Kind.NARROW
        code = snippet(layer, found)
        assert "AssertionError: output is bfloat16" in fresh(code).stderr, code


def in_bfloat16(x):
    import torch

    return x.clamp(min=0).to(torch.bfloat16)


def narrow_vjp(g, x):
    return g * (x > 0)


def test_where_a_class_leaves_its_gradient_need_not_have_been_seen():
    layer = Layer.from_class("relu", LeavesIt)
    found = Disagreement(plain_case(layer, "float32", Frame("relu", (2, 2))), "left the GPU unusable", kind=Kind.LOST)
    LeavesIt.dies = True  # as a GPU that is lost does
    try:
        code = snippet(layer, found)
    finally:
        LeavesIt.dies = False
    done = fresh(code + "\nassert dinputs.shape == (2, 2)")
    assert done.returncode == 0, code + done.stderr


class LeavesIt:
    dies = False

    def forward(self, x):
        if self.dies:
            raise RuntimeError("no device")
        self.x = x
        return np.maximum(x, 0)

    def backward(self, g):
        self.dinputs = np.where(self.x > 0, g, 0)
