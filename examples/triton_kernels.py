"""Softmax, and its cross-entropy for class ids, as Triton kernels with their backward passes.

    backproof check examples/triton_kernels.py:softmax --device cuda
    TRITON_INTERPRET=1 backproof check examples/triton_kernels.py:softmax --oracle exact --examples 5

The second line needs no GPU: Triton's interpreter takes tensors on the CPU. A program does a row, which it holds in one
block of a power of two; half precision is computed in float32.
"""

import torch
import triton
import triton.language as tl
from torch.autograd import Function

from oracles import Layer


@triton.jit
def softmax_forward(x_ptr, s_ptr, columns, block: tl.constexpr):
    row, at = tl.program_id(0).to(tl.int64), tl.arange(0, block)
    x = tl.load(x_ptr + row * columns + at, mask=at < columns, other=-float("inf"))
    x = x.to(tl.float64) if x.dtype == tl.float64 else x.to(tl.float32)
    e = tl.exp(x - tl.max(x, axis=0))
    tl.store(s_ptr + row * columns + at, e / tl.sum(e, axis=0), mask=at < columns)


@triton.jit
def softmax_backward(s_ptr, g_ptr, dx_ptr, columns, block: tl.constexpr):
    row, at = tl.program_id(0).to(tl.int64), tl.arange(0, block)
    s = tl.load(s_ptr + row * columns + at, mask=at < columns, other=0.0)
    g = tl.load(g_ptr + row * columns + at, mask=at < columns, other=0.0)
    if s.dtype != tl.float64:
        s, g = s.to(tl.float32), g.to(tl.float32)
    tl.store(dx_ptr + row * columns + at, s * (g - tl.sum(s * g, axis=0)), mask=at < columns)


@triton.jit
def losses_forward(x_ptr, ids_ptr, losses_ptr, s_ptr, columns, block: tl.constexpr):
    row, at = tl.program_id(0).to(tl.int64), tl.arange(0, block)
    x = tl.load(x_ptr + row * columns + at, mask=at < columns, other=-float("inf"))
    x = x.to(tl.float64) if x.dtype == tl.float64 else x.to(tl.float32)
    label, top = tl.load(ids_ptr + row), tl.max(x, axis=0)
    e = tl.exp(x - top)
    total = tl.sum(e, axis=0)
    tl.store(losses_ptr + row, tl.log(total) + (top - tl.sum(tl.where(at == label, x, 0.0), axis=0)))
    tl.store(s_ptr + row * columns + at, e / total, mask=at < columns)


@triton.jit
def losses_backward(s_ptr, ids_ptr, g_ptr, dx_ptr, columns, block: tl.constexpr):
    row, at = tl.program_id(0).to(tl.int64), tl.arange(0, block)
    s = tl.load(s_ptr + row * columns + at, mask=at < columns, other=0.0)
    label, g = tl.load(ids_ptr + row), tl.load(g_ptr + row)
    tl.store(dx_ptr + row * columns + at, (s - tl.where(at == label, 1.0, 0.0)) * g, mask=at < columns)


def launch(kernel, like, *arrays):
    """A program a row of `like`. A grid of no programs can not be launched: an empty batch is done already."""
    if like.numel():
        columns = like.shape[-1]
        kernel[(like.numel() // columns,)](*arrays, columns, block=triton.next_power_of_2(columns))


class Softmax(Function):
    """Over the last axis."""

    @staticmethod
    def forward(ctx, x):
        """The probabilities, of the shape of x."""
        x = x.contiguous()  # the kernels read rows that lie one after the other
        s = torch.empty_like(x)
        launch(softmax_forward, x, x, s)
        ctx.save_for_backward(s)
        return s

    @staticmethod
    def backward(ctx, g):
        """s (g - s.g) for a cotangent g of that shape."""
        (s,) = ctx.saved_tensors
        dx = torch.empty_like(s)
        launch(softmax_backward, s, s, g.contiguous(), dx)
        return dx


class Losses(Function):
    """Of each sample (N,), for logits (N, C) and class ids (N,)."""

    @staticmethod
    def forward(ctx, x, ids):
        """log sum exp x - x at the id."""
        x, ids = x.contiguous(), ids.contiguous()
        s = torch.empty_like(x, dtype=torch.promote_types(x.dtype, torch.float32))
        losses = torch.empty(len(x), dtype=s.dtype, device=x.device)
        launch(losses_forward, x, x, ids, losses, s)
        ctx.save_for_backward(s, ids)
        ctx.dtype = x.dtype
        return losses

    @staticmethod
    def backward(ctx, g):
        """(s - 1 at the id) g for the cotangents g (N,)."""
        s, ids = ctx.saved_tensors
        dx = torch.empty_like(s, dtype=ctx.dtype)
        launch(losses_backward, s, s, ids, g.contiguous(), dx)
        return dx, None


def mean_loss(logits, targets):
    """The mean loss; it is rounded to the dtype at the end."""
    return Losses.apply(logits, targets).mean().to(logits.dtype)


DEVICE = "cuda" if torch.cuda.is_available() else "cpu"  # on the CPU the kernels run with TRITON_INTERPRET=1 alone
softmax = Layer.from_torch("softmax", Softmax, device=DEVICE, any_rank=True)
cross_entropy = Layer.from_torch("softmax_cross_entropy", mean_loss, device=DEVICE, targets=["ids"])
