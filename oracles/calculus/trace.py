"""Stand-ins for arrays: what a definition does with them is recorded as nodes of a graph.

A definition runs once a shape. It may look at shapes and options, never at values: `xp.where` chooses between those.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .graph import Graph, Kind, Shape
from .shapes import TraceError, broadcast_shapes, matrix_shapes, ordered, reshaped, sliced

# NumPy's dtypes stand for the kinds: a graph has no precision of its own
DTYPES: dict[Kind, np.dtype[Any]] = {
    "real": np.dtype(np.float64),
    "integer": np.dtype(np.int64),
    "boolean": np.dtype(np.bool_),
}


def _operator(primitive: str, kind: Kind = "real", *, swapped: bool = False) -> Callable[[Traced, Any], Traced]:
    """The operator of that primitive."""

    def operator(self: Traced, other: Any) -> Traced:
        return binary(primitive, other, self, kind=kind) if swapped else binary(primitive, self, other, kind=kind)

    return operator


@dataclass(frozen=True, eq=False)
class Traced:
    """A node as a definition sees it: an array without values."""

    graph: Graph
    number: int

    @property
    def shape(self) -> Shape:
        """Of the array."""
        return self.graph.nodes[self.number].shape

    @property
    def kind(self) -> Kind:
        """Real, integer or boolean."""
        return self.graph.nodes[self.number].kind

    @property
    def dtype(self) -> np.dtype[Any]:
        """What stands for the kind."""
        return DTYPES[self.kind]

    @property
    def ndim(self) -> int:
        """How many axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many elements."""
        return math.prod(self.shape)

    @property
    def T(self) -> Traced:  # noqa: N802  (its name in the standard)
        """The transpose of a matrix."""
        if self.ndim != 2:
            raise TraceError(f"T: expected two axes, got shape {self.shape}; xp.permute_dims takes any")
        return transpose(self, (1, 0))

    @property
    def mT(self) -> Traced:  # noqa: N802  (its name in the standard)
        """The transpose of the last two axes."""
        return transpose(self, (*range(self.ndim - 2), self.ndim - 1, self.ndim - 2))

    __add__, __radd__ = _operator("add"), _operator("add", swapped=True)
    __sub__, __rsub__ = _operator("sub"), _operator("sub", swapped=True)
    __mul__, __rmul__ = _operator("mul"), _operator("mul", swapped=True)
    __truediv__, __rtruediv__ = _operator("div"), _operator("div", swapped=True)
    __lt__, __gt__ = _operator("less", "boolean"), _operator("less", "boolean", swapped=True)
    __le__, __ge__ = _operator("less_equal", "boolean"), _operator("less_equal", "boolean", swapped=True)
    __and__, __or__ = _operator("and", "boolean"), _operator("or", "boolean")
    __eq__ = _operator("equal", "boolean")  # type: ignore[assignment]  # elementwise, as in the standard
    __hash__ = object.__hash__

    def __ne__(self, other: object) -> Traced:  # type: ignore[override]  # likewise
        return ~binary("equal", self, other, kind="boolean")

    def __pow__(self, exponent: Any) -> Traced:
        return power(self, exponent)

    def __matmul__(self, other: Any) -> Traced:
        return matmul(self, other)

    def __rmatmul__(self, other: Any) -> Traced:
        return matmul(other, self)

    def __neg__(self) -> Traced:
        return unary("neg", self)

    def __pos__(self) -> Traced:
        return self

    def __abs__(self) -> Traced:
        return unary("abs", self)

    def __invert__(self) -> Traced:
        return node("not", (self,), {}, self.shape, "boolean")

    def __getitem__(self, key: Any) -> Traced:
        slices, shape = sliced(self.shape, key)
        taken = tuple(len(range(*s)) for s in slices)
        whole = all(range(*s) == range(n) for s, n in zip(slices, self.shape, strict=True))
        return reshape(self if whole else node("slice", (self,), {"slices": slices}, taken, self.kind), shape)

    def __bool__(self) -> bool:
        raise TraceError("a definition cannot branch on values: write xp.where(condition, a, b)")

    def __float__(self) -> float:
        raise TraceError("a definition has no values to look at: shapes and options alone are known when it is traced")

    __int__ = __index__ = __float__

    def __iter__(self) -> Iterator[Traced]:
        return (self[i] for i in range(len(self)))

    def __len__(self) -> int:
        if not self.shape:
            raise TraceError("an array without axes has no length")
        return self.shape[0]

    __array_ufunc__ = None  # NumPy's own arrays and numbers leave it to the operators here

    def __array__(self, *args: Any, **options: Any) -> Any:
        raise TraceError("a NumPy function was called on a stand-in: call xp's, which records it")


def node(
    primitive: str, args: Sequence[Traced], params: Mapping[str, Any], shape: Shape, kind: Kind = "real"
) -> Traced:
    """The stand-in for a primitive of others, of one graph."""
    graph = args[0].graph
    return Traced(graph, graph.add(primitive, tuple(a.number for a in args), params, shape, kind))


def lifted(graph: Graph, value: Any, kind: Kind = "real") -> Traced:
    """A number, of that kind, or an array of a definition's own as a node."""
    if isinstance(value, Traced):
        if value.graph is not graph:
            raise TraceError("a stand-in of another definition: each is traced by itself")
        return value
    if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool):
        return Traced(graph, graph.add("literal", (), {"value": float(value)}, (), kind))
    if isinstance(value, (np.ndarray, bool, np.bool_)) and np.asarray(value).dtype.kind in "biuf":
        return Traced(graph, graph.constant(np.asarray(value)))
    raise TraceError(f"expected an array or a number, got {type(value).__name__}")


