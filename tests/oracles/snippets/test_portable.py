"""Code that makes a candidate again: it runs by itself, or says what is missing."""

import functools
import math
import subprocess
import sys

import numpy as np
import pytest

from oracles.snippets import importable
from oracles.snippets.portable import portable
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
    for one in (uses_a_helper, helper):  # as in a notebook
        monkeypatch.setattr(one, "__module__", "__main__")
    monkeypatch.setattr(importable, "_is_users", lambda module: False)
    assert again(uses_a_helper)(2) == 6
    assert "FACTOR = 3" in portable(uses_a_helper, "f")[0]


SCRIPT = """
import math
import numpy as np
import pytest
from oracles.snippets.portable import portable
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


def test_a_module_off_the_path_is_found_where_it_lies(module_of):
    lines, expression = portable(module_of("their_layers", "def vjp(g, x):\n    return g\n").vjp, "vjp")
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


def test_a_partial_is_made_again():
    def power(x, n, plus=0):
        return x**n + plus

    assert again(functools.partial(power, n=3, plus=1))(2) == 9
    assert portable(functools.partial(power, plus=np.ones(3)), "f")[0][0].startswith("# put here what makes f")


def test_what_cannot_be_made_is_taken_from_what_holds_it(module_of):
    text = "import numpy as np\nclass Holder:\n    inside = np.vectorize(abs)\nHELD = Holder()\n"
    held = module_of("holds_it", text).HELD
    lines, expression = portable(held.inside.__call__, "f", held=(held, ".inside"))
    assert expression == "HELD.inside"
    space = {}
    exec("\n".join(lines), space)
    assert eval(expression, space)(-3) == 3


@pytest.fixture
def xla():
    return pytest.importorskip("jax", reason="jax is not installed")


def ran(thing, call):
    """What a call of it prints in a fresh interpreter."""
    lines, expression = portable(thing, "fn")
    code = "\n".join([*lines, "import jax", f"print(float({call.replace('fn', expression)}))"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, code + done.stderr
    return float(done.stdout)


def test_a_jitted_function_is_made_again(xla):
    jax = xla

    def local(x):
        return 3 * x

    @jax.jit
    def decorated(x):
        return 4 * x

    assert ran(jax.jit(local), "fn(2.0)") == 6
    assert ran(decorated, "fn(2.0)") == 8
    assert ran(jax.jit(lambda x: 5 * x), "fn(2.0)") == 10
    assert ran(jax.jit(jax.nn.relu), "fn(2.0)") == 2


def test_a_function_comes_with_its_own_rule(xla):
    jax = xla

    @jax.custom_vjp
    def decorated(x):
        return x * x

    def forward(x):
        return decorated(x), x

    decorated.defvjp(forward, lambda x, g: (7 * g * x,))
    assert ran(decorated, "jax.grad(fn)(2.0)") == 14
    assert ran(jax.jit(decorated), "jax.grad(fn)(2.0)") == 14

    def local(scale, x):
        return scale * x

    made = jax.custom_vjp(local, nondiff_argnums=(0,))
    made.defvjp(lambda scale, x: (scale * x, None), lambda scale, kept, g: (9 * g,))
    assert ran(made, "jax.grad(fn, argnums=1)(2.0, 2.0)") == 9
    ruled = jax.custom_jvp(lambda x: x + 1)
    ruled.defjvp(lambda primals, tangents: (primals[0] + 1, 11 * tangents[0]))
    assert ran(ruled, "jax.grad(fn)(2.0)") == 11
