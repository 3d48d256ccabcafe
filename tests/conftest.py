"""Hypothesis profiles, and the oracles as a fixture that skips, visibly, where a framework is not installed."""

import importlib
import os
import sys

import pytest
from hypothesis import HealthCheck, settings

from oracles import available, load
from oracles.sources.registry import OracleUnavailable, names

# too_slow, data_too_large: a case is drawn by recipe, and its arrays are as large as its frame says
COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
settings.register_profile("dev", max_examples=25, **COMMON)
settings.register_profile("ci", max_examples=50, derandomize=True, print_blob=True, **COMMON)
settings.register_profile("thorough", max_examples=2000, **COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))

FRAMEWORKS = ("torch", "jax")


def pytest_report_header():
    there = [f"{name} {load(name).version}" for name in FRAMEWORKS if name in available()]
    if not there:
        return "oracles: no framework installed; nothing is cross-validated in this run"
    return f"oracles: {', '.join(there)}"


@pytest.fixture(scope="session", params=names())
def oracle(request):
    return load_or_skip(request.param)


@pytest.fixture(scope="session", params=FRAMEWORKS)
def framework(request):
    return load_or_skip(request.param)


@pytest.fixture(scope="session", params=FRAMEWORKS)
def cuda_framework(request):
    return load_or_skip(request.param, device="cuda")


def load_or_skip(name, device="cpu"):
    try:
        return load(name, device=device)
    except OracleUnavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture
def module_of(tmp_path, monkeypatch):
    """What makes a module of a user's own of its name and text; gone when the test ends."""
    made = []

    def imported(name, text):
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        made.append(name)
        return importlib.import_module(name)

    yield imported
    for name in made:
        sys.modules.pop(name, None)


@pytest.fixture(autouse=True)
def nowhere_in_particular(monkeypatch):
    """What the runs within the tests fail on purpose is not for the log of the CI that runs the tests."""
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
