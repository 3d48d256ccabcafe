"""The bounds of docs/bounds.md once more, element by element in plain Python, as the page derives them.

Written from the page, not from the code: one of the two is wrong where they differ.
"""

import itertools
import math

import numpy as np
import pytest

from by_hand.bounds import ARITHMETIC, arithmetic, bounds, bounds_in
from by_hand.bounds.softmax import probabilities
from oracles import Case, Recipe
from oracles.sources.registry import Products

INFLATION = 1 + 2.0**-20
FLOAT32_MAX = float(np.finfo(np.float32).max)


class Model:
    """The table of docs/bounds.md, a dtype a column; native: where products are summed in the dtype itself."""

    def __init__(self, dtype, native=False):
        self.u, self.v, self.t, self.stored_t, self.normal, self.largest, self.wide = {
            "float64": (2**-53, 2**-53, 2**-1022, 2**-1022, 2**-1022, np.finfo(float).max, np.finfo(float).max),
            "float32": (2**-24, 2**-24, 2**-126, 2**-126, 2**-126, FLOAT32_MAX, FLOAT32_MAX),
            "float16": (2**-24, 2**-11, 2**-126, 2**-25, 2**-14, 65504.0, FLOAT32_MAX),
            "bfloat16": (2**-24, 2**-8, 2**-126, 2**-126, 2**-126, float.fromhex("0x1.fep127"), FLOAT32_MAX),
        }[dtype]
        if native:
            self.u, self.t, self.stored_t, self.wide = self.v, max(self.t, self.normal), self.normal, self.largest
        self.half = self.v != self.u
        self.smallest = 2.0**-1074 if dtype == "float64" else 2.0**-149

    def gamma(self, k):
        return k * self.u / (1 - k * self.u)

    def stored(self, size, bound):
        """What storing a result of that size adds."""
        reach = size + bound
        small = min(self.stored_t, reach + self.stored_t * 2**-20) if reach < 2 * self.normal else 0.0
        return math.inf if reach >= self.largest * (1 - self.v) else bound + self.v * reach + small


DTYPES = ("float64", "float32", "float16", "bfloat16")


def close(found, expected):
    """The same but for the rounding of float64, in which both are taken."""
    found, expected = np.broadcast_arrays(np.asarray(found, float), np.asarray(expected, float) * INFLATION)
    known = np.isfinite(expected)
    with np.errstate(invalid="ignore"):
        # a few of float64's smallest: among its subnormals there is no relative precision
        near = abs(found - expected) <= 1e-9 * expected + 64 * 2.0**-1074
    assert np.where(known, near, found == expected).all(), (found, expected)


def values(shape, dtype, seed, style="uniform", scale=2.0):
    return Recipe(style, shape, dtype, seed, scale).build()


def product(m, left, right, added=None, operand=0.0):
    """|error| of each element of left @ right (+ added); operand: the roundoff of what is multiplied."""
    found = np.empty((len(left), len(right[0])))
    for i, j in itertools.product(*map(range, found.shape)):
        pairs = [(float(a), float(row[j])) for a, row in zip(left[i], right, strict=True)]
        bias = 0.0 if added is None else float(added[0][j])
        if any((math.isinf(a) and 0 < abs(b) < m.t) or (math.isinf(b) and 0 < abs(a) < m.t) for a, b in pairs):
            found[i, j] = math.inf  # read as zero, it makes NaN of the infinity
            continue
        pairs = [(a if math.isfinite(a) else 0.0, b if math.isfinite(b) else 0.0) for a, b in pairs]
        bias = bias if math.isfinite(bias) else 0.0
        k = len(pairs) + (added is not None)
        products = sum(abs(a * b) for a, b in pairs)
        gauge = products + abs(bias)
        bound = m.gamma(k) * gauge + k * m.t + (abs(bias) if abs(bias) < m.t else 0.0)
        bound += sum(abs(a * b) * ((abs(a) < m.t) + (abs(b) < m.t)) for a, b in pairs)
        bound += (2 * operand + operand**2) * (1 + m.gamma(k)) * products
        exact = sum(a * b for a, b in pairs)
        if m.half and added is not None:
            bound = m.stored(abs(exact), bound)
        size = min(abs(exact + bias) + 2**-53 * (k + 1) * gauge, gauge)
        found[i, j] = math.inf if gauge >= m.wide / 2 else m.stored(size, bound)
    return found


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", [(2, 3, 4), (1, 1, 1), (5, 2, 1)])
def test_dense(dtype, sizes):
    n, k, c = sizes
    dense_holds(dtype, *(values(s, dtype, i) for i, s in enumerate([(n, k), (k, c), (1, c), (n, c)])))


