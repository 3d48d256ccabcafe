"""PyTorch's own functions at the points where frameworks differ: kinks, ties, domains, labels out of range."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...data.arrays import Array
from .tensors import recording, share, to_array

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "maximum": lambda x: torch.maximum(x, torch.zeros_like(x)),
    "clip": lambda x: x.clamp(-1, 1),
    "abs": torch.abs,
    "sqrt": torch.sqrt,
    "norm": lambda x: torch.linalg.vector_norm(x, dim=-1),
    "max": lambda x: x.amax(dim=-1),
    "max_with_index": lambda x: x.max(dim=-1).values,
    "min": lambda x: x.amin(dim=-1),
    "sort": lambda x: x.sort(dim=-1).values[..., 0],
    "median": lambda x: x.median(dim=-1).values,
    "prod": lambda x: x.prod(dim=-1),
    "power_0": lambda x: x**0,
    "x_to_the_x": lambda x: x**x,
    "relu6": functional.relu6,
    "leaky_relu": functional.leaky_relu,
    "elu": functional.elu,
    "hard_tanh": functional.hardtanh,
    "hard_sigmoid": functional.hardsigmoid,
    "gelu": functional.gelu,
    "softplus": functional.softplus,
    "log_softmax": lambda x: functional.log_softmax(x, dim=-1),
    "logsumexp": lambda x: x.logsumexp(dim=-1),
    "label_past_the_last": lambda x: functional.cross_entropy(x, torch.tensor([x.shape[1]], device=x.device)),
    "label_minus_1": lambda x: functional.cross_entropy(x, torch.tensor([-1], device=x.device)),
    "label_minus_100": lambda x: functional.cross_entropy(x, torch.tensor([-100], device=x.device)),
}


def answer(name: str, inputs: Array, device: str) -> tuple[Array, Array]:
    """The function's value, and its vjp with a cotangent of ones."""
    with recording():
        x = share(np.array(inputs, order="C"), device).requires_grad_()
        output = FUNCTIONS[name](x)
        (gradient,) = torch.autograd.grad(output.sum(), x)
    return np.array(to_array(output)), np.array(to_array(gradient))


def dtype_of_default(inputs: Array) -> str:
    """The dtype that the process, as it is, makes of an array."""
    return str(torch.from_numpy(inputs).dtype).removeprefix("torch.")
