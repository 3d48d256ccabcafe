"""Gradients by PyTorch autograd, of PyTorch's own ops.

- Holds primals only; the gradients are autograd's.
- Leaves the process as it found it: no default dtype, device, thread count or grad mode is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ...data.case import Case
from ...data.result import Result
from ...ops import Op
from ..arguments import cotangent_of, outputs_by_name, takes_sizes
from ..primals import array_api, primal, running, taken_dtypes
from .modules import Module, Pull, pullback
from .products import product_roundoff, sums_products_in, trouble  # noqa: F401  (what an adapter holds)
from .tensors import depends_on, lost, memory, pulling, recording, share, to_array  # noqa: F401  (likewise)

INSTALL = "pip install torch"

Trace = Callable[[Mapping[str, Tensor], Mapping[str, Any]], tuple[Tensor, Pull]]


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


def gelu(inputs: Tensor, approximate: str) -> Tensor:
    return functional.gelu(inputs, approximate=approximate)


def layer_norm(inputs: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    return functional.layer_norm(inputs, weight.shape, weight, bias, eps)


def rms_norm(inputs: Tensor, weight: Tensor, eps: float) -> Tensor:
    return functional.rms_norm(inputs, weight.shape, weight, eps)


def log_softmax(inputs: Tensor) -> Tensor:
    return functional.log_softmax(inputs, dim=-1)


def bce_with_logits(logits: Tensor, targets: Tensor, reduction: str) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits, targets, reduction=reduction)


def swiglu(gate: Tensor, up: Tensor) -> Tensor:
    return functional.silu(gate) * up


def attention(q: Tensor, k: Tensor, v: Tensor, causal: bool) -> Tensor:
    mask = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool, device=q.device).tril() if causal else None
    return functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)


_OPS: tuple[Callable[..., Tensor], ...] = (
    *(dense, relu, softmax, cross_entropy, softmax_cross_entropy),
    *(gelu, layer_norm, rms_norm, log_softmax, bce_with_logits, swiglu, attention),
)
PRIMALS = {f.__name__: f for f in _OPS}


@lru_cache
def namespace() -> Any:
    """What a definition is handed to run on tensors."""
    s = torch.special
    special = {"erf": s.erf, "erfc": s.erfc, "lgamma": s.gammaln, "digamma": s.digamma, "sigmoid": torch.sigmoid}
    return running(array_api("torch"), special | {"logsumexp": _logsumexp}, Tensor.detach)


def _logsumexp(x: Tensor, /, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    return torch.logsumexp(x, tuple(range(x.ndim)) if axis is None else axis, keepdim=keepdims)


def version() -> str:
    """The version of PyTorch."""
    return str(torch.__version__)


def devices() -> tuple[str, ...]:
    """The devices PyTorch sees here."""
    return ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)


def vjp(case: Case, device: str = "cpu") -> Result:
    """Output and gradients by `torch.autograd.grad`."""
    op = case.signature
    dtypes = taken_dtypes(op, case.primals)
    tensors = {n: share(np.array(a, dtypes.get(n, a.dtype), order="C"), device) for n, a in case.primals.items()}
    function, several = primal(op, "torch", PRIMALS, namespace), len(op.outputs) > 1
    output, pull = pullback(function, tensors, op.differentiable, case.options, several=several)
    cotangents = {name: share(np.array(g, order="C"), device) for name, g in case.cotangents.items()}
    gradients = pull(cotangent_of(case, cotangents))
    # autograd has none where the output does not depend on a primal
    found = {n: np.zeros_like(case.primals[n]) if g is None else np.array(to_array(g)) for n, g in gradients.items()}
    named = {n: np.array(to_array(y)) for n, y in outputs_by_name(op, output).items()}
    return Result.of(op, named | {f"d{n}": g for n, g in found.items()})


def tracer(op: Op, fn: Any, device: str) -> Trace:
    """What runs one instance of a candidate: trace(primals, options) -> (output, cotangent -> gradients).

    fn: a function of tensors, an autograd.Function, an nn.Module, its class, or what makes one.
    """
    several = len(op.outputs) > 1
    if isinstance(fn, type) and issubclass(fn, torch.autograd.Function):  # apply takes no keywords
        return lambda primals, options: pullback(
            lambda *tensors: fn.apply(*tensors, *options.values()), primals, op.differentiable, {}, several=several
        )
    if is_function(op, fn):
        return lambda primals, options: pullback(fn, primals, op.differentiable, options, several=several)
    return Module(op, fn, device)


def is_function(op: Op, fn: Any) -> bool:
    """Whether a candidate is a function of tensors: no nn.Module, and nothing that makes one."""
    made = fn.func if isinstance(fn, partial) else fn
    makes = issubclass(made, nn.Module) if isinstance(made, type) else takes_sizes(op, fn)
    return not isinstance(fn, nn.Module) and not makes
