"""Gradients by PyTorch autograd, of PyTorch's own ops.

- Holds primals only; the gradients are autograd's.
- Leaves the process as it found it: no default dtype, device, thread count or grad mode is changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .arrays import Array
from .case import Case, Result

INSTALL = "pip install torch"


def dense(inputs: Tensor, weights: Tensor, biases: Tensor) -> Tensor:
    return functional.linear(inputs, weights.T, biases[0])


def relu(inputs: Tensor) -> Tensor:
    return functional.relu(inputs)


def softmax(inputs: Tensor) -> Tensor:
    return functional.softmax(inputs, dim=-1)


def cross_entropy(probabilities: Tensor, targets: Tensor, reduction: str, clip: float | None) -> Tensor:
    p = probabilities if clip is None else probabilities.clamp(clip, 1 - clip)
    if targets.ndim == 1:  # gathered before the log: nll_loss(log(p)) has gradient 0/0 at other classes' zeros
        losses = -p.gather(1, targets[:, None])[:, 0].log()
    else:
        losses = -(targets * torch.where(targets == 0, torch.ones_like(p), p).log()).sum(dim=1)
    return losses if reduction == "none" else losses.sum() if reduction == "sum" else losses.mean()


def softmax_cross_entropy(logits: Tensor, targets: Tensor, reduction: str) -> Tensor:
    return functional.cross_entropy(logits, targets, reduction=reduction)


PRIMALS: dict[str, Callable[..., Tensor]] = {
    f.__name__: f for f in (dense, relu, softmax, cross_entropy, softmax_cross_entropy)
}


def version() -> str:
    """The version of PyTorch."""
    return str(torch.__version__)


def devices() -> tuple[str, ...]:
    """The devices PyTorch sees here."""
    return ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)


def vjp(case: Case, device: str = "cpu") -> Result:
    """Output and gradients by `torch.autograd.grad`."""
    op = case.signature
    with torch.inference_mode(False), torch.enable_grad():
        cotangent = to_tensor(case.cotangent, device)
        tensors = {name: to_tensor(_labels(name, a, case), device) for name, a in case.primals.items()}
        leaves = [tensors[name].requires_grad_() for name in op.differentiable]
        output = PRIMALS[case.op](**tensors, **case.options)
        gradients = torch.autograd.grad(output, leaves, cotangent)
    return Result(to_numpy(output), {name: to_numpy(g) for name, g in zip(op.differentiable, gradients, strict=True)})


def to_tensor(a: Array, device: str = "cpu") -> Tensor:
    """A tensor with a copy of the array's values."""
    if a.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(np.array(a.view(np.int16), order="C")).view(torch.bfloat16).to(device)
    return torch.from_numpy(np.array(a, order="C")).to(device)


def to_numpy(tensor: Tensor) -> Array:
    """An array with a copy of the tensor's values."""
    cpu = tensor.detach().cpu().contiguous()
    if cpu.dtype is torch.bfloat16:
        return np.array(cpu.view(torch.int16).numpy()).view(ml_dtypes.bfloat16)
    return np.array(cpu.numpy())


def _labels(name: str, a: Array, case: Case) -> Array:
    """Labels as PyTorch takes them: ids as int64, weights in the dtype of the logits."""
    if name != "targets":
        return a
    dtype: Any = np.int64 if a.ndim == 1 else case.dtype
    return a.astype(dtype)
