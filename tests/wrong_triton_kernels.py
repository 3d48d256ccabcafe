"""Triton kernels with the mistakes that are made most, each with the claim that it breaks.

Run as a program, with examples/ and tests/ on the path, it prints as JSON what of them, and of the right ones, holds.
"""

import json
import sys

import torch
import triton
import triton.language as tl
from torch.autograd import Function
from triton_kernels import DEVICE, Losses, Softmax, cross_entropy, launch, softmax, softmax_backward

from oracles import Layer, check_layer
from oracles.claims.checks import CHECKS
from oracles.runs.trial import search


@triton.jit
def padded_with_zeros(x_ptr, s_ptr, columns, block: tl.constexpr):
    row, at = tl.program_id(0), tl.arange(0, block)
    x = tl.load(x_ptr + row * columns + at, mask=at < columns, other=0.0)
    e = tl.exp(x - tl.max(x, axis=0))
    tl.store(s_ptr + row * columns + at, e / tl.sum(e, axis=0), mask=at < columns)


@triton.jit
def not_shifted(x_ptr, s_ptr, columns, block: tl.constexpr):
    row, at = tl.program_id(0), tl.arange(0, block)
    e = tl.exp(tl.load(x_ptr + row * columns + at, mask=at < columns, other=-float("inf")))
    tl.store(s_ptr + row * columns + at, e / tl.sum(e, axis=0), mask=at < columns)


@triton.jit
def no_rank_one_term(s_ptr, g_ptr, dx_ptr, columns, block: tl.constexpr):
    row, at = tl.program_id(0), tl.arange(0, block)
    s = tl.load(s_ptr + row * columns + at, mask=at < columns, other=0.0)
    g = tl.load(g_ptr + row * columns + at, mask=at < columns, other=0.0)
    tl.store(dx_ptr + row * columns + at, s * g, mask=at < columns)


def sixteen_columns(kernel, like, *arrays):
    if like.numel():
        kernel[(len(like),)](*arrays, like.shape[-1], block=16)


def softmax_of(forward=None, backward=softmax_backward, *, on=launch, rows=torch.Tensor.contiguous):
    """The right softmax, but for what is given."""

    class Changed(Function):
        @staticmethod
        def forward(ctx, x):
            if forward is None:
                return Softmax.forward(ctx, x)
            s = torch.empty_like(x.contiguous())
            launch(forward, x, x.contiguous(), s)
            ctx.save_for_backward(s)
            return s

        @staticmethod
        def backward(ctx, g):
            (s,) = ctx.saved_tensors
            dx = torch.zeros_like(s)
            on(backward, s, s, rows(g), dx)
            return dx

    return Layer.from_torch("softmax", Changed, device=DEVICE)


class CotangentIgnored(Losses):
    @staticmethod
    def backward(ctx, g):
        return Losses.backward(ctx, torch.full_like(g, 1 / max(1, len(g))).contiguous())


def loss_of(losses, mean=torch.mean):
    return Layer.from_torch(
        "softmax_cross_entropy", lambda x, y: mean(losses.apply(x, y)), device=DEVICE, targets=["ids"]
    )


WRONG = {
    "the padding of a row counts": (softmax_of(padded_with_zeros), "values"),
    "the maximum is not subtracted": (softmax_of(not_shifted), "special_values"),
    "no rank-one term": (softmax_of(backward=no_rank_one_term), "values"),
    "a block of sixteen columns": (softmax_of(on=sixteen_columns), "sizes"),
    "raw memory": (softmax_of(rows=lambda g: g), "layouts"),
    "the cotangent is ignored": (loss_of(CotangentIgnored), "values"),
    "the sum instead of the mean": (loss_of(Losses, torch.sum), "values"),
}


def right():
    """On a GPU in every dtype, as a user would check them; the interpreter is slow."""
    thorough = {"dtypes": ["float32", "float64", "float16", "bfloat16"], "max_examples": 20}
    much = thorough if DEVICE == "cuda" else {"dtypes": ["float32"], "max_examples": 3}
    for layer in (softmax, cross_entropy):
        yield layer.op, str(check_layer(layer, oracles=["exact"], seed=1, **much))


def wrong():
    checks = {check.name: check for check in CHECKS}
    for name, (layer, claim) in WRONG.items():
        disagreement = search(checks[claim], layer, "float32", 40, seed=1)
        yield name, "" if disagreement is None else disagreement.message


def main():
    found = dict({"right": right, "wrong": wrong}[sys.argv[1]]())
    print(json.dumps({"device": DEVICE, "triton": triton.__version__, "found": found}))


if __name__ == "__main__":
    main()
