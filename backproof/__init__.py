"""What people type first: the public names of `oracles` and `reference`, handed on, and `python -m backproof`.

`import backproof` alone loads nothing else: a name's home is imported when the name is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oracles import Case as Case
    from oracles import CheckFailed as CheckFailed
    from oracles import InputError as InputError
    from oracles import Layer as Layer
    from oracles import Op as Op
    from oracles import Oracle as Oracle
    from oracles import OracleUnavailable as OracleUnavailable
    from oracles import Recipe as Recipe
    from oracles import Result as Result
    from oracles import UnsupportedCase as UnsupportedCase
    from oracles import available as available
    from oracles import booleans as booleans
    from oracles import check_layer as check_layer
    from oracles import ids as ids
    from oracles import integers as integers
    from oracles import load as load
    from oracles import one_hot as one_hot
    from oracles import parametrize_with_checks as parametrize_with_checks
    from oracles import positive as positive
    from oracles import probabilities as probabilities
    from reference import CategoricalCrossEntropy as CategoricalCrossEntropy
    from reference import Dense as Dense
    from reference import DenseGradients as DenseGradients
    from reference import Loss as Loss
    from reference import Network as Network
    from reference import NeuronGradients as NeuronGradients
    from reference import ReLU as ReLU
    from reference import Softmax as Softmax
    from reference import SoftmaxCrossEntropy as SoftmaxCrossEntropy
    from reference import cross_entropy as cross_entropy
    from reference import cross_entropy_vjp as cross_entropy_vjp
    from reference import dense as dense
    from reference import dense_vjp as dense_vjp
    from reference import neuron as neuron
    from reference import neuron_vjp as neuron_vjp
    from reference import numerical_gradient as numerical_gradient
    from reference import relu as relu
    from reference import relu_vjp as relu_vjp
    from reference import sgd_step as sgd_step
    from reference import softmax as softmax
    from reference import softmax_cross_entropy as softmax_cross_entropy
    from reference import softmax_cross_entropy_vjp as softmax_cross_entropy_vjp
    from reference import softmax_vjp as softmax_vjp
    from reference import squared_error as squared_error
    from reference import squared_error_vjp as squared_error_vjp

_HOMES = ("oracles", "reference")


if not TYPE_CHECKING:  # to a type checker a misspelt name stays an error

    def __getattr__(name: str) -> Any:
        """The public name, from its home."""
        for home in map(import_module, _HOMES):
            if name in home.__all__:
                value = globals()[name] = getattr(home, name)
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *(name for home in map(import_module, _HOMES) for name in home.__all__)})
