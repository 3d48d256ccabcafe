"""Ops that the suite does not know, with right layers of them in NumPy, written in other ways than the primals."""

import math

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from oracles import Layer, Op, available


def floats(shape, low=-6.0, high=6.0):
    steps = st.integers(-4096, 4096)
    return arrays(np.float64, shape, elements=steps.map(lambda i: low + (i + 4096) / 8192 * (high - low)))


def rows(least=1, most=4):
    return array_shapes(min_dims=2, max_dims=2, min_side=least, max_side=most)


def erf(x):
    return np.vectorize(math.erf, otypes=[np.float64])(x).astype(x.dtype)


def gelu(x):
    return x * (1 + erf(x / math.sqrt(2))) / 2


def gelu_vjp(g, x):
    return g * ((1 + erf(x / math.sqrt(2))) / 2 + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi))


K = math.sqrt(2 / math.pi)


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(K * (x + 0.044715 * x**3)))


def gelu_tanh_vjp(g, x):
    t = np.tanh(K * (x + 0.044715 * x**3))
    return g * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * K * (1 + 3 * 0.044715 * x**2))


def swish(x):
    return x / (1 + np.exp(-x))


def swish_vjp(g, x):
    s = 1 / (1 + np.exp(-x))
    return g * s * (1 + x * (1 - s))


EPS = 1e-5


def layer_norm(x, weight, bias):
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPS) * weight + bias


def layer_norm_vjp(g, x, weight, bias):
    centred = x - x.mean(axis=-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPS)
    normal, dnormal = centred / deviation, g * weight
    mean, dot = dnormal.mean(axis=-1, keepdims=True), (dnormal * normal).mean(axis=-1, keepdims=True)
    return (dnormal - mean - normal * dot) / deviation, (g * normal).sum(axis=0), g.sum(axis=0)


def rms_norm(x, weight):
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + EPS) * weight


def rms_norm_vjp(g, x, weight):
    r = 1 / np.sqrt((x * x).mean(axis=-1, keepdims=True) + EPS)
    dot = (g * weight * x).mean(axis=-1, keepdims=True)
    return g * weight * r - x * dot * r**3, (g * x * r).sum(axis=0)


def _weights(q, k):
    scores = q @ k.T / math.sqrt(q.shape[1])
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def attention(q, k, v):
    return _weights(q, k) @ v


def attention_vjp(g, q, k, v):
    w = _weights(q, k)
    dw = g @ v.T
    dscores = w * (dw - (dw * w).sum(axis=1, keepdims=True)) / math.sqrt(q.shape[1])
    return dscores @ k, dscores.T @ q, w.T @ g


ELEMENTWISE = array_shapes(max_dims=3, max_side=4).flatmap(floats).map(lambda x: {"inputs": x})
NORM = rows(2).flatmap(
    lambda shape: st.fixed_dictionaries(
        {"inputs": floats(shape), "weight": floats(shape[1], 0.5, 2.0), "bias": floats(shape[1])}
    )
)
RMS = NORM.map(lambda p: {n: p[n] for n in ("inputs", "weight")})
SIDES = st.tuples(*[st.integers(1, 3)] * 4)
ATTENTION = SIDES.flatmap(
    lambda s: st.fixed_dictionaries(
        {"q": floats((s[0], s[2]), -3, 3), "k": floats((s[1], s[2]), -3, 3), "v": floats((s[1], s[3]), -3, 3)}
    )
)


def primals_in(framework):
    """The ops' primals in a framework's own functions, by the op's name."""
    if framework == "torch":
        import torch
        from torch.nn import functional as f

        return {
            "gelu": f.gelu,
            "gelu_tanh": lambda x: f.gelu(x, approximate="tanh"),
            "swish": f.silu,
            "layer_norm": lambda x, w, b: f.layer_norm(x, x.shape[-1:], w, b, EPS),
            "rms_norm": lambda x, w: x * torch.rsqrt((x * x).mean(-1, keepdim=True) + EPS) * w,
            "attention": lambda q, k, v: torch.softmax(q @ k.T / math.sqrt(q.shape[1]), -1) @ v,
        }
    import jax
    import jax.numpy as jnp

    def normalised(x):
        return (x - x.mean(-1, keepdims=True)) / jnp.sqrt(x.var(-1, keepdims=True) + EPS)

    return {
        # in the layer's formula: jax.nn.gelu takes erfc, and does not lose what 1 + erf does (docs/bounds.md)
        "gelu": lambda x: x * (1 + jax.scipy.special.erf(x / math.sqrt(2))) / 2,
        "gelu_tanh": lambda x: jax.nn.gelu(x, approximate=True),
        "swish": jax.nn.silu,
        "layer_norm": lambda x, w, b: normalised(x) * w + b,
        "rms_norm": lambda x, w: x / jnp.sqrt((x * x).mean(-1, keepdims=True) + EPS) * w,
        "attention": lambda q, k, v: jax.nn.softmax(q @ k.T / math.sqrt(q.shape[1])) @ v,
    }


LAYERS = {
    "gelu": (gelu, gelu_vjp, ("inputs",), ELEMENTWISE),
    "gelu_tanh": (gelu_tanh, gelu_tanh_vjp, ("inputs",), ELEMENTWISE),
    "swish": (swish, swish_vjp, ("inputs",), ELEMENTWISE),
    "layer_norm": (layer_norm, layer_norm_vjp, ("inputs", "weight", "bias"), NORM),
    "rms_norm": (rms_norm, rms_norm_vjp, ("inputs", "weight"), RMS),
    "attention": (attention, attention_vjp, ("q", "k", "v"), ATTENTION),
}


def op_of(name, *frameworks):
    """The op with its primals in those frameworks."""
    _, _, primals, cases = LAYERS[name]
    return Op(
        f"{name}_here({', '.join(primals)}) -> output", cases=cases, **{f: primals_in(f)[name] for f in frameworks}
    )


def layer_of(name, *frameworks, vjp=None):
    """The right layer of the op, or one with another vjp."""
    forward, right, _, _ = LAYERS[name]
    return Layer(op_of(name, *frameworks), forward=forward, vjp=vjp or right)


def installed(*frameworks):
    """Why the frameworks cannot all take part; "" where they can."""
    absent = [f for f in frameworks if f not in available()]
    return f"{', '.join(absent)} not installed" if absent else ""
