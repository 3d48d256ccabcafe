"""From-scratch NumPy layers with the backward passes written out: one file an op, each read the same way."""

from ._arrays import InputError as InputError
from .cross_entropy import CategoricalCrossEntropy as CategoricalCrossEntropy
from .cross_entropy import Loss as Loss
from .cross_entropy import cross_entropy as cross_entropy
from .cross_entropy import cross_entropy_vjp as cross_entropy_vjp
from .dense import Dense as Dense
from .dense import DenseGradients as DenseGradients
from .dense import dense as dense
from .dense import dense_vjp as dense_vjp
from .network import Network as Network
from .network import sgd_step as sgd_step
from .neuron import NeuronGradients as NeuronGradients
from .neuron import neuron as neuron
from .neuron import neuron_vjp as neuron_vjp
from .numerical import numerical_gradient as numerical_gradient
from .relu import ReLU as ReLU
from .relu import relu as relu
from .relu import relu_vjp as relu_vjp
from .softmax import Softmax as Softmax
from .softmax import softmax as softmax
from .softmax import softmax_vjp as softmax_vjp
from .softmax_cross_entropy import SoftmaxCrossEntropy as SoftmaxCrossEntropy
from .softmax_cross_entropy import softmax_cross_entropy as softmax_cross_entropy
from .softmax_cross_entropy import softmax_cross_entropy_vjp as softmax_cross_entropy_vjp
from .squared_error import squared_error as squared_error
from .squared_error import squared_error_vjp as squared_error_vjp

__all__ = [
    "CategoricalCrossEntropy",
    "Dense",
    "DenseGradients",
    "InputError",
    "Loss",
    "Network",
    "NeuronGradients",
    "ReLU",
    "Softmax",
    "SoftmaxCrossEntropy",
    "cross_entropy",
    "cross_entropy_vjp",
    "dense",
    "dense_vjp",
    "neuron",
    "neuron_vjp",
    "numerical_gradient",
    "relu",
    "relu_vjp",
    "sgd_step",
    "softmax",
    "softmax_cross_entropy",
    "softmax_cross_entropy_vjp",
    "softmax_vjp",
    "squared_error",
    "squared_error_vjp",
]
