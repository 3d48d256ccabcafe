"""What is released: built twice to the same bytes, complete, and at work in an environment that has nothing else."""

import email
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("reference", "oracles", "backproof")


def done(*command, folder=None, environment=None):
    result = subprocess.run([str(c) for c in command], cwd=folder, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def build(folder, into):
    done(sys.executable, "-m", "build", "--no-isolation", "--outdir", into, folder)
    return {path.suffix: path for path in Path(into).iterdir()}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """The files of this tree that git knows, or all of an unpacked sdist."""
    folder = tmp_path_factory.mktemp("source") / "backproof"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    if not folder.exists():
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".tox", "dist", "build", "__pycache__", ".*"))
    return folder


@pytest.fixture(scope="module")
def built(source, tmp_path_factory):
    return build(source, tmp_path_factory.mktemp("built"))


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_built_elsewhere_and_later_it_is_the_same_to_the_byte(source, built, tmp_path):
    other = tmp_path / "some" / "where" / "else"
    shutil.copytree(source, other)
    for path in other.rglob("*"):
        os.utime(path, (2_000_000_000, 2_000_000_000))
    again = build(other, tmp_path / "again")
    assert {suffix: sha256(path) for suffix, path in again.items()} == {s: sha256(p) for s, p in built.items()}


def test_the_sdist_makes_the_same_wheel(built, tmp_path):
    with tarfile.open(built[".gz"]) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    again = build(folder, tmp_path / "wheel")
    assert sha256(again[".whl"]) == sha256(built[".whl"])


def test_the_wheel_has_every_file_of_the_packages_and_no_other(source, built):
    with zipfile.ZipFile(built[".whl"]) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    there = {p.relative_to(source).as_posix() for f in PACKAGES for p in (source / f).rglob("*") if p.is_file()}
    assert names == there
    assert {"reference/py.typed", "oracles/py.typed", "backproof/py.typed"} <= names


def test_the_index_will_take_it(built):
    assert "PASSED" in done(sys.executable, "-m", "twine", "check", "--strict", *built.values())


def test_the_metadata_names_what_is_needed(built):
    with zipfile.ZipFile(built[".whl"]) as archive:
        (name,) = [n for n in archive.namelist() if n.endswith("/METADATA")]
        metadata = email.message_from_bytes(archive.read(name))
    needed = [r for r in metadata.get_all("Requires-Dist") if "extra ==" not in r]
    assert {re.match(r"[\w-]+", r)[0].lower() for r in needed} == {
        *("numpy", "ml-dtypes", "hypothesis", "python-flint", "rich", "click")
    }
    assert metadata["License-Expression"] == "MIT"


@pytest.mark.parametrize("kind", [".whl", ".gz"])
def test_installed_into_an_empty_environment_it_works(built, kind, tmp_path):
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done(sys.executable, "-m", "venv", tmp_path / "venv", environment=environment)
    python = tmp_path / "venv" / "bin" / "python"
    if not python.exists():
        python = tmp_path / "venv" / "Scripts" / "python.exe"
    done(python, "-m", "pip", "install", "--quiet", built[kind], environment=environment)
    backproof = [python, "-m", "backproof"]
    assert "No framework oracle can run" in done(*backproof, "doctor", folder=tmp_path, environment=environment)
    said = done(*backproof, "verify", "--examples", 3, "--seed", 1, folder=tmp_path, environment=environment)
    assert "Nothing was cross-validated" in said
    assert "passed: " in said
    assert (python.parent / "backproof").exists() or (python.parent / "backproof.exe").exists()


def test_the_row_of_lowest_versions_has_the_lower_bound_of_every_dependency():
    project = (ROOT / "pyproject.toml").read_text()
    tables = re.search(r"^dependencies = \[.*?^\[project.scripts\]", project, re.DOTALL | re.MULTILINE)[0]
    bounds = dict(re.findall(r'"([\w-]+)>=([\d.]+)"', tables))
    examples = {"scikit-learn", "matplotlib"}
    pinned = dict(
        re.findall(r"^    lowest: ([\w-]+)==([\d.]+?)(?:\.\*)?$", (ROOT / "tox.ini").read_text(), re.MULTILINE)
    )
    for name, bound in bounds.items():
        if name not in examples:
            parts = pinned[name].split(".")
            assert parts[: len(bound.split("."))] == bound.split("."), (
                f"{name}: tested from {pinned[name]}, says {bound}"
            )
            assert not any(int(part) for part in parts[len(bound.split(".")) :])
