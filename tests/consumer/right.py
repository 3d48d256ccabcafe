"""The public API as its users call it: to a type checker there is nothing to say, in its strictest mode either."""

from pathlib import Path

import numpy as np
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

import reference
from oracles import (
    Case,
    InputError,
    Layer,
    Op,
    OracleUnavailable,
    Recipe,
    Result,
    available,
    check_layer,
    load,
    parametrize_with_checks,
)
from reference import Dense, SoftmaxCrossEntropy, dense, dense_vjp, relu, softmax, softmax_vjp

Floats = NDArray[np.float32]


class MyReLU:
    def forward(self, inputs: Floats) -> Floats:
        self.inputs = inputs
        return np.maximum(inputs, np.float32(0))

    def backward(self, dvalues: Floats) -> Floats:
        return np.where(self.inputs > 0, dvalues, np.zeros_like(dvalues))


def my_softmax(inputs: Floats) -> Floats:
    return inputs


def my_softmax_vjp(cotangent: Floats, inputs: Floats) -> Floats:
    return cotangent * inputs


mine = Layer.from_class("relu", MyReLU, gradients={"dinputs": "dx"})
functions = Layer("softmax", forward=my_softmax, vjp=my_softmax_vjp, name="mine", any_rank=True, convention="torch")
in_torch = Layer.from_torch("relu", relu, device="cuda", reductions=("mean", "sum"))
in_jax = Layer.from_jax("softmax", softmax)

cases = arrays(np.float64, (3, 4)).map(lambda x: {"inputs": x})
swish = Op("swish(inputs) -> output", cases=cases, torch=np.tanh, jax=None)
own = Layer(swish, forward=my_softmax, vjp=my_softmax_vjp)

report = check_layer(mine, oracles=["torch"], dtypes=("float32",), device="cpu", max_examples=10, seed=1)
passed: bool = report.passed
text: str = str(report) + report.to_json()
report.to_html(Path("report.html"))
report.to_junit("report.xml")
report.raise_for_failure()
for verdict in report.failures:
    words: str = verdict.check + verdict.oracle + verdict.dtype + verdict.cause + verdict.message + verdict.snippet
    margin: float = verdict.margin
    if verdict.case is not None:
        verdict.case.save("case.json")
cause: str = report.failures[0].cause


@parametrize_with_checks([mine, functions], expected_failures={"mine-values": "a reason"}, examples=["case.json"])
def test_mine(check: object) -> None:
    assert callable(check)
    check()


case = Case("softmax", {"inputs": [[1.0, 2.0]]}, np.ones((1, 2)))
large = Case("relu", [Recipe("uniform", (100, 100), "float32")], Recipe("ones", (100, 100), "float32"))
same: bool = Case.from_json(case.to_json()) == Case.load("case.json")
names: tuple[str, ...] = available()
result: Result = load("torch", device="cpu").vjp(case)
total: float = float(result.gradients["inputs"].sum() + result.output.sum())

try:
    outputs = dense([[1.0, 2.0]], np.eye(2), np.zeros((1, 2)))
    gradients = dense_vjp(outputs, [[1.0, 2.0]], np.eye(2))
    rows: int = gradients.dweights.shape[0] + softmax_vjp(outputs, outputs).shape[0]
    dinputs, dweights, dbiases = gradients
except (InputError, OracleUnavailable) as error:
    print(error)
layer = Dense(4, 3, rng=0)
loss = SoftmaxCrossEntropy()
loss.forward(layer.forward(np.ones((2, 4))), [0, 1])
layer.backward(loss.backward(loss.output, [0, 1]))
mean = reference.softmax_cross_entropy(layer.output, [0, 1], reduction="sum")
