from oracles.calculus.graph import Graph
from oracles.ops import DECLARATIONS, OPS, Op
from oracles.ops.tracing import keeps_whole_numbers, only_chooses, outputs_of, primitives_of


def test_several_outputs():
    op = Op("f(x[N]) -> y[N], z[N]", definition=lambda xp, x: (x * 2, x * 3))
    assert [o.shape for o in outputs_of(op, op.definition, Graph(), {"x": (4,)}, {})] == [(4,), (4,)]


def test_what_an_op_is_made_of_says_what_it_keeps():
    assert {name for name, op in DECLARATIONS.items() if only_chooses(op)} == {"relu"}
    assert {name for name, op in DECLARATIONS.items() if keeps_whole_numbers(op)} == {"dense", "relu"}
    assert {name for name, op in DECLARATIONS.items() if "matmul" in primitives_of(op)} == {"dense", "attention"}
    assert primitives_of(Op("unknown(x[N]) -> output[N]", torch="torch.sin")) == frozenset()


def test_what_a_signature_says_of_its_primals():
    assert {name for name, op in DECLARATIONS.items() if op.labels} == {"cross_entropy", "softmax_cross_entropy"}
    assert OPS["cross_entropy"].labels == "targets"
    assert (OPS["cross_entropy"].rows, OPS["softmax"].rows, OPS["dense"].rows) == ("probabilities", "logits", "")
    assert [name for name, op in OPS.items() if op.has_one_primal] == ["relu"]
