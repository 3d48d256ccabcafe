import sys

import pytest
from click.testing import CliRunner

from oracles import InputError, Op, ops
from oracles.cli.main import main
from oracles.ops import DECLARATIONS, get_op, registry

MODULE = '''
import numpy as np
from oracles import Op


def cube(xp, x, *, power):
    """To a power."""
    return x**3


CUBE = Op("told_cube(x[N]) -> output[N]", definition=cube, options={"power": (3, 5)}, torch="torch.pow")
NOT_ONE = 3


def forward(x, power):
    return x**3


def forward_vjp(g, x, power):
    return 2 * g * x**2
'''


def run(*arguments):
    return CliRunner().invoke(main, arguments)


def test_all_of_them_are_listed():
    shown = run("ops")
    assert shown.exit_code == 0
    assert "softmax(inputs[..., C]) -> output[..., C]  with a reference" in shown.output.splitlines()
    assert "gelu(inputs[...]) -> output[...]" in shown.output.splitlines()


def test_one_of_them_is_shown_whole():
    shown = run("ops", "layer_norm").output
    for line in (
        "layer_norm(inputs[..., C], weight[C], bias[C]) -> output[..., C]",
        "where: C >= 1",
        "option eps: 1e-05",
        "gradients: inputs, weight, bias",
        "form: by_reciprocal_root: Times 1 / sqrt(variance + eps).",
        "outside: one-pass variance",
        "exact: the definition",
    ):
        assert line in shown.splitlines()
    assert "def layer_norm(" in shown
    assert "targets: labels of C" in run("ops", "softmax_cross_entropy").output


def test_one_of_a_file_is_shown_and_named_to_check(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    path = tmp_path / "told_ops.py"
    path.write_text(MODULE)
    shown = run("ops", f"{path}:CUBE").output
    assert "option power: 3, of 3, 5" in shown
    assert "torch: torch.pow" in shown
    for wrong, said in ((f"{path}:NOT_ONE", "expected an Op, got 3"), (f"{path}:CUB", "did you mean CUBE")):
        refused = run("ops", wrong)
        assert refused.exit_code == 2
        assert said in refused.output
    arguments = ("--op", f"{path}:CUBE", "--vjp", "forward_vjp", "--dtype", "float64", "--examples", "5", "--seed", "1")
    checked = run("check", f"{path}:forward", *arguments, "--in-process", "--save-cases", str(tmp_path / "failed"))
    assert checked.exit_code == 1, checked.output
    assert "dx: scaled by 0.666667" in checked.output
    saved = next((tmp_path / "failed").glob("*.json"))
    again = run("replay", str(saved), "--in-process")
    assert again.exit_code == 1, again.output
    assert "FAILED" in again.output


def test_the_package_is_the_names_of_the_ops():
    assert set(DECLARATIONS) <= set(ops)
    assert "gelu" in ops
    assert "gelo" not in ops
    assert len(ops) == len(list(ops))


def test_another_package_s_ops_come_by_their_entry_points(monkeypatch):
    class Point:
        def __init__(self, found):
            self.load = lambda: found

    theirs = Op("theirs(x[N]) -> output[N]", definition=lambda xp, x: x)
    points = {"theirs": Point(theirs), "wrong": Point(3), "other": Point(theirs)}
    monkeypatch.setattr(registry, "_points", lambda: points)
    assert "theirs" in ops
    assert get_op("theirs") is theirs
    for name in ("wrong", "other"):
        with pytest.raises(InputError, match=f"the entry point {name} of backproof.ops: expected an Op of that name"):
            get_op(name)
