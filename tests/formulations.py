"""Right layers of the declared ops in NumPy, four ways each: none may ever be blamed.

By op and what tells them apart: forward(*primals, **options) and vjp(cotangent, *primals, **options). All is computed
in the dtype of the primals, as such layers do.
"""

import math

import numpy as np

erf = np.vectorize(math.erf, otypes=[np.float64])
erfc = np.vectorize(math.erfc, otypes=[np.float64])


def _as(function, x):
    """A function of float64 in the dtype of its argument, correctly rounded but for the last bit."""
    return np.asarray(function(x.astype(np.float64))).astype(x.dtype)


def _over_samples(a):
    return a.sum(axis=tuple(range(a.ndim - 1)))


def _density(x):
    return np.exp(-x * x / 2) / x.dtype.type(math.sqrt(2 * math.pi))


def _gelus():
    half = math.sqrt(0.5)
    k = math.sqrt(2 / math.pi)

    def inner(x):
        return x.dtype.type(k) * (x + x.dtype.type(0.044715) * x * x * x)

    def slope(x):
        return x.dtype.type(k) * (1 + x.dtype.type(3 * 0.044715) * x * x)

    def pair(cdf, tanh_cdf):
        def forward(x, approximate):
            return x * (tanh_cdf(inner(x)) if approximate == "tanh" else cdf(x))

        def vjp(g, x, approximate):
            if approximate == "tanh":
                t = np.tanh(inner(x))
                return g * (tanh_cdf(inner(x)) + x * (1 - t * t) * slope(x) / 2)
            return g * (cdf(x) + x * _density(x))

        return forward, vjp

    def by_erfc(x):
        return _as(erfc, -x * x.dtype.type(half)) / 2

    def by_erf(x):
        return (1 + _as(erf, x * x.dtype.type(half))) / 2

    def half_first(x):
        return x.dtype.type(0.5) + x.dtype.type(0.5) * _as(erf, x / x.dtype.type(math.sqrt(2)))

    def distributed(g, x, approximate):
        if approximate == "tanh":
            t = np.tanh(inner(x))
            return g * (1 + t) / 2 + g * x * (1 - t * t) * slope(x) / 2
        return g * by_erf(x) + g * x * _density(x)

    yield "erfc", *pair(by_erfc, lambda u: (1 + np.tanh(u)) / 2)
    yield "1 + erf", *pair(by_erf, lambda u: u.dtype.type(0.5) * (1 + np.tanh(u)))
    yield "1/2 + erf/2", *pair(half_first, lambda u: u.dtype.type(0.5) + np.tanh(u) / 2)
    yield "distributed", pair(by_erf, lambda u: (1 + np.tanh(u)) / 2)[0], distributed


def _norms(centre):
    """LayerNorm where the rows are centred, RMSNorm where not."""

    def parts(x, eps):
        c = x - x.mean(axis=-1, keepdims=True) if centre else x
        return c, (c * c).mean(axis=-1, keepdims=True) + x.dtype.type(eps)

    def finish(normal, weight, bias):
        return normal * weight + bias[0] if bias else normal * weight

    def gradients(g, normal, dx, bias):
        return (dx, _over_samples(g * normal), _over_samples(g)) if bias else (dx, _over_samples(g * normal))

    def divided(x, weight, *bias, eps):
        c, v = parts(x, eps)
        return finish(c / np.sqrt(v), weight, bias)

    def times_reciprocal(x, weight, *bias, eps):
        c, v = parts(x, eps)
        return finish(c * (1 / np.sqrt(v)), weight, bias)

    def weight_first(x, weight, *bias, eps):
        c, v = parts(x, eps)
        found = c * (weight / np.sqrt(v))
        return found + bias[0] if bias else found

    def textbook(g, x, weight, *bias, eps):
        c, v = parts(x, eps)
        r = 1 / np.sqrt(v)
        n, h = c * r, g * weight
        inner = h - n * (h * n).mean(axis=-1, keepdims=True)
        dx = r * (inner - h.mean(axis=-1, keepdims=True)) if centre else r * inner
        return gradients(g, n, dx, bias)

    def in_sums(g, x, weight, *bias, eps):
        c, v = parts(x, eps)
        size, s = x.shape[-1], np.sqrt(v)
        n, h = c / s, g * weight
        whole = size * h - n * (h * n).sum(axis=-1, keepdims=True)
        dx = (whole - h.sum(axis=-1, keepdims=True)) / (size * s) if centre else whole / (size * s)
        return gradients(g, n, dx, bias)

    def in_cubes(g, x, weight, *bias, eps):
        c, v = parts(x, eps)
        r, h = 1 / np.sqrt(v), g * weight
        dx = h * r - c * (h * c).mean(axis=-1, keepdims=True) * r**3
        return gradients(g, c * r, dx - dx.mean(axis=-1, keepdims=True) if centre else dx, bias)

    yield "divided", divided, textbook
    yield "times the reciprocal", times_reciprocal, in_sums
    yield "weights first", weight_first, textbook
    yield "in cubes", divided, in_cubes


