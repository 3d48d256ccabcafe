"""An op's functions as graphs: its definition and forms run once, on stand-ins for arrays of the shapes asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from reference import InputError

from ..calculus.graph import Graph
from ..calculus.namespace import XP
from ..calculus.trace import Traced
from .domains import REAL
from .op import Function, Op
from .signature import Shape

# primitives that choose among numbers, and those that make whole numbers of whole numbers
CHOICES = frozenset({"broadcast", "input", "constant", "literal", "as_given", "stop", "where", "equal", "maximum"})
CHOICES |= {"less", "less_equal"}
WHOLE = CHOICES | {"add", "sub", "mul", "neg", "abs", "matmul", "sum", "reshape", "transpose", "stored"}


@lru_cache(maxsize=4096)
def output_shapes(
    op: Op, shapes: tuple[tuple[str, Shape], ...], options: tuple[tuple[str, Any], ...]
) -> tuple[Shape, ...]:
    """The shape of each output, where the signature leaves it to the definition."""
    graph = Graph()
    return tuple(y.shape for y in outputs_of(op, op.definition, graph, dict(shapes), dict(options)))


@lru_cache(maxsize=1024)
def primitives_of(op: Op) -> frozenset[str]:
    """The primitives that the definition uses, traced on small arrays; none where there is no definition."""
    if op.definition is None:
        return frozenset()
    said, graph = op.signature, Graph()
    sizes = {letter: size for size, letter in enumerate(said.axes, 2)}
    open_ = next(iter(sizes.values()), 2)  # of labels, whose shape the signature leaves open: ids of the first axis
    shapes = {a.name: (open_,) if a.axes is None else said.shape_of(a, sizes, (3,)) for a in said.inputs}
    outputs_of(op, op.definition, graph, shapes, op.options)
    return frozenset(node.primitive for node in graph.nodes)


def only_chooses(op: Op) -> bool:
    """Whether an op only chooses among what it is given, as ReLU does: of an operand no more than its sign is read."""
    return bool(made := primitives_of(op)) and made <= CHOICES


def keeps_whole_numbers(op: Op) -> bool:
    """Whether an op makes whole numbers of whole numbers: a layer may then be handed integers, and allocate them."""
    return bool(made := primitives_of(op)) and made <= WHOLE and op.domains.get(op.primals[0], REAL) is REAL


def outputs_of(
    op: Op, function: Function | None, graph: Graph, shapes: Mapping[str, Shape], options: Mapping[str, Any]
) -> list[Traced]:
    """The outputs of a definition or a form, traced in the graph for primals of these shapes."""
    assert function is not None
    found = function(XP, *primals_of(op, graph, shapes), **options)
    outputs = list(found) if isinstance(found, tuple) else [found]
    if len(outputs) != len(op.outputs):
        raise InputError(f"{op.name}: expected {len(op.outputs)} outputs of its definition, got {len(outputs)}")
    return outputs


def primals_of(op: Op, graph: Graph, shapes: Mapping[str, Shape]) -> list[Traced]:
    """The primals as nodes of a graph. Labels that are ids are integers, and rows of them real numbers."""
    nodes = []
    for name in op.primals:
        domain = op.domains.get(name, REAL)
        kind: Any = "integer" if domain.forms and len(shapes[name]) == 1 else domain.kind
        nodes.append(Traced(graph, graph.input(name, shapes[name], kind)))
    return nodes
