"""The worked examples of the backpropagation chapter: what the notebooks print, beside what this package computes.

    python examples/seeds.py

Exits 1 unless every figure agrees to the last digit printed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from reference import dense, dense_vjp, neuron, neuron_vjp, relu, relu_vjp, squared_error, squared_error_vjp
from reference.nnfs import Activation_ReLU, Layer_Dense

EXAMPLES = json.loads(Path(__file__).with_name("worked_examples.json").read_text())


class Row(NamedTuple):
    """A figure: theirs as printed, and ours."""

    example: str
    figure: str
    theirs: np.ndarray
    ours: np.ndarray
    digits: int | None  # after the point, as printed; None where every digit is

    @property
    def agrees(self) -> bool:
        """Whether ours is theirs, rounded as they print it."""
        theirs, ours = np.asarray(self.theirs, float), np.asarray(self.ours, float)
        if theirs.shape != ours.shape:
            return False
        return bool((theirs == (ours if self.digits is None else np.round(ours, self.digits))).all())


def three_inputs(e: dict[str, Any]) -> dict[str, Any]:
    rate, x, w, b = e["learning_rate"], np.array(e["x"]), np.array(e["w"]), e["b"]
    gradients = neuron_vjp(e["dvalue"], x, w, b)
    w_after, b_after = w - rate * gradients.dweights, b - rate * gradients.dbias
    return _neuron(e) | {"w_after": w_after, "b_after": b_after, "y_after": neuron(x, w_after, b_after)}


def six_inputs(e: dict[str, Any]) -> dict[str, Any]:
    return _neuron(e)


def _neuron(e: dict[str, Any]) -> dict[str, Any]:
    gradients = neuron_vjp(e["dvalue"], e["x"], e["w"], e["b"])
    z = (np.array(e["x"]) * e["w"]).sum() + e["b"]
    found = {"z": z, "y": neuron(e["x"], e["w"], e["b"]), "drelu_dz": gradients.dz}
    return found | {"dx": gradients.dinputs, "dw": gradients.dweights, "db": gradients.dbias}


def dense_inputs(e: dict[str, Any]) -> dict[str, Any]:
    weights = np.array(e["weights"])
    return {"dinputs": dense_vjp(e["dvalues"], np.zeros((len(e["dvalues"]), 4)), weights).dinputs}


def dense_weights(e: dict[str, Any]) -> dict[str, Any]:
    x, g, w = np.array(e["inputs"]), np.array(e["dvalues"]), np.zeros((4, 3))
    singly = np.array([dense_vjp(g[i : i + 1], x[i : i + 1], w).dweights for i in range(len(x))])
    return {"dweights": dense_vjp(g, x, w).dweights, "per_sample": singly, "sum_of_per_sample": singly.sum(axis=0)}


def dense_biases(e: dict[str, Any]) -> dict[str, Any]:
    return {"dbiases": dense_vjp(e["dvalues"], np.zeros((3, 4)), np.zeros((4, 3))).dbiases}


def relu_batch(e: dict[str, Any]) -> dict[str, Any]:
    x = np.array(e["inputs"])
    return {"mask": relu_vjp(np.ones(x.shape), x), "dinputs": relu_vjp(e["dvalues"], x)}


def dense_relu_step(e: dict[str, Any]) -> dict[str, Any]:
    layer, activation = Layer_Dense(4, 3), Activation_ReLU()
    layer.weights, layer.biases = np.array(e["weights"]), np.array(e["biases"])
    outputs = activation.forward(layer.forward(np.array(e["inputs"])))
    layer.backward(activation.backward(np.ones_like(outputs) if e["dvalues_into_relu"] == "ones" else outputs))
    rate = e["learning_rate"]
    after = {
        "weights_after": layer.weights - rate * layer.dweights,
        "biases_after": layer.biases - rate * layer.dbiases,
    }
    return {"layer_outputs": layer.output, "relu_outputs": outputs} | after


def neuron_descent(e: dict[str, Any]) -> dict[str, Any]:
    """A single neuron on a squared loss; the notebook's dot product is rounded to float32."""
    x, w, b, losses = np.array([e["inputs"]]), np.array(e["weights"])[:, None], np.array([[e["bias"]]]), []
    for _ in range(e["iterations"]):
        z = dense(x, w, np.zeros((1, 1))).astype(np.float32) + b
        y = relu(z)
        losses.append(squared_error(y, [[e["target"]]]))
        dz = relu_vjp(squared_error_vjp(1.0, y, [[e["target"]]]), z)
        _, dw, db = dense_vjp(dz, x, w)
        w, b = w - e["learning_rate"] * dw, b - e["learning_rate"] * db
    key = "losses_as_printed_through_a_float32_dot"
    return {key: losses[: len(e[key])]}


