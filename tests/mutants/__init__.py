"""Wrong layers, and right ones that round differently: what the kit is tested with.

Each file holds an op's, in the book's interface: the plain layer, right ways to compute it differently, and wrong ones,
each with its fault in a line. MUTANTS says which claim must catch each and what the true cause is.
"""

from . import cross_entropy, dense, relu, softmax, softmax_cross_entropy
from .table import MUTANTS, RIGHT, SEVERITIES, Mutant, Right

__all__ = [
    "MUTANTS",
    "RIGHT",
    "SEVERITIES",
    "Mutant",
    "Right",
    "cross_entropy",
    "dense",
    "relu",
    "softmax",
    "softmax_cross_entropy",
]
