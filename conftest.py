"""A test file that a reader writes in this clone imports what lies beside it, as it does anywhere else.

This project's own tests run in pytest's importlib mode, which puts no folder on the path. Last on it, the folder hides
nothing that is installed.
"""

import sys

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """The folder that pytest was started in."""
    sys.path.append(str(config.invocation_params.dir))
