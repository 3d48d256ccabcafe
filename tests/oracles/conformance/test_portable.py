"""Code that makes a candidate again: it runs by itself, or says what is missing."""

import importlib
import math
import subprocess
import sys

import numpy as np

from oracles.conformance.portable import portable
from reference import relu

FACTOR = 3


def helper(x):
    return x * FACTOR


def uses_a_helper(x):
    return helper(x) + math.floor(0.5) + np.float64(0)


LAMBDA, ANOTHER = lambda x: x + 1, lambda x: x * 2


def again(thing, name="thing"):
    """The object that the lines make in an empty namespace, without this module."""
    lines, expression = portable(thing, name)
    space = {}
    exec("\n".join(lines), space)
    return eval(expression, space)


def test_what_can_be_imported_is_imported():
    assert portable(relu, "f") == (["from reference.relu import relu"], "relu")


def test_a_function_comes_with_what_it_reads(monkeypatch):
    for one in (uses_a_helper, helper):
        monkeypatch.setattr(one, "__module__", "__main__")
    assert again(uses_a_helper)(2) == 6
    assert "FACTOR = 3" in portable(uses_a_helper, "f")[0]


SCRIPT = """
import math
import numpy as np
from oracles.conformance.portable import portable
FACTOR = 3
def helper(x):
    return x * FACTOR
class Base:
    def forward(self, x):
        return helper(x) + math.floor(0.5)
class Child(Base):
    def forward(self, x):
        return super().forward(x) + np.float64(1)
lines, expression = portable(Child, "thing")
print("\\n".join([*lines, f"print(int({expression}().forward(2)))"]))
"""


def test_a_class_of_the_script_comes_with_its_bases(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    code = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True).stdout
    assert "portable" not in code
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == "7\n"


def test_a_module_off_the_path_is_found_where_it_lies(tmp_path, monkeypatch):
    (tmp_path / "their_layers.py").write_text("def vjp(g, x):\n    return g\n")
    monkeypatch.syspath_prepend(tmp_path)
    lines, expression = portable(importlib.import_module("their_layers").vjp, "vjp")
    code = "\n".join([*lines, f"print({expression}(5, 1))"])
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "5\n"


def test_a_lambda_is_found_among_others():
    assert again(LAMBDA)(3) == 4
    assert again(ANOTHER)(3) == 6


def test_a_lambda_comes_with_the_values_it_closed_over():
    power, other = 2, 5
    square, _ = (lambda x: np.power(x, power)), (lambda x: np.power(x, other))
    assert again(square)(3) == 9


def test_a_local_function_comes_with_the_values_it_closed_over():
    power = 2

    def local(x):
        return x**power

    assert again(local)(3) == 9


def test_what_cannot_be_made_again_is_said():
    big = object()

    def local(x):
        return big

    lines, expression = portable(local, "forward")
    assert lines[0].startswith("# put here what makes forward, the layer under test (")
    assert expression == "forward"
    assert portable(np.sin.__call__, "f")[0][0].startswith("# put here what makes f")
