import subprocess
import sys
import textwrap

import numpy as np
import pytest

import oracles
from oracles import Case, InputError, OracleUnavailable, available, load
from oracles.sources.registry import adapter_of, install_line, missing, names


def test_oracles_are_found_by_file_name():
    assert names() == ("exact", "finite_difference", "jax", "torch")
    assert {"exact", "finite_difference"} <= set(available())


def test_an_unknown_oracle_or_device_is_named():
    with pytest.raises(
        InputError, match="oracle: expected one of exact, finite_difference, jax, torch, got 'tensorflow'"
    ):
        load("tensorflow")
    with pytest.raises(InputError, match="device: expected one of cpu, cuda, got 'tpu'"):
        load("exact", device="tpu")


def test_a_missing_device_is_named():
    with pytest.raises(OracleUnavailable, match="exact: no cuda device here; it can run on cpu"):
        load("exact", device="cuda")


def test_a_missing_framework_comes_with_the_line_that_installs_it():
    program = """
        import sys
        sys.modules.pop("torch", None)

        class Absent:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] == "torch":
                    raise ModuleNotFoundError(name)

        sys.meta_path.insert(0, Absent())
        import importlib.util
        real = importlib.util.find_spec
        import oracles.sources.registry as registry
        registry.find_spec = lambda name: None if name == "torch" else real(name)
        print("torch" in registry.available(), registry.missing("torch"))
        try:
            registry.load("torch")
        except registry.OracleUnavailable as error:
            print(error)
    """
    assert run(program) == "False torch\ntorch: torch is not installed; install it with: pip install torch\n"


@pytest.mark.parametrize(
    "body", ["raise OSError('libcudart.so.13: cannot open')", "import nothing_of_that_name", "1 / 0"]
)
def test_a_broken_framework_is_reported_not_raised_from_within(tmp_path, body):
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text(body)
    program = f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        import oracles
        try:
            oracles.load("torch")
        except oracles.OracleUnavailable as error:
            print(error)
    """
    said = run(program)
    assert said.startswith("torch: installed, but it cannot be imported (")
    assert said.endswith("reinstall it with: pip install torch\n")
    assert said.count("\n") == 1


def test_another_package_can_bring_an_oracle(tmp_path):
    (tmp_path / "mine.py").write_text(
        textwrap.dedent("""
        from oracles import load
        INSTALL = "pip install mine"
        def version(): return "1.0"
        def devices(): return ("cpu",)
        def vjp(case, device): return load("exact").vjp(case)
        """)
    )
    info = tmp_path / "mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[backproof.oracles]\nmine = mine\nbroken = absent\n")
    program = f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        import numpy as np, oracles
        case = oracles.Case("relu", [np.ones(2)], np.ones(2))
        print("mine" in oracles.available(), oracles.load("mine").vjp(case).output)
        try:
            oracles.load("broken")
        except oracles.OracleUnavailable as error:
            print(error)
    """
    works, broken = run(program).splitlines()
    assert works == "True [1. 1.]"
    assert broken.startswith(
        "broken: installed, but it cannot be imported (ModuleNotFoundError: No module named 'absent"
    )
    assert broken.endswith("reinstall it with: pip install mine")


def test_install_lines():
    assert install_line("torch") == "pip install torch"
    assert install_line("exact") == "pip install python-flint"
    assert missing("exact") is None


def test_results_are_numpy_arrays_of_the_callers_own(oracle):
    case = Case("dense", [np.ones((2, 3)), np.ones((3, 4)), np.ones((1, 4))], np.ones((2, 4)))
    result = oracle.vjp(case)
    assert set(result.gradients) == {"inputs", "weights", "biases"}
    for a in result.named().values():
        assert type(a) is np.ndarray
        assert a.flags.writeable
        assert a.flags.owndata or a.base.flags.owndata
        assert not any(np.shares_memory(a, primal) for primal in case.primals.values())


def test_the_package_lists_its_names():
    assert {"Case", "Layer", "available", "load"} <= set(dir(oracles))


def run(program):
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_object_is_known_to_the_adapter_of_its_framework():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    assert adapter_of(torch.ones(2)) is load("torch").module
    assert adapter_of(torch.nn.Parameter(torch.ones(2))) is load("torch").module
    assert adapter_of(np.ones(2)) is adapter_of(None) is adapter_of([1.0]) is None
