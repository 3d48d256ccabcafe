"""The worst |error| / derived bound of torch, jax and plain NumPy, over drawn cases of the declared ops.

    python benchmarks/declared_margins.py --cases 20000 --op layer_norm --dtype float32

float32 is held against the definition in float64, whose own error is added; float64 against balls.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np

from oracles import Case
from oracles.case import Result
from oracles.conformance.truth import Truth
from oracles.ops import DECLARATIONS

SIZES = {"N": (1, 2, 5), "C": (1, 2, 3, 7, 17, 65), "L": (1, 2, 5), "S": (1, 3, 5), "D": (1, 4, 8), "E": (1, 3)}
LEADING = ((), (1,), (3,), (2, 3))
OPS = ("gelu", "layer_norm", "rms_norm", "log_softmax", "bce_with_logits", "swiglu", "attention")


def values(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> Any:
    """Numbers of one of many scales, offsets and patterns; nothing that is not finite."""
    style, a = rng.integers(10), rng.standard_normal(shape)
    info = np.finfo(dtype)
    if style == 0:
        a = a * 10.0 ** rng.uniform(-3, 2)
    elif style == 1:  # an offset, to a thousand times the spread
        a = a + rng.choice([-1, 1]) * 10.0 ** rng.uniform(0, 3)
    elif style == 2:
        a = rng.integers(-3, 4, shape) * 1.0
    elif style == 3:
        a = a * float(info.smallest_normal) * 2.0 ** rng.integers(-4, 30)
    elif style == 4:
        a = a**3 * rng.choice([0.1, 1, 10])
    elif style == 5:
        a = np.where(rng.random(shape) < 0.3, 0.0, a)
    elif style == 6:
        a = np.full(shape, rng.standard_normal() * 10.0 ** rng.uniform(-2, 2))
    elif style == 7:
        a = a * 2.0 ** rng.integers(0, info.maxexp // 4)
    return np.asarray(a).astype(dtype)


def cases(op: Any, dtype: str, count: int, seed: int) -> Iterator[Case]:
    """Cases of few shapes, so that jax compiles few programs."""
    rng = np.random.default_rng(seed)
    shapes = []
    for _ in range(12):
        sizes = {axis: int(rng.choice(SIZES.get(axis, (1, 3)))) for axis in op.signature.axes}
        leading = LEADING[rng.integers(len(LEADING))]
        shapes.append({a.name: op.signature.shape_of(a, sizes, leading) for a in op.signature.inputs})
    for _ in range(count):
        shape = shapes[rng.integers(len(shapes))]
        options = {
            name: (o.choices or (o.default,))[rng.integers(len(o.choices or (0,)))] for name, o in op.settings.items()
        }
        primals = {name: values(rng, s, dtype) for name, s in shape.items()}
        if op.name == "bce_with_logits":
            given = rng.random(shape["targets"])
            primals["targets"] = (given if rng.random() < 0.3 else given.round()).astype(dtype)
        out = op.output_shape(shape, options)
        yield Case(op, primals, values(rng, out, dtype), options)


def torch_primals() -> dict[str, Callable[..., Any]]:
    import torch
    from torch.nn import functional

    return {
        "gelu": lambda x, approximate: functional.gelu(x, approximate=approximate),
        "layer_norm": lambda x, w, b, eps: functional.layer_norm(x, w.shape, w, b, eps),
        "rms_norm": lambda x, w, eps: functional.rms_norm(x, w.shape, w, eps),
        "log_softmax": lambda x: functional.log_softmax(x, -1),
        "bce_with_logits": lambda z, y, reduction: functional.binary_cross_entropy_with_logits(
            z, y, reduction=reduction
        ),
        "swiglu": lambda a, b: functional.silu(a) * b,
        "attention": lambda q, k, v, causal: functional.scaled_dot_product_attention(
            q, k, v, attn_mask=torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool).tril() if causal else None
        ),
    }


def jax_primals() -> dict[str, Callable[..., Any]]:
    import jax
    import jax.numpy as jnp

    def layer_norm(x: Any, w: Any, b: Any, eps: float) -> Any:
        return (x - x.mean(-1, keepdims=True)) * jax.lax.rsqrt(x.var(-1, keepdims=True) + eps) * w + b

    def bce(z: Any, y: Any, reduction: str) -> Any:
        losses = -y * jax.nn.log_sigmoid(z) - (1 - y) * jax.nn.log_sigmoid(-z)
        return losses if reduction == "none" else losses.sum() if reduction == "sum" else losses.mean()

    def attention(q: Any, k: Any, v: Any, causal: bool) -> Any:
        s = q @ jnp.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1]).astype(q.dtype)
        s = jnp.where(jnp.arange(s.shape[-2])[:, None] >= jnp.arange(s.shape[-1]), s, -jnp.inf) if causal else s
        return jax.nn.softmax(s) @ v

    return {
        "gelu": lambda x, approximate: jax.nn.gelu(x, approximate=approximate == "tanh"),
        "layer_norm": layer_norm,
        "rms_norm": lambda x, w, eps: x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + eps) * w,
        "log_softmax": jax.nn.log_softmax,
        "bce_with_logits": bce,
        "swiglu": lambda a, b: jax.nn.silu(a) * b,
        "attention": attention,
    }


def by_torch(case: Case, primals: dict[str, Callable[..., Any]]) -> dict[str, Any]:
    import torch

    given = {n: torch.tensor(np.asarray(a)) for n, a in case.primals.items()}
    wanted = [given[n].requires_grad_() for n in case.signature.differentiable]
    y = primals[case.op](*given.values(), **case.options)
    gradients = torch.autograd.grad(y, wanted, torch.tensor(np.asarray(case.cotangent)))
    found = {"output": y, **{f"d{n}": g for n, g in zip(case.signature.differentiable, gradients, strict=True)}}
    return {n: t.detach().numpy() for n, t in found.items()}


def by_jax(case: Case, primals: dict[str, Callable[..., Any]], known: dict[Any, Any]) -> dict[str, Any]:
    import jax

    settings = tuple(case.options.items())
    if (case.op, settings) not in known:
        names, wanted = case.signature.primals, case.signature.differentiable

        def both(given: Any, g: Any) -> Any:
            others = {n: given[n] for n in names if n not in wanted}

            def f(*moving: Any) -> Any:
                every = dict(zip(wanted, moving, strict=True)) | others
                return primals[case.op](*(every[n] for n in names), **dict(settings))

            y, pull = jax.vjp(f, *(given[n] for n in wanted))
            return y, pull(g)

        known[case.op, settings] = jax.jit(both)
    y, gradients = known[case.op, settings](
        {n: np.asarray(a) for n, a in case.primals.items()}, np.asarray(case.cotangent)
    )
    return {
        "output": np.asarray(y),
        **{f"d{n}": np.asarray(g) for n, g in zip(case.signature.differentiable, gradients, strict=True)},
    }


def margins(case: Case, results: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str, float, tuple[int, ...]]]:
    """Source, result, worst |error| / bound and where."""
    truth = Truth.of(case)
    for source, named in results.items():
        output, *gradients = named.values()
        result = Result(output, dict(zip(case.signature.differentiable, gradients, strict=True)))
        for name, found in truth.judge(result).items():
            if found.at is not None:
                yield source, name, found.margin, found.at


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--op", action="append")
    parser.add_argument("--dtype", action="append")
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true", help="the worst case of each that is over 1")
    arguments = parser.parse_args()
    sources = [name for name in ("torch", "jax") if find_spec(name)]
    primals = {name: {"torch": torch_primals, "jax": jax_primals}[name]() for name in sources}
    if "jax" in sources:
        import jax

        jax.config.update("jax_enable_x64", True)
    known: dict[Any, Any] = {}
    for op in arguments.op or OPS:
        for dtype in arguments.dtype or ("float32", "float64"):
            start, worst = time.perf_counter(), dict[tuple[str, str], tuple[float, Case, Any]]()
            for case in cases(DECLARATIONS[op], dtype, arguments.cases, arguments.seed):
                results = {}
                if "torch" in sources:
                    results["torch"] = by_torch(case, primals["torch"])
                if "jax" in sources:
                    results["jax"] = by_jax(case, primals["jax"], known)
                for source, name, share, at in margins(case, results):
                    if share > worst.get((source, name), (-1.0,))[0]:
                        worst[source, name] = (share, case, at)
            said = ", ".join(f"{source} {name} {share:.2f}" for (source, name), (share, _, _) in sorted(worst.items()))
            print(f"{op} {dtype}: {arguments.cases} cases in {time.perf_counter() - start:.0f} s: {said}", flush=True)
            for (source, name), (share, case, at) in worst.items():
                if arguments.show and share > 1:
                    print(f"  {source} {name} {share:.3g} at {at} of {case!r}")


if __name__ == "__main__":
    main()
