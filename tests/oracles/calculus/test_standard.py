import numpy as np
import pytest

from oracles.calculus.graph import Graph
from oracles.calculus.namespace import XP as xp  # noqa: N811  (as definitions call it)
from oracles.calculus.shapes import TraceError
from oracles.calculus.trace import Traced

from .test_namespace import X, Y, close, value

CUBE = np.arange(24.0).reshape(2, 3, 4)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2)])
@pytest.mark.parametrize("name", ["sum", "mean", "var", "max", "min"])
def test_reductions(name, axis, keepdims):
    found = value(lambda x: getattr(xp, name)(x, axis=axis, keepdims=keepdims), CUBE)
    close(found, getattr(np, name)(CUBE, axis=axis, keepdims=keepdims))


def test_reductions_of_booleans():
    for axis in (None, 0):
        assert (value(lambda x, a=axis: xp.any(x > 20, axis=a), CUBE) == (CUBE > 20).any(axis)).all()
        assert (value(lambda x, a=axis: xp.all(x > 2, axis=a), CUBE) == (CUBE > 2).all(axis)).all()
    close(value(lambda x: xp.sum(x > 2), CUBE), 21)
    close(value(lambda x: xp.mean(xp.astype(x > 2, xp.float64)), CUBE), 21 / 24)


def test_what_moves():
    close(value(lambda x: xp.permute_dims(x, (2, 0, 1)), CUBE), CUBE.transpose(2, 0, 1))
    close(value(lambda x: xp.expand_dims(x, axis=-1), CUBE), CUBE[..., None])
    close(value(lambda x: xp.squeeze(x[:1], axis=0), CUBE), CUBE[0])
    close(value(lambda x: xp.flip(x, axis=1), CUBE), CUBE[:, ::-1])
    close(value(lambda x: xp.reshape(x, (4, -1)), CUBE), CUBE.reshape(4, -1))
    close(value(lambda x: xp.broadcast_to(x, (5, 2, 3, 4)), CUBE), np.broadcast_to(CUBE, (5, 2, 3, 4)))
    close(value(lambda x, y: xp.concat([x, y], axis=-1), X, Y), np.concatenate([X, Y], -1))
    close(value(lambda x, y: xp.stack([x, y], axis=1), X, Y), np.stack([X, Y], 1))


def test_products_over_axes():
    close(value(lambda x, y: xp.tensordot(x, y, axes=([1], [1])), X, Y), np.tensordot(X, Y, ([1], [1])))
    close(value(lambda x, y: xp.tensordot(x, y.T, axes=1), X, Y), X @ Y.T)
    close(value(xp.vecdot, X, Y), (X * Y).sum(-1))
    close(value(lambda x: xp.cumulative_sum(x, axis=1), X), np.cumsum(X, 1))


def test_what_is_taken_at_indices():
    at = np.array([[1, 1], [0, 2], [3, 0]])
    close(value(lambda x, i: xp.take(x, i, axis=1), X, at, kinds=["real", "integer"]), X[:, at])
    close(
        value(lambda x, i: xp.take_along_axis(x, i, axis=1), X, at, kinds=["real", "integer"]),
        np.take_along_axis(X, at, 1),
    )
    close(value(lambda x: xp.take(x, [2, 0], axis=0), X), X[[2, 0]])


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: xp.squeeze(x, axis=0), "are not of length 1"),
        (lambda x: xp.take(x, x, axis=0), "expected integers as indices"),
        (lambda x: xp.concat([x, x[:, :1]], axis=0), "differ elsewhere than in axis 0"),
        (lambda x: xp.astype(x, xp.int64), "its digits have no derivative"),
    ],
)
def test_what_does_not_fit_is_said(f, message):
    graph = Graph()
    with pytest.raises(TraceError, match=message):
        f(Traced(graph, graph.input("x", (2, 3))))