def dense_holds(dtype, x, w, b, g, operand=0.0, sums="strict"):
    m, plain = Model(dtype, native=sums == "native"), Model(dtype)
    found = bounds(Case("dense", [x, w, b], g), products=Products(operand, sums))
    x, w, b, g = (a.astype(float).tolist() for a in (x, w, b, g))
    turned = [list(row) for row in zip(*w, strict=True)]
    close(found["output"], product(m, x, w, b, operand))
    close(found["dinputs"], product(m, g, turned, operand=operand))
    close(found["dweights"], product(m, [list(r) for r in zip(*x, strict=True)], g, operand=operand))
    close(found["dbiases"], product(plain, [[1.0] * len(g)], g))


@pytest.mark.parametrize("dtype", DTYPES)
def test_dense_at_the_edges_of_the_range(dtype):
    """Subnormal, huge and infinite operands of each argument, beside plain ones, small ones and none.

    With less promised of products as well: TF32, and sums in the dtype itself.
    """
    m, shapes = Model(dtype), [(2, 3), (3, 2), (1, 2), (2, 2)]
    edges = [m.t * 0.23, -m.t * 0.4, m.t, m.t * 1.07, m.normal * 0.3, m.largest * 0.9, -np.inf, np.inf, 0.0]
    for which, edge, other, scale in itertools.product(range(4), edges, [1.0, m.t * 0.3, np.inf], [2.0, 2.0**-30, 0.0]):
        arrays = [values(s, dtype, i, scale=scale) if scale else 0 * values(s, dtype, i) for i, s in enumerate(shapes)]
        arrays[which].flat[0] = edge
        arrays[(which + 1) % 4].flat[0] = other
        for operand, sums in ((0.0, "strict"), (2.0**-11, "strict"), (0.0, "native"), (2.0**-11, "native")):
            dense_holds(dtype, *arrays, operand, sums)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dense_of_the_smallest_normal_number_beside_a_smaller_one(dtype):
    t, one = Model(dtype).t, np.ones((1, 1))
    kind = values((1,), dtype, 0).dtype
    dense_holds(dtype, *(np.array(a).astype(kind) for a in ([[t, 0.3 * t]], [[1.0], [1.0]], 0 * one, one)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_relu(dtype):
    m = Model(dtype)
    x = np.array([1.0, -1.0, m.t / 4, -m.t / 4, 0.0, 2.0, m.t, -m.t, 0.0, 1.0]).astype(values((1,), dtype, 0).dtype)
    g = np.array([m.t / 2, m.t / 2, 1.0, 1.0, 1.0, 3.0, m.t / 8, 1.0, m.t / 2, m.t]).astype(x.dtype)
    found = bounds(Case("relu", [x], g))
    for i, (value, cotangent) in enumerate(zip(x.astype(float), g.astype(float), strict=True)):
        assert found["output"][i] == (abs(value) if abs(value) < m.t else 0) * INFLATION
        assert found["dinputs"][i] == (abs(cotangent) if value > 0 and abs(cotangent) < m.t else 0) * INFLATION


def expm1(x):
    return math.expm1(x) if x < 700 else math.inf


def softmax_of(m, row, *, stored_log=False):
    """s, its bound before it is stored, log s, and the bound of that, of one row with a finite maximum."""
    top, c = max(row), len(row)
    a = [top - x for x in row]
    total = math.fsum(math.exp(-gap) for gap in a)
    s, log = [math.exp(-gap) / total for gap in a], math.log(total)
    sigma = 0.0
    each = {}
    for j, (x, gap) in enumerate(zip(row, a, strict=True)):
        if x != -math.inf:
            each[j] = m.u * (abs(x) + abs(top) + 2 * gap) + 2 * m.t
            sigma += s[j] * expm1(each[j] + 8 * m.u) if s[j] else 0.0
    sigma = math.log1p(sigma) + m.gamma(len(each)) + c * m.t
    result = []
    for j, (p, gap) in enumerate(zip(s, a, strict=True)):
        if j not in each:
            result.append((0.0, 0.0, -math.inf, 0.0))
            continue
        division = each[j] + 8 * m.u + sigma + 4 * m.u
        log_form = m.u * (abs(top) + 2 * gap + 2 * log) + 8 * m.u * log + sigma + 2 * m.t
        if m.half and stored_log:
            log_form += m.v * (gap + log)
        exponent = max(division, log_form + 8 * m.u) * (1 + 2 * m.u)
        relative = expm1(exponent) if p else 0.0
        bound = min(p * relative + 3 * m.t, 1 + m.gamma(len(each) + 8))
        result.append((p, bound, -gap - log, max(log_form, division + 8 * m.u * (gap + log))))
    return result


def softmax_holds(dtype, x, g):
    m = Model(dtype)
    found = bounds(Case("softmax", [x], g))
    for i, (row, cotangent) in enumerate(zip(x.astype(float).tolist(), g.astype(float).tolist(), strict=True)):
        c, k = len(row), sum(q > -math.inf for q in row)
        if any(math.isnan(q) or q == math.inf for q in row) or max(row) == -math.inf:
            close(found["output"][i], [0.0] * c)  # NaN, which has to be met
            close(found["dinputs"][i], [0.0] * c)
            continue
        p = softmax_of(m, row)
        s, b = [q[0] for q in p], [m.stored(q[0], q[1]) for q in p]
        close(found["output"][i], b)
        most = max(map(abs, cotangent))
        if any(map(math.isnan, cotangent)) or most == math.inf:
            close(found["dinputs"][i], [math.inf] * c)
            continue
        dot = sum(q * h for q, h in zip(s, cotangent, strict=True))
        gauge = sum(q * abs(h) for q, h in zip(s, cotangent, strict=True))
        tau = sum(q * abs(h) for q, h in zip(b, cotangent, strict=True)) + c * m.t
        reached = sum((q + r) * abs(h) for q, r, h in zip(s, b, cotangent, strict=True))
        tau += m.gamma(k + 1) * reached
        for j, h in enumerate(cotangent):
            difference = abs(h - dot) + 2**-50 * (abs(h) + gauge)
            bound = b[j] * (difference + tau)
            bound += (s[j] + b[j]) * (tau + m.gamma(k + 4) * abs(h) + 4 * m.u * (gauge + tau))
            bound += 4 * m.t * (1 + abs(h) + gauge)
            bound += min(m.t * sum(map(abs, cotangent)), (s[j] + b[j]) * reached)
            overflows = abs(h) + most >= m.wide / 2
            close(found["dinputs"][i, j], math.inf if overflows else m.stored(s[j] * difference, bound))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [1.0, 20.0])
def test_softmax(dtype, scale):
    softmax_holds(dtype, values((3, 5), dtype, 1, scale=scale), values((3, 5), dtype, 2))


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_at_the_edges_of_the_range(dtype):
    """Masked, saturated, infinite and huge inputs; no, subnormal, huge and infinite cotangents."""
    m, kind = Model(dtype), values((1,), dtype, 0).dtype
    sizes = [0.0, 0.3 * m.normal, 3.1 * m.normal, 1.0, 2000.0, *(m.largest * f for f in (0.1, 0.3, 0.45, 0.9))]
    for q, g, h in itertools.product(
        [0.3, -np.inf, np.inf, np.nan, -200.0, m.largest * 0.9, -m.largest * 0.9],
        [-m.largest * 0.3, np.inf, np.nan, *sizes],
        [0.0, -1.0, 0.4 * m.normal, m.largest * 0.3],
    ):
        x = np.array([[q, 0.5, -0.25], [0.5, 0.25, -np.inf], [-np.inf, -np.inf, q]]).astype(kind)
        cotangent = np.array([[g, h, h], [0.0, 0.0, 0.0], [g, h, 0.5]]).astype(kind)
        with np.errstate(all="ignore"):
            softmax_holds(dtype, x, cotangent)


@pytest.mark.parametrize("shape", [(0, 3), (2, 0, 3), (3,), (2, 3, 4)])
def test_softmax_along_the_last_axis(shape):
    x, g = values(shape, "float32", 1), values(shape, "float32", 2)
    found = bounds(Case("softmax", [x], g))
    rows = bounds(Case("softmax", [x.reshape(-1, shape[-1])], g.reshape(-1, shape[-1])))
    assert all((found[name] == rows[name].reshape(shape)).all() for name in ("output", "dinputs"))


def reduced(m, reduction, sizes, losses, terms):
    """The bound of the loss from those of the samples."""
    n = len(sizes)
    if reduction == "none":
        return losses
    gauge = sum(sizes) + sum(losses)
    total = sum(losses) + m.gamma(max(n, terms) + 3) * gauge + n * m.t
    share = n if reduction == "mean" else 1
    if gauge >= m.wide / 2:
        return math.inf
    return m.stored(gauge / share, total / share)


def targets_of(form, n, c, dtype):
    if form == "ids":
        y = np.arange(n) % c
        return y, np.eye(c)[y]
    y = values((n, c), dtype, 9, "soft", 1.0)
    return y, y.astype(float)


def lost_of(weights, x, y):
    """What rounding each weight to the dtype of the case changes; class ids have nothing to round."""
    return abs(weights - weights.astype(x.dtype).astype(float)) if y.ndim == 2 else 0 * weights


def below_normal(m, pairs):
    """What is lost where log p, or y log p, of (y, |log p|) is stored below the normal range."""
    return m.stored_t * sum(1 + w for w, size in pairs if size < 2 * m.normal or w * size < 2 * m.normal)


REDUCTIONS = ("mean", "sum", "none")


def cross_entropy_of(m, p, weights, lost, cotangents, reduction, clip=None):
    """The bounds of the loss and of each element of the gradient, of probabilities (N, C)."""
    n, sizes, losses, gradient = len(p), [], [], np.zeros(p.shape)
    for i, (row, labels) in enumerate(zip(p.tolist(), weights.tolist(), strict=True)):
        if clip is not None:
            row = [min(max(q, clip), 1 - clip) for q in row]
        pairs = [(w, q) for w, q in zip(labels, row, strict=True) if w and q > 0]
        size = sum(w * abs(math.log(q)) for w, q in pairs)
        loss = (8 * m.u + m.gamma(sum(map(bool, labels)) + 2)) * size + len(row) * m.t
        loss += sum(e * abs(math.log(q)) for e, w, q in zip(lost[i], labels, row, strict=True) if w and q > 0)
        loss += sum(2 * m.v * w for w, _ in pairs) if clip is not None else 0.0
        if m.half:
            loss += 2 * m.v * size * (1 + m.v) + below_normal(m, [(w, abs(math.log(q))) for w, q in pairs])
        sizes.append(size)
        losses.append(math.inf if any(q < m.t for _, q in pairs) else m.stored(size, loss))
        whole = abs(cotangents[i])
        scale = whole / (n if reduction == "mean" else 1)
        for j, (w, q) in enumerate(zip(labels, row, strict=True)):
            gradient[i, j] = cross_entropy_gradient(m, w, lost[i][j], q, scale, whole) if w else 0.0
    return reduced(m, reduction, sizes, losses, np.count_nonzero(weights)), gradient


def cross_entropy_gradient(m, w, lost, q, scale, whole):
    smallest = min(w * scale, scale, w)  # what may be flushed on the way
    if q == 0 and smallest < 2 * m.normal:
        return math.inf
    if q and abs(q) < m.t:
        return math.inf
    inverse = 1 / abs(q) if q else 0.0
    if max(inverse, 1) * max(w, 1) * max(whole, 1) >= m.wide / 2 or (m.half and 2 * w * scale >= m.largest / 2):
        return math.inf
    size = w * inverse * scale
    bound = size * (m.gamma(9) + (2 * m.v * (1 + m.v) if m.half else 0)) + lost * inverse * scale
    if m.half and min(w * scale, scale) < 2 * m.normal:
        bound += 2 * m.stored_t * (1 + w) * inverse
    if q and smallest < 2 * m.t:
        bound += max(size, (1 + w) * inverse * m.smallest) if whole else 0.0
    return m.stored(size, bound)


def cross_entropy_holds(dtype, p, y, weights, g, reduction, clip=None):
    m, n = Model(dtype), len(p)
    found = bounds(Case("cross_entropy", [p, y], g, {"reduction": reduction, "clip": clip}))
    cotangents = np.broadcast_to(g.astype(float), (n,)).tolist()
    lost = lost_of(weights, p, y)
    loss, gradient = cross_entropy_of(m, p.astype(float), weights, lost, cotangents, reduction, clip)
    close(found["output"], loss)
    close(found["dprobabilities"], gradient)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", ["ids", "soft"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("clip", [None, 0.05, 0.3])
def test_cross_entropy(dtype, form, reduction, clip):
    n, c = 3, 4
    p = values((n, c), dtype, 3, "probabilities", 1.0)
    p[:, 1] = 0.9375  # above 1 - clip
    y, weights = targets_of(form, n, c, dtype)
    g = values((n,) if reduction == "none" else (), dtype, 4)
    cross_entropy_holds(dtype, p, y, weights, g, reduction, clip)


EDGES = (0.0, 0.23, 0.7, 1.0, 1.07, 1.9, 2.0, 2.5, 3.1, 1e10)  # times the smallest normal number


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_cross_entropy_at_the_edges_of_the_range(dtype, reduction):
    """Probabilities, labels and cotangents at and below the normal range, and where products leave it above."""
    m, kind = Model(dtype), values((1,), dtype, 0).dtype
    small = [edge * m.normal for edge in EDGES]
    small = [x for x in small if x < m.largest]
    large = [m.largest * f for f in (1e-3, 0.2, 0.3, 0.6)]
    seen = 0
    for q, w, g in itertools.product([*small, -0.27, 0.3, 1.0], [*small[1:], 1.0, 3.3, *large], [*small, 1.0, *large]):
        p = np.array([[q, 0.5], [0.5, 0.25], [0.125, 0.5]]).astype(kind)
        y = np.array([[w, 0.25], [0.5, 0.0], [1.0, 1.0]]).astype(kind)
        g = np.array([g, 0.5, g] if reduction == "none" else g).astype(kind)
        cross_entropy_holds(dtype, p, y, y.astype(float), g, reduction)
        seen += 1
    assert seen > 500


def fused_of(m, x, weights, lost, is_ids, cotangents, reduction):
    """The bounds of the loss and of each element of the gradient, of logits (N, C)."""
    n, sizes, losses, gradient = len(x), [], [], np.zeros(x.shape)
    for i, (row, w) in enumerate(zip(x.tolist(), weights.tolist(), strict=True)):
        if max(row) in (math.inf, -math.inf) or any(map(math.isnan, row)):
            sizes.append(0.0)
            losses.append(0.0)  # NaN, which has to be met
            continue
        c, k, p = len(row), sum(map(bool, w)), softmax_of(m, row, stored_log=True)
        whole = abs(cotangents[i])
        scale = whole / (n if reduction == "mean" else 1)
        taken = [(a, q, b) for a, q, b in zip(w, p, row, strict=True) if a and q[2] > -math.inf]
        size = sum(a * -q[2] for a, q, _ in taken)
        loss = sum(a * q[3] for a, q, _ in taken) + c * m.t
        loss += m.gamma(k + 2) * sum(a * (q[3] - q[2]) for a, q, _ in taken)
        loss += sum(e * (q[3] - q[2]) for e, q in zip(lost[i], p, strict=True) if e)
        if not is_ids:
            top = abs(max(row)) + math.log(math.fsum(math.exp(b - max(row)) for b in row))
            rounded = sum(a * abs(b) for a, _, b in taken) + sum(w) * top
            loss += (k + 2) * m.u * rounded
        if m.half:
            loss += 2 * m.v * (size + loss) + below_normal(m, [(a, -q[2]) for a, q, _ in taken if a])
        loss = m.stored(size, loss)
        steps = [-q[2] for a, q in zip(w, p, strict=True) if (a or not is_ids) and q[2] > -math.inf]
        if max(steps, default=0.0) + size >= m.largest / 2:
            loss = math.inf
        sizes.append(size)
        losses.append(loss)
        for j, (s, b, _, _) in enumerate(p):
            gradient[i, j] = fused_gradient(m, s, b, w, j, lost[i], scale, whole)
    return reduced(m, reduction, sizes, losses, np.count_nonzero(weights)), gradient


def fused_gradient(m, s, b, w, j, lost, scale, whole):
    c, k, total, y = len(w), sum(map(bool, w)), sum(w), w[j]
    if max(whole, 1) * max(total, 1) * 2 >= m.wide / 2 or (m.half and 2 * scale * max(w) >= m.largest / 2):
        return math.inf
    b = min(m.stored(s, b), 1 + 2 * m.v) if m.half else b
    gauge = (s + b) * total + y
    bound = scale * (b * total + (s + b) * total * m.gamma(k + 6) + y * m.gamma(6))
    bound += scale * ((s + b) * sum(lost) + lost[j])
    if m.half:
        bound += 2 * m.v * scale * gauge
        bound += m.stored_t * (2 + gauge) * (scale * min(gauge, 1.0) < 2 * m.normal)
        bound += m.stored_t * sum(bool(a) and a * scale < 2 * m.normal for a in w) * (s + b)
    bound += m.t * (3 * total * scale + c + 2 + 2 * gauge)
    return m.stored(scale * gauge, bound)


def fused_holds(dtype, x, y, weights, g, reduction):
    found = bounds(Case("softmax_cross_entropy", [x, y], g, {"reduction": reduction}))
    cotangents = np.broadcast_to(g.astype(float), (len(x),)).tolist()
    lost = lost_of(weights, x, y)
    loss, gradient = fused_of(Model(dtype), x.astype(float), weights, lost, y.ndim == 1, cotangents, reduction)
    close(found["output"], loss)
    close(found["dlogits"], gradient)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", ["ids", "soft"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("scale", [1.0, 20.0])
def test_softmax_cross_entropy(dtype, form, reduction, scale):
    n, c = 3, 4
    x = values((n, c), dtype, 5, scale=scale)
    y, weights = targets_of(form, n, c, dtype)
    g = values((n,) if reduction == "none" else (), dtype, 6)
    fused_holds(dtype, x, y, weights, g, reduction)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", ["ids", "soft"])
def test_softmax_cross_entropy_at_the_edges_of_the_range(dtype, form):
    """Masked, saturated and huge logits, tiny and huge labels and cotangents."""
    m, kind = Model(dtype), values((1,), dtype, 0).dtype
    small = [f * m.normal for f in (0.23, 1.07, 2.0, 2.5, 3.1, 1e10) if f * m.normal < m.largest]
    large = [m.largest * f for f in (1e-3, 0.23, 0.37, 0.6)]
    for q, w, g, reduction in itertools.product(
        [0.3, 10.0, -np.inf, -50.0, np.inf, np.nan, m.largest * 0.9, -m.largest * 0.9],
        [*small, 0.3, 3.3, *large],
        [0.0, *small, 1.1, *large],
        REDUCTIONS,
    ):
        x = np.array([[q, 0.5, -0.25], [0.5, 0.25, -np.inf], [-np.inf, -np.inf, 1.0], [0.5, q, -0.25]]).astype(kind)
        y = np.array([[w, 0.25, 0.0], [0.5, 0.0, 0.3], [0.0, w, 1.0], [1.0, 0.0, 0.0]]).astype(kind)
        weights = y.astype(float)
        if form == "ids":
            y = np.array([0, 2, 1, 0])
            weights = np.eye(3)[y]
        with np.errstate(all="ignore"):
            g = np.array([g, 0.5, g, 1.0] if reduction == "none" else g).astype(kind)
            fused_holds(dtype, x, y, weights, g, reduction)


@pytest.mark.parametrize("dtype", DTYPES[1:])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_weights_of_a_wider_dtype(dtype, reduction):
    """They may be rounded to the dtype of the case: thirds are, halves and zeros are not."""
    x, p = values((3, 4), dtype, 5), values((3, 4), dtype, 3, "probabilities", 1.0)
    g = values((3,) if reduction == "none" else (), dtype, 6)
    y = np.array([[1 / 3, 2 / 3, 0.0, 0.0], [0.5, 0.0, 0.5, 0.0], [0.1, 0.2, 0.3, 0.4]])
    fused_holds(dtype, x, y, y, g, reduction)
    cross_entropy_holds(dtype, p, y, y, g, reduction)
    rounded = y.astype(x.dtype)
    wide, own = (bounds(Case("softmax_cross_entropy", [x, t], g, {"reduction": reduction})) for t in (y, rounded))
    assert (wide["dlogits"][0] > own["dlogits"][0]).all()
    assert (wide["dlogits"][1] == own["dlogits"][1]).all()


def test_what_is_masked_has_no_probability_and_the_loss_of_one_class_is_none():
    with np.errstate(all="ignore"):
        found = probabilities(ARITHMETIC["float64"], np.array([[-np.inf, 0.0], [np.nan, 0.0], [-np.inf, -np.inf]]))
    assert found.log_s[0].tolist() == [-np.inf, 0.0]
    assert found.s[0].tolist() == [0.0, 1.0]
    assert found.valid.tolist() == [[True], [False], [False]]
    fused_holds("float32", *(np.ones((2, 1), np.float32),) * 2, np.ones((2, 1)), np.array(1.0, np.float32), "mean")


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_mean_of_one_sample(dtype):
    x, p = values((1, 3), dtype, 1), values((1, 3), dtype, 2, "probabilities", 1.0)
    g = values((), dtype, 3)
    fused_holds(dtype, x, np.array([1]), np.eye(3)[[1]], g, "mean")
    cross_entropy_holds(dtype, p, np.array([1]), np.eye(3)[[1]], g, "mean")


def test_sums_in_the_dtype_itself_are_held_to_its_own_arithmetic():
    case = Case("softmax", [values((2, 3), "bfloat16", 1)], values((2, 3), "bfloat16", 2))
    native, strict = bounds(case, accumulate="native"), bounds(case)
    assert (native["dinputs"] == bounds_in(case, arithmetic.NATIVE["bfloat16"])["dinputs"]).all()
    assert (strict["dinputs"] == bounds_in(case, ARITHMETIC["bfloat16"])["dinputs"]).all()
    assert (native["dinputs"] > 2 * strict["dinputs"]).all()


def test_where_a_claim_ends():
    half, limit = ARITHMETIC["float16"], 65504.0 * (1 - 2.0**-11)
    assert half.stored(np.array(limit), np.array(0.0)) == np.inf
    assert half.stored(np.array(np.nextafter(limit, 0)), np.array(0.0)) < 33
    assert arithmetic.unclaimed_from(np.array(1.0), np.array([3.9, 4.0, np.nan]), 8.0).tolist() == [1, np.inf, np.inf]
    assert [ARITHMETIC["float64"].gamma(k * 2.0**53) for k in (0.5, 1, 1.5)] == [1.0, np.inf, np.inf]
