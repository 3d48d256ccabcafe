import numpy as np

from oracles.calculus.graph import Graph


def test_what_is_the_same_is_one_node():
    graph = Graph()
    x = graph.input("x", (2,))
    assert graph.input("x", (2,)) == x
    one = graph.add("exp", (x,), {}, (2,), "real")
    assert graph.add("exp", (x,), {}, (2,), "real") == one
    assert graph.add("log", (x,), {}, (2,), "real") != one
    assert graph.constant(np.arange(3)) == graph.constant(np.arange(3))
    assert graph.constant(np.arange(3)) != graph.constant(np.arange(3.0))
    assert len(graph.constants) == 2


def test_only_what_is_needed_is_walked_and_in_order():
    graph = Graph()
    x = graph.input("x", ())
    nodes = [x]
    for _ in range(3):
        nodes.append(graph.add("exp", (nodes[-1],), {}, (), "real"))
    graph.add("log", (x,), {}, (), "real")
    assert graph.needed([nodes[2]]) == nodes[:3]
    assert [graph.nodes[n].kind for n in (x, graph.constant(np.array([True])), graph.constant(np.arange(2)))] == [
        "real",
        "boolean",
        "integer",
    ]
