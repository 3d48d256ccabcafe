"""The dense layer: output = X W + b, a row of biases for all samples."""

from __future__ import annotations

from typing import Any

from ..op import Op


def dense(xp: Any, inputs: Any, weights: Any, biases: Any) -> Any:
    """The product, a step that half precision stores, and the sum with the biases."""
    return xp.stored(inputs @ weights) + biases


def biases_among_the_products(xp: Any, inputs: Any, weights: Any, biases: Any) -> Any:
    """A BLAS may begin its sums with the biases, or add them in the middle."""
    return xp.product(inputs, weights, further=1) + xp.among(biases, inputs.shape[1] + 1)


OP = Op(
    "dense(inputs[N, K], weights[K, M], biases[1, M]) -> output[N, M]",
    definition=dense,
    forms=(biases_among_the_products,),
    special_values="all",
)
