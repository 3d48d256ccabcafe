import numpy as np
import pytest
from calculus_samples import evaluate

from oracles.calculus.graph import Graph
from oracles.calculus.shapes import TraceError
from oracles.calculus.trace import Traced, lifted, matmul


def arrays(*shapes, kind="real"):
    graph = Graph()
    return [Traced(graph, graph.input(f"x{i}", shape, kind)) for i, shape in enumerate(shapes)]


def value(y, *given):
    return evaluate(y.graph, [y.number], {f"x{i}": np.asarray(a) for i, a in enumerate(given)})[y.number]


A, B = np.array([[1.5, -2.0, 3.0], [0.5, 4.0, -1.0]]), np.array([2.0, -3.0, 0.25])


@pytest.mark.parametrize(
    "f",
    [
        lambda a, b: a + b,
        lambda a, b: 2 - a * b / 3,
        lambda a, b: 1 / b - a,
        lambda a, b: np.float64(2) * a + np.ones(3) * b,
        lambda a, b: -(a**2) + a**3 - a**4 + (a * a) ** 0.5 + (a * a) ** 1.5 + a**-1,
        lambda a, b: abs(a) @ b,
        lambda a, b: (b @ a.T) + 1,
        lambda a, b: a[:, ::-1][..., None] * b,
        lambda a, b: a.T @ a + (a.mT if hasattr(a, "mT") else a.T) @ a,  # NumPy before 2.0 has no mT
        lambda a, b: (a < b) | ~(a >= 1) & (a != b) | (a == b) | (a <= -1) & (a > -9),
        lambda a, b: sum(row * 2 for row in a),
    ],
)
def test_operators_are_numpys(f):
    a, b = arrays((2, 3), (3,))
    assert (value(f(a, b), A, B) == f(A, B)).all()


@pytest.mark.parametrize(
    "shapes", [((3,), (3,)), ((3,), (3, 2)), ((4, 3), (3,)), ((5, 4, 3), (3, 2)), ((5, 4, 3), (5, 3, 2))]
)
def test_products_have_numpys_shapes(shapes):
    rng = np.random.default_rng(0)
    a, b = (rng.integers(-3, 4, shape).astype(float) for shape in shapes)
    found = matmul(*arrays(*shapes))
    assert found.shape == (a @ b).shape
    assert (value(found, a, b) == a @ b).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: bool(x > 0), "cannot branch on values: write xp.where"),
        (lambda x: float(x), "no values to look at"),
        (lambda x: range(x), "no values to look at"),
        (lambda x: np.exp(x), "ufunc|xp's, which records it"),
        (lambda x: np.asarray(x), "call xp's, which records it"),
        (lambda x: x**x, "expected a number as exponent"),
        (lambda x: x + "a", "expected an array or a number, got str"),
        (lambda x: x + arrays((2,))[0], "of another definition"),
        (lambda x: x[0].T, "T: expected two axes"),
        (lambda x: len(x[0, 0]), "has no length"),
        (lambda x: x @ 2.0, "at least one axis each"),
        (lambda x: x @ x, "do not fit"),
    ],
)
def test_what_a_definition_cannot_do_is_said(call, message):
    (x,) = arrays((2, 3))
    with pytest.raises(TypeError, match=message):
        call(x)
    assert issubclass(TraceError, TypeError)


def test_kinds():
    (x,), (i,) = arrays((2,)), arrays((2,), kind="integer")
    assert [(x * 2).kind, (i * 2).kind, (i / 2).kind, (i < 1).kind] == ["real", "integer", "real", "boolean"]
    assert [x.dtype, i.dtype, (i < 1).dtype] == [np.float64, np.int64, np.bool_]
    assert lifted(x.graph, 3).kind == "real"
    assert (x.ndim, x.size, len(x)) == (1, 2, 2)
    assert +x is x
