"""Trusted sources of gradients, and the kit that holds layers against them. Frameworks are loaded on demand."""

from reference import InputError as InputError

from .case import Case as Case
from .case import Result as Result
from .conformance.kit import check_layer as check_layer
from .conformance.layer import Layer as Layer
from .recipe import Recipe as Recipe
from .registry import Oracle as Oracle
from .registry import OracleUnavailable as OracleUnavailable
from .registry import UnsupportedCase as UnsupportedCase
from .registry import available as available
from .registry import load as load
