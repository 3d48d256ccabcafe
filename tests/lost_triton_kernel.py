"""A softmax whose backward kernel, in Triton, writes far out of bounds on rows of more than 40 columns."""

import torch
import triton
import triton.language as tl
from torch.autograd import Function


@triton.jit
def backward_out_of_bounds(s_ptr, g_ptr, dx_ptr, columns, block: tl.constexpr):
    row, at = tl.program_id(0).to(tl.int64), tl.arange(0, block)
    s = tl.load(s_ptr + row * columns + at, mask=at < columns, other=0.0)
    g = tl.load(g_ptr + row * columns + at, mask=at < columns, other=0.0)
    away = tl.where(columns > 40, 1 << 40, 0)
    tl.store(dx_ptr + row * columns + at + away, s * (g - tl.sum(s * g, axis=0)), mask=at < columns)


class Softmax(Function):
    @staticmethod
    def forward(ctx, x):
        s = torch.softmax(x, dim=-1)
        ctx.save_for_backward(s)
        return s

    @staticmethod
    def backward(ctx, g):
        s, g = ctx.saved_tensors[0].contiguous(), g.contiguous()
        dx = torch.empty_like(s)
        if s.numel():
            columns = s.shape[-1]
            block = triton.next_power_of_2(columns)
            backward_out_of_bounds[(s.numel() // columns,)](s, g, dx, columns, block=block)
        return dx
