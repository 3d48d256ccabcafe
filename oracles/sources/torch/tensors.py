"""Tensors on the memory of arrays and back, the mode they are worked on in, and whether their device is still there."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import ml_dtypes
import numpy as np
import torch
from torch import Tensor

from ...data.arrays import Array, memory_of

# said once by a backward pass that is the first to multiply on CUDA in its thread, which is autograd's and not ours
_NO_CONTEXT = "Attempting to run cuBLAS, but there was no current CUDA context"


def share(a: Array, device: str = "cpu") -> Tensor:
    """A tensor on the array's own memory; on a copy for negative strides, which torch has not.

    On another device it lies in a copy of that memory, gaps included: `to` would close them.
    """
    if any(stride < 0 for stride in a.strides):
        a = np.array(a, order="C")
    with recording(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # read-only arrays: a candidate that writes to them is found out
        if device == "cpu" or a.flags.c_contiguous:
            return _from_numpy(a).to(device)
        row, start, strides = memory_of(a)
        return _from_numpy(row).to(device).as_strided(a.shape, strides, start)


def _from_numpy(a: Array) -> Tensor:
    half = a.dtype == ml_dtypes.bfloat16  # which from_numpy does not know
    return torch.from_numpy(a.view(np.int16)).view(torch.bfloat16) if half else torch.from_numpy(a)


def to_array(tensor: Tensor) -> Array:
    """An array on the tensor's own memory where that is the CPU's, on a copy otherwise."""
    plain = tensor.detach().cpu()
    return plain.view(torch.int16).numpy().view(ml_dtypes.bfloat16) if plain.dtype is torch.bfloat16 else plain.numpy()


def depends_on(output: Tensor, leaf: Tensor) -> bool:
    """Whether a tensor that records went into the output: then a backward pass that has no gradient for it said so."""
    seen, coming = set(), [output.grad_fn]
    while coming:
        node = coming.pop()
        if node is not None and node not in seen:
            if getattr(node, "variable", None) is leaf:
                return True
            seen.add(node)
            coming += [function for function, _ in node.next_functions]
    return False


def memory(tensor: Tensor) -> int:
    """The address of what it lies in."""
    return tensor.untyped_storage().data_ptr()


@contextmanager
def recording() -> Iterator[None]:
    """Autograd records, and tensors are such as it takes, whatever mode the caller is in."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


@contextmanager
def pulling(device: torch.device) -> Iterator[None]:
    """The same for a backward pass, without what PyTorch says of its own threads on CUDA."""
    with recording():
        if device.type == "cpu":
            yield
            return
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=_NO_CONTEXT)
            yield


def lost() -> str:
    """What CUDA says where a kernel left it unusable to the process; "" where it is well, or not in use."""
    if not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return ""
    try:
        torch.cuda.synchronize()
    except RuntimeError as error:  # of an access out of bounds, or an assertion
        return str(error).partition("\n")[0]
    return ""
