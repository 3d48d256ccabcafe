import sys

import numpy as np
import pytest

from oracles import Case, InputError
from oracles.candidates.run import run
from oracles.candidates.target import Target, load_layer

SOURCE = """
import numpy as np
from dataclasses import dataclass
from oracles import Layer

class MyReLU:
    def forward(self, inputs): return np.maximum(inputs, 0)
    def backward(self, dvalues): return dvalues

@dataclass
class Settings:
    size: int = 3

def relu(x): return np.maximum(x, 0)
def relu_vjp(g, x): return g * (x > 0)
layer = Layer("relu", forward=relu, vjp=relu_vjp, name="made")
number = 3
layers = [layer]
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A directory with candidates; the path and the modules are put back."""
    (tmp_path / "candidates.py").write_text(SOURCE)
    (tmp_path / "broken.py").write_text("x = 1\nraise ValueError('no\\ngood')")
    (tmp_path / "leaving.py").write_text("import sys\nsys.exit(4)")
    (tmp_path / "unfinished.py").write_text("def f(:")
    (tmp_path / "needy.py").write_text("import no_such_package")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name, module in list(sys.modules.items()):  # a framework that a test loaded cannot be loaded twice
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.mark.parametrize("where", ["candidates", "candidates.py", "./candidates.py"])
def test_a_class_a_layer_and_functions(where):
    assert load_layer(Target(f"{where}:MyReLU", "relu")).name == "MyReLU"
    assert load_layer(Target(f"{where}:layer")).name == "made"
    assert load_layer(Target(f"{where}:layer", "relu")).op == "relu"
    for vjp in ("relu_vjp", f"{where}:relu_vjp"):
        assert load_layer(Target(f"{where}:relu", "relu", vjp)).name == "relu"


def test_a_file_elsewhere_finds_its_neighbours(here, tmp_path_factory, monkeypatch):
    (here / "outer.py").write_text("from candidates import MyReLU")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert load_layer(Target(f"{here}/outer.py:MyReLU", "relu")).name == "MyReLU"


def test_a_file_named_as_a_module_of_python_does_not_replace_it(here):
    import random

    (here / "random.py").write_text(SOURCE)
    assert load_layer(Target("random.py:MyReLU", "relu")).name == "MyReLU"
    assert sys.modules["random"] is random


def test_label_forms_are_passed_on():
    layer = load_layer(Target("reference:CategoricalCrossEntropy", "cross_entropy", targets=("ids",)))
    assert layer.targets == ("ids",)


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_code_of_a_framework_is_differentiated_by_it(here, framework):
    pytest.importorskip(framework)
    functions = {"torch": "import torch\nf = torch.relu", "jax": "import jax\nf = jax.nn.relu"}
    (here / "theirs.py").write_text(functions[framework])
    layer = load_layer(Target("theirs:f", "relu", framework=framework))
    case = Case("relu", [np.array([1.0, -1.0])], np.array([3.0, 5.0]))
    assert run(layer, case).gradients["inputs"].tolist() == [3.0, 0.0]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (Target("candidates", "relu"), "candidates: expected MODULE:ATTR or PATH.py:ATTR"),
        (Target("candidates:", "relu"), "candidates:: expected MODULE:ATTR"),
        (Target("candidate:MyReLU", "relu"), "candidate: no such module here .* did you mean candidates?"),
        (Target("candidates.deep:MyReLU", "relu"), "candidates.deep: "),
        (Target("candidate.py:MyReLU", "relu"), "candidate.py: no such file; did you mean candidates.py?"),
        (Target("candidates:MyRelu", "relu"), "candidates:MyRelu: no 'MyRelu' in 'candidates'; did you mean MyReLU?"),
        (Target("candidates:MyReLU.x.y", "relu"), "no 'x' in 'MyReLU'"),
        (
            Target("candidates:MyReLU"),
            "--op: missing, and candidates:MyReLU is a class that does not say what it computes",
        ),
        (Target("candidates:layers"), "candidates:layers: a list; give each layer of it a name, and pass that"),
        (Target("candidates:MyReLU", "rleu"), "op: expected one of dense, .*, got 'rleu'"),
        (Target("candidates:layer", "dense"), "--op: candidates:layer is a Layer of relu, got 'dense'"),
        (
            Target("candidates:relu", "relu"),
            "it is no class, .* add --vjp relu_vjp, the function that computes them, or --framework",
        ),
        (Target("candidates:relu", "relu", "relu_vpj"), "no 'relu_vpj' in 'candidates'; did you mean relu_vjp"),
        (Target("candidates:relu", "relu", "number"), "number: expected a function, got 3"),
        (
            Target("candidates:relu", "relu", framework="caffe"),
            "--framework: expected one of torch, jax, got 'caffe'",
        ),
        (
            Target("candidates:MyReLU", "cross_entropy", targets=("hot",)),
            r"targets: expected some of ids, one_hot, soft, got \('hot",
        ),
        (Target("candidates:MyReLU", "relu", targets=("ids",)), "--targets: relu has no labels"),
        (Target("broken:X", "relu"), r"broken: importing it raised ValueError: no good \(broken.py, line 2\)"),
        (Target("broken.py:X", "relu"), r"broken.py: importing it raised ValueError: no good \(broken.py, line 2\)"),
        (Target("leaving:X", "relu"), "leaving: importing it raised SystemExit: 4"),
        (Target("unfinished:X", "relu"), "unfinished: importing it raised SyntaxError: .*unfinished.py, line 1"),
        (
            Target("needy:X", "relu"),
            "needy: importing it raised ModuleNotFoundError: No module named 'no_such_package'",
        ),
    ],
)
def test_misuse_is_one_line(target, message):
    with pytest.raises(InputError, match=message) as caught:
        load_layer(target)
    assert "\n" not in str(caught.value)