def _log_softmaxes():
    def shifted(x):
        below = x - x.max(axis=-1, keepdims=True)
        return below - np.log(np.exp(below).sum(axis=-1, keepdims=True))

    def lse(x):
        top = x.max(axis=-1, keepdims=True)
        return x - (top + np.log(np.exp(x - top).sum(axis=-1, keepdims=True)))

    def of_halves(x):
        """The sums of two halves of a row, each by its own maximum, as kernels in blocks do it."""
        parts = [p for p in np.array_split(x, 2, axis=-1) if p.shape[-1]]
        tops = [p.max(axis=-1, keepdims=True) for p in parts]
        top = tops[0] if len(tops) == 1 else np.maximum(*tops)
        sums = [np.exp(p - t).sum(axis=-1, keepdims=True) for p, t in zip(parts, tops, strict=True)]
        whole = sum(s * np.exp(t - top) for s, t in zip(sums, tops, strict=True))
        return (x - top) - np.log(whole)

    def by_output(g, x):
        return g - np.exp(shifted(x)) * g.sum(axis=-1, keepdims=True)

    def by_quotient(g, x):
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        return g - e / e.sum(axis=-1, keepdims=True) * g.sum(axis=-1, keepdims=True)

    def total_first(g, x):
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        return g - e * (g.sum(axis=-1, keepdims=True) / e.sum(axis=-1, keepdims=True))

    yield "shifted", shifted, by_output
    yield "log-sum-exp", lse, by_quotient
    yield "in halves", of_halves, by_output
    yield "the total first", shifted, total_first


def _sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


def _losses():
    def reduced(losses, reduction):
        return {"mean": np.mean, "sum": np.sum, "none": lambda a: a}[reduction](losses)

    def tail(z):
        return np.log1p(np.exp(-np.abs(z)))

    def of_each(losses):
        return lambda z, y, reduction="mean": reduced(losses(z, y), reduction)

    def scale(g, z, reduction):
        return g / z.dtype.type(z.size) if reduction == "mean" else g

    def textbook(g, z, y, reduction="mean"):
        return (_sigmoid(z) - y) * scale(g, z, reduction)

    def plain_sigmoid(g, z, y, reduction="mean"):
        with np.errstate(over="ignore"):
            return scale(g, z, reduction) * (1 / (1 + np.exp(-z)) - y)

    def in_two(g, z, y, reduction="mean"):
        g = scale(g, z, reduction)
        return (1 - y) * g * _sigmoid(z) - y * g * _sigmoid(-z)

    yield "maximum", of_each(lambda z, y: np.maximum(z, 0) - z * y + tail(z)), textbook
    yield "logaddexp", of_each(lambda z, y: np.logaddexp(z.dtype.type(0), z) - z * y), plain_sigmoid
    yield (
        "two log-sigmoids",
        of_each(lambda z, y: y * (np.maximum(-z, 0) + tail(z)) + (1 - y) * (np.maximum(z, 0) + tail(z))),
        in_two,
    )
    yield "one log-sigmoid", of_each(lambda z, y: (1 - y) * z + (np.maximum(-z, 0) + tail(z))), textbook


