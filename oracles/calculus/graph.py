"""A computation as nodes, each a primitive of other nodes. Nodes are only added, and what is the same is one node.

A graph is concrete in its shapes and holds no data but constants: the same graph serves every case of its shapes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int, ...]
Kind = Literal["real", "integer", "boolean"]
ROUNDED = "rounded "  # before a number, the name of an input that is this number in the dtype of an evaluation


@dataclass(frozen=True)
class Node:
    """One step: a primitive, the numbers of the nodes it takes, what else it is told, and what comes out."""

    primitive: str
    args: tuple[int, ...]
    params: tuple[tuple[str, Any], ...]
    shape: Shape
    kind: Kind

    def __getitem__(self, name: str) -> Any:
        """A parameter."""
        return dict(self.params)[name]


@dataclass
class Graph:
    """Nodes in an order in which they can be evaluated. Arrays that a definition made itself are its constants."""

    nodes: list[Node] = field(default_factory=list)
    constants: list[Array] = field(default_factory=list)
    inputs: dict[str, int] = field(default_factory=dict)
    _known: dict[Any, int] = field(default_factory=dict)

    def add(self, primitive: str, args: tuple[int, ...], params: Mapping[str, Any], shape: Shape, kind: Kind) -> int:
        """The number of the node, which may have been there."""
        node = Node(primitive, args, tuple(sorted(params.items())), shape, kind)
        key = (primitive, args, node.params)
        if key not in self._known:
            self._known[key] = len(self.nodes)
            self.nodes.append(node)
        return self._known[key]

    def input(self, name: str, shape: Shape, kind: Kind = "real") -> int:
        """The node of an array that every evaluation is given."""
        number = self.add("input", (), {"name": name}, shape, kind)
        self.inputs[name] = number
        return number

    def constant(self, value: Array) -> int:
        """The node of an array that is the same in every evaluation."""
        a = np.asarray(value)
        kind: Kind = {"b": "boolean", "i": "integer", "u": "integer"}.get(a.dtype.kind, "real")  # type: ignore[assignment]
        key = ("constant", a.dtype.str, a.shape, a.tobytes())
        if key not in self._known:
            self._known[key] = self.add("constant", (), {"at": len(self.constants)}, a.shape, kind)
            self.constants.append(a)
        return self._known[key]

    def needed(self, wanted: Iterable[int]) -> list[int]:
        """The nodes that those stand on, themselves included, in order."""
        found, coming = set[int](), list(wanted)
        while coming:
            number = coming.pop()
            if number not in found:
                found.add(number)
                coming += self.nodes[number].args
        return sorted(found)


@dataclass(frozen=True, eq=False)
class Program:
    """The nodes of a graph that some of them stand on, in order; each is let go of once nobody takes it any more."""

    graph: Graph
    wanted: tuple[int, ...]

    @cached_property
    def steps(self) -> tuple[tuple[int, Node, dict[str, Any], tuple[int, ...]], ...]:
        """The number of each node, the node, its parameters, and the numbers of those that it is the last to take."""
        order = self.graph.needed(self.wanted)
        last = {number: number for number in order}
        for number in order:
            last |= dict.fromkeys(self.graph.nodes[number].args, number)
        kept = set(self.wanted)
        free: dict[int, list[int]] = {}
        for number, at in last.items():
            if number not in kept:
                free.setdefault(at, []).append(number)
        nodes = self.graph.nodes
        return tuple((n, nodes[n], dict(nodes[n].params), tuple(free.get(n, ()))) for n in order)

    @cached_property
    def numbers(self) -> frozenset[int]:
        """Those of all its nodes."""
        return frozenset(number for number, *_ in self.steps)
