"""Reverse and forward mode on a graph, by the rows' own rules.

What they add are nodes of the same graph, which can be differentiated again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .graph import Graph
from .primitives import GIVEN, PRIMITIVES
from .trace import Traced, broadcast


def vjp(outputs: Sequence[Traced], cotangents: Sequence[Traced | None], wanted: Sequence[Traced]) -> list[Traced]:
    """What the cotangents of some outputs are pulled back to: a gradient for each wanted array, of its shape.

    A cotangent may be missing. An array that no output depends on has a gradient of zeros.
    """
    graph = outputs[0].graph
    between = _between(graph, wanted, outputs)
    found: dict[int, Traced] = {}

    def receive(number: int, g: Traced | None) -> None:
        if g is not None and number in between:
            found[number] = found[number] + g if number in found else g

    for output, g in zip(outputs, cotangents, strict=True):
        receive(output.number, g)
    for number in sorted(between, reverse=True):
        step = graph.nodes[number]
        if number in found and step.primitive not in GIVEN:
            args = [Traced(graph, a) for a in step.args]
            pulled = PRIMITIVES[step.primitive].vjp(found[number], Traced(graph, number), *args, **dict(step.params))
            for arg, g in zip(step.args, pulled, strict=True):
                receive(arg, g)
    return [found[x.number] if x.number in found else zeros(x) for x in wanted]


def jvp(outputs: Sequence[Traced], tangents: Mapping[int, Traced]) -> list[Traced]:
    """What the tangents of some nodes, by their numbers, are pushed forward to: a tangent an output, of its shape."""
    graph = outputs[0].graph
    starts = [Traced(graph, number) for number in tangents]
    found = dict(tangents)
    for number in sorted(_between(graph, starts, outputs)):
        step = graph.nodes[number]
        if number in found or step.primitive in GIVEN:
            continue
        args = [Traced(graph, a) for a in step.args]
        given = tuple(found.get(a) for a in step.args)
        if any(t is not None for t in given):
            pushed = PRIMITIVES[step.primitive].jvp(given, Traced(graph, number), *args, **dict(step.params))
            if pushed is not None:
                found[number] = pushed
    return [found[y.number] if y.number in found else zeros(y) for y in outputs]


def _between(graph: Graph, starts: Sequence[Traced], ends: Sequence[Traced]) -> set[int]:
    """The nodes through which an end depends on a start."""
    reached = {x.number for x in starts}
    for number in graph.needed(y.number for y in ends):
        if any(a in reached for a in graph.nodes[number].args):
            reached.add(number)
    return reached


def zeros(x: Traced) -> Traced:
    """Zeros of an array's shape, whatever it holds."""
    graph = x.graph
    return broadcast(Traced(graph, graph.add("literal", (), {"value": 0.0}, (), "real")), x.shape)