def layer_descent(e: dict[str, Any]) -> dict[str, Any]:
    """Three neurons on a squared sum, with weights as rows and transposed, in float64 and through a float32 dot."""
    columns = {"losses_float64": layer_losses(e), "losses_through_a_float32_rounded_dot": layer_losses(e, np.float32)}
    found: dict[str, Any] = {name: losses[:: e["loss_every"]] for name, (losses, _, _) in columns.items()}
    _, w, b = columns["losses_float64"]
    return found | {"weights_after": w.T, "biases_after": b[0]}


def layer_losses(e: dict[str, Any], dot_dtype: type = np.float64) -> tuple[list[Any], np.ndarray, np.ndarray]:
    x, w, b = np.array([e["inputs"]]), np.array(e["weights_rows_are_neurons"]).T, np.array([e["biases"]])
    losses = []
    for _ in range(e["iterations"]):
        z = dot(x, w).astype(dot_dtype) + b
        total = relu(z).sum()
        losses.append(squared_error(total, 0.0))
        dz = relu_vjp(np.full(z.shape, squared_error_vjp(1.0, total, 0.0)), z)
        _, dw, db = dense_vjp(dz, x, w)
        w, b = w - e["learning_rate"] * dw, b - e["learning_rate"] * db
    return losses, w, b


def dot(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """x @ w for four inputs, summed in the order of the notebooks' BLAS: the last digit printed depends on it."""
    p = x[0, :, None] * w
    return ((p[0] + p[2]) + (p[1] + p[3]))[None, :]


REPRODUCTIONS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "neuron_three_inputs": three_inputs,
    "neuron_six_inputs": six_inputs,
    "dense_inputs_one_sample": dense_inputs,
    "dense_inputs_batch": dense_inputs,
    "dense_weights_batch": dense_weights,
    "dense_biases_batch": dense_biases,
    "relu_batch": relu_batch,
    "dense_relu_step_unit_gradient": dense_relu_step,
    "dense_relu_step_output_gradient": dense_relu_step,
    "neuron_squared_loss_descent": neuron_descent,
    "layer_squared_sum_descent": layer_descent,
}


def rows() -> Iterator[Row]:
    """Every figure of every example, theirs and ours."""
    for name, reproduce in REPRODUCTIONS.items():
        example = EXAMPLES[name]
        for figure, ours in reproduce(example).items():
            theirs = example["dweights"] if figure == "sum_of_per_sample" else example.get(figure)
            if theirs is not None:
                yield Row(name, figure, np.asarray(theirs), np.asarray(ours), _digits(example, figure, theirs))


def _digits(example: dict[str, Any], figure: str, theirs: Any) -> int | None:
    """Digits after the point: as many as the notebook rounds to; None, all of them, where it prints 13 or more."""
    if "losses" in figure:
        return None
    if "printed_digits" in example:
        return int(example["printed_digits"])
    longest = max(len(repr(float(v)).partition(".")[2]) for v in np.ravel(theirs))
    return None if longest > 12 else 12


def _text(values: np.ndarray) -> str:
    flat = [f"{float(v):.10g}" for v in np.ravel(values)]
    return ", ".join(flat[:4]) + (f", ... ({len(flat)})" if len(flat) > 4 else "")


def main() -> int:
    found = list(rows())
    for row in found:
        mark = "ok    " if row.agrees else "DIFFER"
        print(f"{mark} {row.example}: {row.figure}")
        print(f"         theirs {_text(row.theirs)}\n         ours   {_text(row.ours)}")
    wrong = sum(not row.agrees for row in found)
    print(f"{len(found) - wrong} of {len(found)} figures agree to the last digit printed")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