def graph_of(*values: Any) -> Graph:
    """The graph of the stand-ins among some values."""
    found = next((value.graph for value in values if isinstance(value, Traced)), None)
    if found is None:
        raise TraceError("expected an array of the definition among the arguments")
    return found


def unary(primitive: str, x: Any, **params: Any) -> Traced:
    """A function of one array, elementwise."""
    if not isinstance(x, Traced):
        raise TraceError(f"{primitive}: expected an array, got {type(x).__name__}")
    return node(primitive, (x,), params, x.shape, x.kind if primitive in ("neg", "abs", "sign") else "real")


def binary(primitive: str, a: Any, b: Any, *, kind: Kind = "real") -> Traced:
    """A function of two arrays that are broadcast against each other."""
    graph = graph_of(a, b)
    whole = all(v.kind != "real" for v in (a, b) if isinstance(v, Traced))
    x, y = (lifted(graph, v, "integer" if whole and isinstance(v, (int, np.integer)) else "real") for v in (a, b))
    shape = broadcast_shapes(primitive, x.shape, y.shape)
    if kind == "real" and primitive != "div" and "real" not in (x.kind, y.kind):
        kind = "integer"
    return node(primitive, (broadcast(x, shape), broadcast(y, shape)), {}, shape, kind)


def broadcast(x: Traced, shape: Shape) -> Traced:
    """The array repeated along the axes that it lacks, or has with length 1."""
    return x if x.shape == shape else node("broadcast", (x,), {"shape": shape}, shape, x.kind)


def reshape(x: Traced, wanted: Sequence[int]) -> Traced:
    """The same elements in another shape; one length may be -1."""
    shape = reshaped(x.shape, wanted)
    return x if x.shape == shape else node("reshape", (x,), {"shape": shape}, shape, x.kind)


def transpose(x: Traced, axes: Sequence[int]) -> Traced:
    """The axes in another order."""
    order = ordered(x.ndim, axes)
    if order == tuple(range(x.ndim)):
        return x
    return node("transpose", (x,), {"axes": order}, tuple(x.shape[i] for i in order), x.kind)


def power(x: Traced, exponent: Any) -> Traced:
    """A constant power: products for small whole ones, roots for halves."""
    if not isinstance(exponent, (int, float)):
        raise TraceError("**: expected a number as exponent; for an array write xp.exp(b * xp.log(a))")
    if exponent < 0:
        return 1 / power(x, -exponent)
    if exponent == 0.5:
        return unary("sqrt", x)
    if exponent in (1, 2, 3, 4):
        square = x * x if exponent > 1 else x
        return [x, square, square * x, square * square][int(exponent) - 1]
    return node("power", (x,), {"exponent": float(exponent)}, x.shape)


def matmul(a: Any, b: Any) -> Traced:
    """The product of matrices, in their last two axes; vectors, and leading axes, as in the standard."""
    graph = graph_of(a, b)
    x, y = lifted(graph, a), lifted(graph, b)
    if not x.ndim or not y.ndim:
        raise TraceError("matmul: expected at least one axis each")
    if x.ndim == 1:
        return matmul(x[None, :], y)[..., 0, :] if y.ndim > 1 else matmul(x[None, :], y[:, None])[0, 0]
    if y.ndim == 1:
        return matmul(x, y[:, None])[..., 0]
    batch = matrix_shapes(x.shape, y.shape)
    if y.ndim == 2:  # one product of the rows of all samples: its gradient is one as well
        rows = reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))
        product = node("matmul", (rows, y), {}, (rows.shape[0], y.shape[1]))
        return reshape(product, (*x.shape[:-1], y.shape[1]))
    left, right = broadcast(x, (*batch, *x.shape[-2:])), broadcast(y, (*batch, *y.shape[-2:]))
    return node("matmul", (left, right), {}, (*batch, x.shape[-2], y.shape[-1]))
