from oracles.calculus.graph import Graph
from oracles.ops import Op
from oracles.ops.tracing import outputs_of


def test_several_outputs():
    op = Op("f(x[N]) -> y[N], z[N]", definition=lambda xp, x: (x * 2, x * 3))
    assert [o.shape for o in outputs_of(op, op.definition, Graph(), {"x": (4,)}, {})] == [(4,), (4,)]