def _swiglus():
    def plain(x):
        with np.errstate(over="ignore"):
            return 1 / (1 + np.exp(-x))

    def quotient(a, b):
        with np.errstate(over="ignore"):
            return a / (1 + np.exp(-a)) * b

    def up_first(a, b):
        return a * b * _sigmoid(a)

    def textbook(g, a, b):
        s = _sigmoid(a)
        return g * b * s * (1 + a * (1 - s)), g * (a * s)

    def by_value(g, a, b):
        s = _sigmoid(a)
        y = a * s
        return g * b * (y + s * (1 - y)), g * y

    def by_other_side(g, a, b):
        s, other = _sigmoid(a), _sigmoid(-a)
        return g * b * (s + a * s * other), g * (a * s)

    yield "two branches", lambda a, b: a * _sigmoid(a) * b, textbook
    yield "plain", lambda a, b: a * plain(a) * b, by_other_side
    yield "quotient", quotient, by_value
    yield "up first", up_first, by_other_side


def _attentions():
    def scores(q, k, causal, scale):
        s = (q * scale) @ np.swapaxes(k, -1, -2) if scale is not None else None
        if s is None:
            s = q @ np.swapaxes(k, -1, -2) / q.dtype.type(math.sqrt(q.shape[-1]))
        if causal:
            s = np.where(np.arange(s.shape[-2])[:, None] >= np.arange(s.shape[-1]), s, s.dtype.type(-np.inf))
        return s

    def root(q):
        return q.dtype.type(1 / math.sqrt(q.shape[-1]))

    def weights(s):
        e = np.exp(s - s.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    def by_lse(s):
        top = s.max(axis=-1, keepdims=True)
        return np.exp(s - (top + np.log(np.exp(s - top).sum(axis=-1, keepdims=True))))

    def make(of, scaled, at_the_end, delta):
        def p_of(q, k, causal):
            return of(scores(q, k, causal, root(q) if scaled else None))

        def forward(q, k, v, causal):
            if not at_the_end:
                return p_of(q, k, causal) @ v
            s = scores(q, k, causal, None)
            e = np.exp(s - s.max(axis=-1, keepdims=True))
            return (e @ v) / e.sum(axis=-1, keepdims=True)

        def vjp(g, q, k, v, causal):
            p = p_of(q, k, causal)
            dp = g @ np.swapaxes(v, -1, -2)
            inner = (g * (p @ v)).sum(axis=-1, keepdims=True) if delta else (dp * p).sum(axis=-1, keepdims=True)
            ds = p * (dp - inner) * root(q)
            return ds @ k, np.swapaxes(ds, -1, -2) @ q, np.swapaxes(p, -1, -2) @ g

        return forward, vjp

    yield "textbook", *make(weights, scaled=False, at_the_end=False, delta=False)
    yield "queries scaled", *make(weights, scaled=True, at_the_end=False, delta=False)
    yield "divided at the end", *make(weights, scaled=False, at_the_end=True, delta=True)
    yield "log-sum-exp kept", *make(by_lse, scaled=False, at_the_end=False, delta=True)


FORMULATIONS = {
    "gelu": tuple(_gelus()),
    "layer_norm": tuple(_norms(centre=True)),
    "rms_norm": tuple(_norms(centre=False)),
    "log_softmax": tuple(_log_softmaxes()),
    "bce_with_logits": tuple(_losses()),
    "swiglu": tuple(_swiglus()),
    "attention": tuple(_attentions()),
}
