"""A definition and what follows from it: its graph, its derivatives, and how far any sensible evaluation may be off.

Knows nothing of layers, cases or frameworks: NumPy and python-flint are its only imports.

- `graph`: nodes, each a primitive of other nodes; what is the same is one node.
- `trace`: a definition in array-API names, run on stand-ins that record what it does.
- `primitives`: one row each: its value, its error, its derivatives, its ball.
- `differentiate`: reverse and forward mode, on the graph, as often as asked.
- `running_error`: the graph in pairs (value, error). `balls`: the graph in ball arithmetic, for the exact value.
"""
