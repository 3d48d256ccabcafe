"""An op's functions as graphs: its definition and forms run once, on stand-ins for arrays of the shapes asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ..calculus.graph import Graph
from ..calculus.namespace import XP
from ..calculus.trace import Traced
from .domains import REAL
from .op import Function, Op
from .signature import Shape


@lru_cache(maxsize=4096)
def output_shape(op: Op, shapes: tuple[tuple[str, Shape], ...], options: tuple[tuple[str, Any], ...]) -> Shape:
    """The shape of the output, where the signature leaves it to the definition."""
    graph = Graph()
    return outputs_of(op, op.definition, graph, dict(shapes), dict(options))[0].shape


def outputs_of(
    op: Op, function: Function | None, graph: Graph, shapes: Mapping[str, Shape], options: Mapping[str, Any]
) -> list[Traced]:
    """The outputs of a definition or a form, traced in the graph for primals of these shapes."""
    assert function is not None
    found = function(XP, *primals_of(op, graph, shapes), **options)
    return list(found) if isinstance(found, tuple) else [found]


def primals_of(op: Op, graph: Graph, shapes: Mapping[str, Shape]) -> list[Traced]:
    """The primals as nodes of a graph. Labels that are ids are integers, and rows of them real numbers."""
    nodes = []
    for name in op.primals:
        domain = op.domains.get(name, REAL)
        kind: Any = "integer" if domain.forms and len(shapes[name]) == 1 else domain.kind
        nodes.append(Traced(graph, graph.input(name, shapes[name], kind)))
    return nodes
