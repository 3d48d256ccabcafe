"""CuPy code on a GPU: right layers of every op, and wrong ones, each with the claim that it breaks."""

import cupy

from oracles import Layer

# a kernel of one's own walks memory: rows that lie one after the other
_ROWS = """
typedef long long index;
extern "C" __global__ void rows(const real* y, const real* g, real* dx, index rows, index columns) {
    index row = blockIdx.x * (index)blockDim.x + threadIdx.x;
    if (row >= rows) return;
    y += row * columns, g += row * columns, dx += row * columns;
    double dot = 0;
    for (index i = 0; i < columns; ++i) dot += (double)y[i] * g[i];
    for (index i = 0; i < columns; ++i) dx[i] = y[i] * (g[i] - dot);
}
"""
_BY_ROWS = {
    name: cupy.RawKernel(_ROWS.replace("real", real), "rows") for name, real in (("f", "float"), ("d", "double"))
}
_RELU = cupy.ElementwiseKernel("T x, T g", "T dx", "dx = x > 0 ? g : T(0)", "relu_vjp")
_KINK = cupy.ElementwiseKernel("T x, T g", "T dx", "dx = x >= 0 ? g : T(0)", "relu_vjp_at_the_kink")


def dense(x, w, b):
    return x @ w + b


def dense_vjp(g, x, w, b):
    return g @ w.T, x.T @ g, g.sum(axis=0, keepdims=True)


def relu(x):
    return cupy.maximum(x, 0)


def relu_vjp(g, x):
    return _RELU(x.astype(g.dtype), g)


def softmax(x):
    e = cupy.exp(x - x.max(axis=-1, keepdims=True)) if x.size else x
    return e / e.sum(axis=-1, keepdims=True)


def softmax_vjp(g, x):
    y = softmax(x)
    return y * (g - (y * g).sum(axis=-1, keepdims=True))


def softmax_cross_entropy(x, y):
    total = (
        cupy.log(cupy.exp(x - x.max(axis=1, keepdims=True)).sum(axis=1)) + x.max(axis=1) if x.size else x.sum(axis=1)
    )
    return (total - x[cupy.arange(len(x)), y]).mean()


def softmax_cross_entropy_vjp(g, x, y):
    d = softmax(x)
    d[cupy.arange(len(d)), y] -= 1
    return d * (g / max(1, len(d)))


def softmax_vjp_by_rows(g, x, contiguous=cupy.ascontiguousarray):
    """By the kernel, in float32 or float64; what is handed over need not be contiguous."""
    y, g = contiguous(softmax(x)), contiguous(g)
    dx = cupy.empty(y.shape, y.dtype)
    if y.size:
        columns = y.shape[-1]
        rows = y.size // columns
        _BY_ROWS[y.dtype.char]((rows // 64 + 1,), (64,), (y, g, dx, rows, columns))
    return dx


def on_gpu(op, forward, vjp, **promises):
    return Layer(op, forward=forward, vjp=vjp, name=vjp.__name__, arrays="cupy", **promises)


RIGHT = [
    on_gpu("dense", dense, dense_vjp),
    on_gpu("relu", relu, relu_vjp, any_rank=True),
    on_gpu("softmax", softmax, softmax_vjp, any_rank=True),
    on_gpu("softmax", softmax, softmax_vjp_by_rows, any_rank=True),
    on_gpu("softmax_cross_entropy", softmax_cross_entropy, softmax_cross_entropy_vjp, targets=["ids"]),
]


def at_the_kink(g, x):
    return _KINK(x.astype(g.dtype), g)


def no_rank_one_term(g, x):
    y = softmax(x)
    return y * (1 - y) * g


def raw_memory(g, x):
    return softmax_vjp_by_rows(g, x, contiguous=lambda a: a)


def writes_to_its_cotangent(g, x):
    g *= x > 0
    return g


def in_tf32(g, x, w, b):
    def rounded(a):  # to ten bits, as tensor cores round their operands
        if a.dtype != "float32":
            return a
        return ((cupy.ascontiguousarray(a).view("uint32") + 0x1000) & 0xFFFFE000).astype("uint32").view("float32")

    return rounded(g) @ rounded(w).T, rounded(x).T @ rounded(g), g.sum(axis=0, keepdims=True)


def hands_on_its_cotangent(g, x):
    return g if (x > 0).all() else relu_vjp(g, x)


BUFFERS = {}


def in_one_buffer(g, x):
    kept = BUFFERS.setdefault((g.shape, g.dtype.char), cupy.empty(g.shape, g.dtype))
    kept[...] = relu_vjp(g, x)
    return kept


def sum_for_the_mean(g, x, y):
    return softmax_cross_entropy_vjp(g, x, y) * len(x)


WRONG = {
    "values": [
        on_gpu("relu", relu, at_the_kink),
        on_gpu("softmax", softmax, no_rank_one_term),
        on_gpu("dense", dense, in_tf32),
        on_gpu("softmax_cross_entropy", softmax_cross_entropy, sum_for_the_mean, targets=["ids"]),
    ],
    "layouts": [on_gpu("softmax", softmax, raw_memory)],
    "arguments_untouched": [on_gpu("relu", relu, writes_to_its_cotangent)],
    "nothing_aliased": [on_gpu("relu", relu, hands_on_its_cotangent)],
    "repeatable": [on_gpu("relu", relu, in_one_buffer)],
}
