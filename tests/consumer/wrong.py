"""Mistakes that a type checker finds: one on each line that says so, and on no other."""

import oracles
import reference
from oracles import Case, Layer, Op, check_layer, load, parametrize_with_checks
from reference import Dense, relu

layer = Layer.from_class("relu", reference.ReLU)
report = check_layer(layer)
verdict = report.failures[0]

Layer(op=3, forward=relu, vjp=relu)  # wrong
Layer("relu", forward=relu)  # wrong
Layer("relu", relu, relu)  # wrong
Layer("relu", forward="relu", vjp=relu)  # wrong
Layer.from_class("relu", reference.ReLU, gradient={"dinputs": "dx"})  # wrong
layer.op = "softmax"  # wrong
Op("swish(inputs) -> output", options=3)  # wrong
check_layer(reference.ReLU)  # wrong
check_layer(layer, max_examples="many")  # wrong
print(report.passd)  # wrong
report.passed()  # wrong
print(report.failures.cause)  # wrong
print(verdict.margin.shape)  # wrong
verdict.case.save("case.json")  # wrong
Case("relu", 3, [1.0])  # wrong
load("torch", "cpu")  # wrong
load("torch").vjp("case.json")  # wrong
parametrize_with_checks(layer)  # wrong
oracles.chek_layer(layer)  # wrong
reference.softmaks([1.0])  # wrong
Dense("4", 3)  # wrong
