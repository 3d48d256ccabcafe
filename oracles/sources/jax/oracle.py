"""Gradients by `jax.vjp`, of JAX's own ops, compiled by `jax.jit` as users run them.

- Holds primals only; the gradients are JAX's.
- Leaves the process as it found it: 64-bit types are switched on around each call, not globally.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from importlib import import_module
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ...data.case import Case
from ...data.result import Result
from ...ops import Op
from ..arguments import cotangent_of, outputs_by_name
from ..primals import primal, running, taken_dtypes
from ..registry import LayerError
from .products import product_roundoff as product_roundoff

INSTALL = "pip install jax"
IMMUTABLE = True
_in_use: set[str] = set()  # devices: to look at others would start them


def dense(inputs: Array, weights: Array, biases: Array) -> Array:
    return inputs @ weights + biases


def relu(inputs: Array) -> Array:
    return jax.nn.relu(inputs)


def softmax(inputs: Array) -> Array:
    return jax.nn.softmax(inputs, axis=-1)


def cross_entropy(probabilities: Array, targets: Array, reduction: str, clip: float | None) -> Array:
    p = probabilities if clip is None else jnp.clip(probabilities, clip, 1 - clip)
    if targets.ndim == 1:
        losses = -jnp.log(jnp.take_along_axis(p, targets[:, None], axis=1)[:, 0])
    else:
        losses = -(targets * jnp.log(jnp.where(targets == 0, 1, p))).sum(axis=1)
    return _reduce(losses, reduction)


def softmax_cross_entropy(logits: Array, targets: Array, reduction: str) -> Array:
    log_probabilities = jax.nn.log_softmax(logits, axis=-1)
    if targets.ndim == 1:
        losses = -jnp.take_along_axis(log_probabilities, targets[:, None], axis=1)[:, 0]
    else:
        losses = -(targets * log_probabilities).sum(axis=1)
    return _reduce(losses, reduction)


def _reduce(losses: Array, reduction: str) -> Array:
    return losses if reduction == "none" else losses.sum() if reduction == "sum" else losses.mean()


def gelu(inputs: Array, approximate: str) -> Array:
    return jax.nn.gelu(inputs, approximate=approximate == "tanh")


def layer_norm(inputs: Array, weight: Array, bias: Array, eps: float) -> Array:
    centred = inputs - inputs.mean(-1, keepdims=True)
    return centred * jax.lax.rsqrt(inputs.var(-1, keepdims=True) + eps) * weight + bias


def rms_norm(inputs: Array, weight: Array, eps: float) -> Array:
    return inputs * jax.lax.rsqrt((inputs * inputs).mean(-1, keepdims=True) + eps) * weight


def log_softmax(inputs: Array) -> Array:
    return jax.nn.log_softmax(inputs)


def bce_with_logits(logits: Array, targets: Array, reduction: str) -> Array:
    return _reduce(-targets * jax.nn.log_sigmoid(logits) - (1 - targets) * jax.nn.log_sigmoid(-logits), reduction)


def swiglu(gate: Array, up: Array) -> Array:
    return jax.nn.silu(gate) * up


def attention(q: Array, k: Array, v: Array, causal: bool) -> Array:
    scores = q @ jnp.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1]).astype(q.dtype)
    if causal:
        scores = jnp.where(jnp.tri(scores.shape[-2], scores.shape[-1], dtype=bool), scores, -jnp.inf)
    return jax.nn.softmax(scores) @ v


_OPS: tuple[Callable[..., Array], ...] = (
    *(dense, relu, softmax, cross_entropy, softmax_cross_entropy),
    *(gelu, layer_norm, rms_norm, log_softmax, bce_with_logits, swiglu, attention),
)
PRIMALS = {f.__name__: f for f in _OPS}


@lru_cache
def namespace() -> Any:
    """What a definition is handed to run on jax's arrays."""
    s = jax.scipy.special
    special = {"erf": s.erf, "erfc": s.erfc, "lgamma": s.gammaln, "digamma": s.digamma, "sigmoid": jax.nn.sigmoid}
    return running(jnp, special | {"logsumexp": s.logsumexp}, jax.lax.stop_gradient)


def version() -> str:
    """The version of JAX."""
    return str(jax.__version__)


def devices() -> tuple[str, ...]:
    """The devices JAX sees here."""
    return ("cpu", "cuda") if any(d.platform in ("gpu", "cuda") for d in jax.devices()) else ("cpu",)


