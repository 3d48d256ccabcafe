"""Trusted sources of gradients, and the kit that holds layers against them. Everything is loaded on demand.

`import oracles` alone loads nothing else, NumPy included: its pytest plugin is imported by every run of pytest in the
environment, whether or not that run has to do with gradients.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reference import InputError as InputError

    from .candidates.layer import Layer as Layer
    from .data.case import Case as Case
    from .data.recipe import Recipe as Recipe
    from .data.result import Result as Result
    from .ops import Op as Op
    from .ops import booleans as booleans
    from .ops import ids as ids
    from .ops import integers as integers
    from .ops import one_hot as one_hot
    from .ops import positive as positive
    from .ops import probabilities as probabilities
    from .reports.report import CheckFailed as CheckFailed
    from .runs.check_layer import check_layer as check_layer
    from .runs.parametrize import parametrize_with_checks as parametrize_with_checks
    from .sources.registry import Oracle as Oracle
    from .sources.registry import OracleUnavailable as OracleUnavailable
    from .sources.registry import UnsupportedCase as UnsupportedCase
    from .sources.registry import available as available
    from .sources.registry import load as load

_HOMES = {
    "InputError": "reference",
    "Case": ".data.case",
    "Result": ".data.result",
    "check_layer": ".runs.check_layer",
    "Layer": ".candidates.layer",
    "parametrize_with_checks": ".runs.parametrize",
    "CheckFailed": ".reports.report",
    "Op": ".ops",
    "booleans": ".ops",
    "ids": ".ops",
    "integers": ".ops",
    "one_hot": ".ops",
    "positive": ".ops",
    "probabilities": ".ops",
    "Recipe": ".data.recipe",
    "Oracle": ".sources.registry",
    "OracleUnavailable": ".sources.registry",
    "UnsupportedCase": ".sources.registry",
    "available": ".sources.registry",
    "load": ".sources.registry",
}
__all__ = list(_HOMES)


if not TYPE_CHECKING:  # to a type checker a misspelt name stays an error

    def __getattr__(name: str) -> Any:
        """The public name, its module imported when it is first asked for."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_HOMES[name], __name__), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *_HOMES})
