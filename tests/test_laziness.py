"""What an import costs: `reference` nothing beyond NumPy, `oracles` no framework. In subprocesses, and able to fail."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

FRAMEWORKS = ("torch", "jax", "jaxlib")


def loaded_by(program):
    code = f"{program}\nimport sys; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_reference_loads_numpy_alone():
    extra = loaded_by("import reference") - loaded_by("import numpy, typing, collections.abc, __future__")
    assert extra == {"reference"}


@pytest.mark.parametrize(
    "program", ["import oracles", "import oracles; oracles.available()", "import oracles.cli.main"]
)
def test_oracles_load_no_framework(program):
    assert not loaded_by(program) & {*FRAMEWORKS, "flint"}  # python-flint is for what computes


def test_oracles_alone_loads_nothing():
    assert loaded_by("import oracles") - loaded_by("import importlib, typing, __future__") == {"oracles"}


def test_backproof_alone_loads_nothing():
    assert loaded_by("import backproof") - loaded_by("import importlib, typing, __future__") == {"backproof"}


def test_backproof_hands_on_every_public_name():
    import backproof
    import oracles
    import reference

    homes = {name: home for home in (reference, oracles) for name in home.__all__}  # InputError is of both
    source = Path(backproof.__file__).read_text()
    assert set(re.findall(r" import (\w+) as \1$", source, re.M)) == set(homes) <= set(dir(backproof))
    assert all(getattr(backproof, name) is getattr(home, name) for name, home in homes.items())
    with pytest.raises(AttributeError, match="module 'backproof' has no attribute 'chekc_layer'"):
        backproof.chekc_layer()


def test_python_m_backproof_is_the_command():
    done = subprocess.run([sys.executable, "-m", "backproof", "--help"], capture_output=True, text=True, check=True)
    assert "Usage: python -m backproof [OPTIONS] COMMAND" in done.stdout


def test_the_pytest_plugin_loads_nothing_beyond_pytest():
    extra = loaded_by("import pytest, oracles.runs.pytest_plugin") - loaded_by("import pytest, random")
    assert extra == {"oracles"}


def test_the_front_of_oracles_is_whole():
    import oracles

    assert set(oracles.__all__) == set(oracles._HOMES) <= set(dir(oracles))
    assert all(getattr(oracles, name).__module__.startswith(("oracles", "reference")) for name in oracles.__all__)
    source = Path(oracles.__file__).read_text()
    assert sorted(re.findall(r" import (\w+) as \1$", source, re.M)) == sorted(oracles.__all__)
    with pytest.raises(AttributeError, match="module 'oracles' has no attribute 'chekc_layer'"):
        oracles.chekc_layer()


def test_the_front_of_reference_is_whole():
    import reference

    source = Path(reference.__file__).read_text()
    assert sorted(re.findall(r" import \w+ as (\w+)$", source, re.M)) == sorted(reference.__all__)


def test_loading_an_oracle_loads_its_framework_alone():
    pytest.importorskip("torch", reason="torch is not installed")
    found = loaded_by("import oracles; oracles.load('torch')")
    assert "torch" in found
    assert "jax" not in found


def test_this_check_can_fail():
    assert "hypothesis" in loaded_by("import reference, hypothesis")