def vjp(case: Case, device: str = "cpu") -> Result:
    """Output and gradients by `jax.vjp`."""
    dtypes = taken_dtypes(case.signature, case.primals)
    primals = {n: np.array(a, dtypes.get(n, a.dtype), order="C") for n, a in case.primals.items()}
    leaves = {name: primals.pop(name) for name in case.signature.differentiable}
    with on_device(device):
        cotangents = {name: np.ascontiguousarray(g).reshape(g.shape) for name, g in case.cotangents.items()}
        compiled = _compiled(case.signature, tuple(case.options.items()))
        output, gradients = compiled(cotangent_of(case, cotangents), leaves, primals)
        named = {name: np.array(y) for name, y in outputs_by_name(case.signature, output).items()}
        return Result.of(case.signature, named | {f"d{name}": np.array(g) for name, g in gradients.items()})


def forget() -> None:
    """Drop what was compiled: it is kept for every shape, for as long as the process lives."""
    jax.clear_caches()


@lru_cache
def _compiled(op: Op, options: tuple[tuple[str, Any], ...]) -> Callable[..., Any]:
    function = primal(op, "jax", PRIMALS, namespace)

    def run(cotangent: Array, leaves: Mapping[str, Array], others: Mapping[str, Array]) -> Any:
        given = {**leaves, **others}
        primals = {name: given[name] for name in op.primals}  # jit hands over dicts sorted by name
        output, pull = pullback(function, primals, tuple(leaves), dict(options))
        return output, pull(cotangent)

    return jax.jit(run)


def pullback(
    function: Callable[..., Any],
    primals: Mapping[str, Array],
    differentiable: Sequence[str],
    options: Mapping[str, Any],
) -> tuple[Any, Callable[[Array], dict[str, Array]]]:
    """function(*primals, **options), and what takes a cotangent of it to the gradients by name."""

    def of_leaves(*leaves: Array) -> Any:
        given = {**primals, **dict(zip(differentiable, leaves, strict=True))}
        return function(*given.values(), **options)

    output, pull = jax.vjp(of_leaves, *(primals[name] for name in differentiable))
    return output, lambda cotangent: dict(zip(differentiable, pull(cotangent), strict=True))


def tracer(op: Op, fn: Callable[..., Any], device: str) -> Callable[..., Any]:
    """What runs a candidate: trace(primals, options) -> (output, cotangent -> gradients), with 64-bit types on.

    The function is run as it was written, not compiled as a whole: jit would change its roundings, and refuse what
    looks at values. It costs: JAX compiles each op for each shape, and check_layer takes 1.5 to 2.5 times as long as
    with jax.jit(fn), which anyone may pass.
    """

    def trace(primals: Mapping[str, Array], options: Mapping[str, Any]) -> tuple[Array, Callable[[Array], Any]]:
        with on_device(device):
            output, pull = pullback(fn, primals, op.differentiable, options)
        for y in output if len(op.outputs) > 1 and isinstance(output, tuple) else (output,):
            if not isinstance(y, Array):
                raise LayerError(f"output: expected a jax array, got {type(y).__name__}")

        def pull_here(cotangent: Any) -> dict[str, Array]:
            with on_device(device):  # jax takes no cotangent of another dtype: one of the output's, whatever that is
                return pull(jax.tree_util.tree_map(lambda g, y: g.astype(y.dtype), cotangent, output))

        return output, pull_here

    return trace


def share(a: Any, device: str = "cpu") -> Array:
    """A jax array with a copy of the values: nobody can write to it."""
    with on_device(device):
        return jnp.array(a)


def to_array(a: Array) -> Any:
    """A NumPy array with a copy of the values: jax may return the very array that it was given."""
    return np.array(a)


@contextmanager
def on_device(device: str) -> Iterator[None]:
    there = jax.devices(device)[0]
    _in_use.add(device)
    with _x64(), jax.default_device(there):
        yield


def lost() -> str:
    """What CUDA says where a kernel left it unusable to the process; "" where it is well, or not in use."""
    try:
        if "cuda" in _in_use:
            jax.device_put(np.zeros(1), jax.devices("cuda")[0]).block_until_ready()
    except RuntimeError as error:
        said = str(error).partition("\n")[0]
        return said if "CUDA" in said else ""
    return ""


def _x64() -> AbstractContextManager[Any]:
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    experimental: Any = import_module("jax.experimental")  # where it lived before jax 0.8
    context: AbstractContextManager[Any] = experimental.enable_x64()
    return context
