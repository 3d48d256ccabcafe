"""The book's names for the same layers ("Neural Networks from Scratch in Python", chapter on backpropagation).

Two differences from this package's own classes, both the book's: its loss clips the predictions to [1e-7, 1 - 1e-7] in
forward only, and its fused loss takes the mean of that. The second interface of the notebooks, gradients named
dL_dX, dL_dw, dL_db, dL_dz, reads the same arrays. `Loss` is the package's own, and `Loss_CategoricalCrossEntropy`
another spelling of `Loss_CategoricalCrossentropy`.
"""

from __future__ import annotations

from numpy.typing import ArrayLike

from ._arrays import Array, as_matrix
from .cross_entropy import CategoricalCrossEntropy, Loss, cross_entropy
from .dense import Dense
from .relu import ReLU
from .softmax import Softmax
from .softmax_cross_entropy import SoftmaxCrossEntropy

__all__ = [
    "Activation_ReLU",
    "Activation_Softmax",
    "Activation_Softmax_Loss_CategoricalCrossentropy",
    "Layer_Dense",
    "Loss",
    "Loss_CategoricalCrossEntropy",
    "Loss_CategoricalCrossentropy",
]

CLIP = 1e-7


class Layer_Dense(Dense):  # noqa: N801  (the book's name)
    """Dense, with its gradients under both names."""

    @property
    def dL_dX(self) -> Array:  # noqa: N802  (the notebooks' name)
        """Dinputs."""
        return self.dinputs

    @property
    def dL_dw(self) -> Array:  # noqa: N802  (the notebooks' name)
        """Dweights."""
        return self.dweights

    @property
    def dL_db(self) -> Array:  # noqa: N802  (the notebooks' name)
        """Dbiases."""
        return self.dbiases


class Activation_ReLU(ReLU):  # noqa: N801  (the book's name)
    """ReLU, with its gradient under both names."""

    @property
    def dL_dz(self) -> Array:  # noqa: N802  (the notebooks' name)
        """Dinputs."""
        return self.dinputs


class Activation_Softmax(Softmax):  # noqa: N801  (the book's name)
    """Softmax."""


class Loss_CategoricalCrossentropy(CategoricalCrossEntropy):  # noqa: N801  (the book's name)
    """Cross-entropy that clips the predictions in forward; backward is that of the unclipped loss, as in the book."""

    def __init__(self) -> None:
        super().__init__()  # no clip of its own: that would be differentiated

    def forward(self, y_pred: ArrayLike, y_true: ArrayLike) -> Array:
        """Per-sample losses (N,) of the clipped predictions (N, C). Raises InputError."""
        return cross_entropy(y_pred, y_true, "none", clip=CLIP)


Loss_CategoricalCrossEntropy = Loss_CategoricalCrossentropy


class Activation_Softmax_Loss_CategoricalCrossentropy(SoftmaxCrossEntropy):  # noqa: N801  (the book's name)
    """Softmax and cross-entropy in one; the loss that forward returns is that of the clipped probabilities."""

    def forward(self, inputs: ArrayLike, y_true: ArrayLike) -> Array:
        """The mean loss, a scalar array, of inputs (N, C); sets `.output`, the probabilities. Raises InputError."""
        super().forward(as_matrix("inputs", inputs), y_true)
        return cross_entropy(self.output, y_true, clip=CLIP)
