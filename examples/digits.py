"""Train a small network with the reference layers, and certify the gradients of every step while it learns.

    python examples/digits.py --plot digits.png

scikit-learn's digits, 64 pixels in 0..1, through dense(64, 32), ReLU, dense(32, 10) and the fused softmax cross-entropy, in
float32. At every step PyTorch and JAX differentiate the whole network at the reference's parameters, and each of their
gradients is held against the reference's within a bound that is derived below: there is no rtol and no atol. At every 10th
step and the last, each op on its own is held against exact arithmetic. PyTorch and JAX also train networks of their own
from the same start, for the curves. Exits 1 if any margin exceeds 1, and 2 where scikit-learn is missing.

The bound of the composed network. Let v be what exact arithmetic gives at these parameters and inputs, v' what any one
evaluation computes, NumPy's r(v), torch's or jax's. The claim, from one op to the next, is |v' - v| <= E(v).

- An op computes within its certified bound B of the exact result for the operands it is given. So E = B, and what the error
  in those operands amounts to in exact arithmetic. Inputs and parameters are exact: there E = 0.
- B belongs to operands v' that only their evaluation knows. But |v| and |v'| are at most V = |r(v)| + 2 E(v), and the bounds
  of dense grow with the magnitudes of its operands: B is taken at V. To each result the smallest normal number is added:
  below it, a result may be flushed to zero, when it is stored or when it is read, and V does not show that.
- dense, z = x w + b: as x' w - x w = (x' - x) w, E(z) = B + E(x) |w|.
- ReLU is exact and moves no further than its input: E(h) = E(z), but 0 where r(z) < -2 E(z), as every z' is negative there.
- The fused loss, the mean over N of the losses of N samples, in C classes: where no logit of a row is off by more than e, the
  sample's loss is off by at most 2 e, and every probability s by a factor between exp(-2 e) and exp(2 e). Hence
  E(loss) = B + mean(2 e), and as dlogits = (s - y) / N with s <= s(r) exp(2 e), E(dlogits) = B + s(r) exp(2 e) expm1(2 e) / N.
  B is taken at r(z), with a factor exp((N + C + 8) d), d = max 2 e: other logits are within d of these, whereby s changes
  by at most a factor exp(2 d), and the multiples of u that B adds up, each sample's at least 16 u, by at most
  (N + C + 24) 2 d u in the loss and 25 d u in the gradient.
- dense backwards, from the cotangent g: as x'^T g' - x^T g = x'^T (g' - g) + (x' - x)^T g, with X and G the V of x and g,
  E(dweights) = B + X^T E(g) + E(x)^T G, E(dbiases) = B + sum E(g), E(dinputs) = B + E(g) |w|^T.
- ReLU backwards: E(g) where r(z) > 2 E(z), and 0 where r(z) < -2 E(z). Between the two the mask itself is within rounding:
  one evaluation may pass its g where another passes 0, hence G.

Reference and framework are each within E of the truth, so within 2 E of each other: margin = max |framework - reference| / 2 E,
where 0/0 is 0. All of this is evaluated in float64, for whose own rounding the package's INFLATION stands.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import NamedTuple

import numpy as np

from oracles import Case, Oracle, OracleUnavailable, load
from oracles.conformance.bounds import ARITHMETIC, bounds
from oracles.conformance.bounds.arithmetic import INFLATION
from oracles.conformance.layer import reference_layer
from oracles.conformance.run import run
from oracles.conformance.truth import Truth
from reference import Dense, Network, ReLU, SoftmaxCrossEntropy, softmax, softmax_cross_entropy

RATE = 1.0
EXACT_EVERY = 10  # steps; exact arithmetic takes longer than all the rest
TINY = ARITHMETIC["float32"].tiny
RESULTS = ("loss", "dweights 1", "dbiases 1", "dweights 2", "dbiases 2", "dinputs")

Array = np.ndarray
Worst = dict[tuple[str, str], float]  # margins by row and column of a table


class Framework(NamedTuple):
    """A framework's side: the whole network's gradients anywhere, and a network of its own."""

    results: Callable[..., Sequence[Array]]  # of inputs, w1, b1, w2, b2, labels; in the order of RESULTS
    step: Callable[[Array, Array], float]  # trains its own network, and returns the loss before
    logits: Callable[[Array], Array]  # of its own network


def torch_framework(start: Sequence[Array]) -> Framework:
    import torch
    from torch.nn.functional import cross_entropy, linear, relu

    def logits(x, w1, b1, w2, b2):
        return linear(relu(linear(x, w1.T, b1[0])), w2.T, b2[0])

    def results(*arrays):
        *values, y = (torch.tensor(a) for a in arrays)
        leaves = [v.requires_grad_() for v in values]
        loss = cross_entropy(logits(*leaves), y)
        dinputs, *others = torch.autograd.grad(loss, leaves)
        return [t.detach().numpy() for t in (loss, *others, dinputs)]

    own = [torch.tensor(a, requires_grad=True) for a in start]
    descent = torch.optim.SGD(own, lr=RATE)

    def step(x, y):
        descent.zero_grad()
        loss = cross_entropy(logits(torch.tensor(x), *own), torch.tensor(y))
        loss.backward()
        descent.step()
        return loss.item()

    return Framework(results, step, lambda x: logits(torch.tensor(x), *own).detach().numpy())


def jax_framework(start: Sequence[Array]) -> Framework:
    import jax
    import jax.numpy as jnp

    def logits(x, w1, b1, w2, b2):
        return jax.nn.relu(x @ w1 + b1) @ w2 + b2

    def loss(x, w1, b1, w2, b2, y):
        log_probabilities = jax.nn.log_softmax(logits(x, w1, b1, w2, b2))
        return -jnp.take_along_axis(log_probabilities, y[:, None], axis=1).mean()

    loss_and_gradients = jax.jit(jax.value_and_grad(loss, argnums=range(5)))
    cpu = jax.devices("cpu")[0]  # elsewhere products of float32 may be taken in less than float32

    def results(*arrays):
        value, (dinputs, *others) = loss_and_gradients(*jax.device_put(arrays, cpu))
        return [np.asarray(a) for a in (value, *others, dinputs)]

    own = jax.device_put(list(start), cpu)

    def step(x, y):
        value, (_, *gradients) = loss_and_gradients(x, *own, y)
        own[:] = [p - RATE * g for p, g in zip(own, gradients, strict=True)]
        return float(value)

    return Framework(results, step, lambda x: np.asarray(logits(x, *own)))


FRAMEWORKS = {"torch": torch_framework, "jax": jax_framework}


def composed_bounds(network: Network, y: Array) -> tuple[dict[str, Array], int]:
    """E of all RESULTS, as derived above, and how many ReLU inputs are within rounding of the kink."""
    first, relu, second = network.layers
    g2, (n, classes) = network.loss_layer.dinputs, network.output.shape
    x, w1, b1, w2, b2 = map(np.abs, (first.inputs, first.weights, first.biases, second.weights, second.biases))

    e_z = dense_bounds(x, w1, b1, np.zeros(first.output.shape))["output"]
    e_h = np.where(first.output < -2 * e_z, 0, e_z)
    h = relu.output + 2 * e_h
    e_logits = dense_bounds(h, w2, b2, np.zeros((n, classes)))["output"] + e_h @ w2

    off = 2 * e_logits.max(axis=1, keepdims=True)
    local = bounds(Case("softmax_cross_entropy", (network.output, y), np.float32(1)))
    e_loss, e_g2 = (local[name] * np.exp((n + classes + 8) * off.max()) + TINY for name in ("output", "dlogits"))
    s = softmax(network.output.astype(np.float64))
    e_g2 = e_g2 + s * np.exp(off) * np.expm1(off) / n

    upper_g2 = np.abs(g2) + 2 * e_g2
    own2 = dense_bounds(h, w2, b2, upper_g2)
    e_dh = own2["dinputs"] + e_g2 @ w2.T
    near = np.abs(first.output) <= 2 * e_z
    e_g1 = np.where(near, np.abs(second.dinputs) + 2 * e_dh, np.where(first.output > 0, e_dh, 0))
    own1 = dense_bounds(x, w1, b1, np.abs(relu.dinputs) + 2 * e_g1)
    errors = (
        e_loss + off.mean(),
        own1["dweights"] + x.T @ e_g1,
        own1["dbiases"] + e_g1.sum(axis=0),
        own2["dweights"] + h.T @ e_g2 + e_h.T @ upper_g2,
        own2["dbiases"] + e_g2.sum(axis=0),
        own1["dinputs"] + e_g1 @ w1.T,
    )
    return dict(zip(RESULTS, errors, strict=True)), int(near.sum())


def dense_bounds(*sizes: Array) -> dict[str, Array]:
    """B of dense for inputs, weights, biases and a cotangent of at most these sizes, which are rounded up to float32."""
    narrow = [a.astype(np.float32) for a in sizes]
    *primals, g = (np.where(f < a, np.nextafter(f, np.float32(np.inf)), f) for f, a in zip(narrow, sizes, strict=True))
    return {name: b + TINY for name, b in bounds(Case("dense", primals, g)).items()}


def margin(theirs: Array, ours: Array, error: Array) -> float:
    """The worst |theirs - ours| / 2 E; inf where the shapes differ, or where nothing is claimed."""
    if theirs.shape != ours.shape or not np.isfinite(error).all():
        return np.inf
    off = np.abs(theirs.astype(np.float64) - ours)
    return float(np.max(np.divide(off, 2 * INFLATION * error, out=np.zeros_like(off), where=off != 0)))


def op_margins(network: Network, y: Array, oracles: Mapping[str, Oracle]) -> Worst:
    """The worst margin of each op against exact arithmetic, by layer and source, for what this step put through it."""
    first, relu, second = network.layers
    chain = {
        "dense 1": Case("dense", (first.inputs, first.weights, first.biases), relu.dinputs),
        "relu": Case("relu", (first.output,), second.dinputs),
        "dense 2": Case("dense", (second.inputs, second.weights, second.biases), network.loss_layer.dinputs),
        "fused loss": Case("softmax_cross_entropy", (network.output, y), np.float32(1)),
    }
    worst: Worst = {}
    for layer, case in chain.items():
        truth = Truth.of(case)
        results = {"reference": run(reference_layer(case.op), case)} | {name: o.vjp(case) for name, o in oracles.items()}
        for source, result in results.items():
            worst[layer, source] = max(comparison.margin for comparison in truth.judge(result).values())
    return worst


def table(title: str, cells: Mapping[tuple[str, str], object]) -> None:
    columns = list(dict.fromkeys(column for _, column in cells))
    print(f"\n{title}\n{'':14}" + "".join(f"{column:>12}" for column in columns))
    for row in dict.fromkeys(row for row, _ in cells):
        print(f"{row:14}" + "".join(f"{cells[row, column]:>12.4g}" for column in columns))


def plot(path: str, losses: Mapping[str, list[float]], whole: Sequence[Worst], exact: Mapping[int, Worst]) -> None:
    """Left the loss curves, right the worst margin of each step."""
    try:
        import matplotlib
    except ImportError:
        print("matplotlib is not installed, so there is no plot; install it with: pip install matplotlib")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    looks = {"reference": ("0.7", "-", 6, "s"), "torch": ("tab:red", "-", 1.5, "^"), "jax": ("tab:blue", ":", 2.5, "o")}
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
    for name, curve in losses.items():
        colour, style, width, _ = looks[name]
        left.plot(curve, style, color=colour, linewidth=width, label=name)
    left.set(title="Three networks, each trained by its own gradients", xlabel="step", ylabel="loss of the batch")
    for name in losses:
        colour, style, width, marker = looks[name]
        if name != "reference":
            worst = [max(m for (_, column), m in step.items() if column == name) for step in whole]
            right.plot(worst, style, color=colour, linewidth=width, label=f"{name} and reference, whole network")
        worst = [max(m for (_, column), m in step.items() if column == name) for step in exact.values()]
        right.plot(list(exact), worst, marker, color=colour, markeredgecolor="black", label=f"{name} and truth, each op")
    right.axhline(1, color="black", linestyle="--")
    right.set(title="Error, as a share of what is allowed", xlabel="step", ylabel="worst margin", yscale="log")
    for axes in (left, right):
        axes.legend()
    figure.savefig(path, dpi=150)
    print(f"the plot is in {path}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option, default in (("--steps", 150), ("--batch", 64), ("--seed", 0)):
        parser.add_argument(option, type=int, default=default, help=f"default {default}")
    parser.add_argument("--plot", metavar="PATH", help="write a plot to this file")
    arguments = parser.parse_args()
    begun = time.perf_counter()
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        print("scikit-learn is not installed; install it with: pip install scikit-learn", file=sys.stderr)
        return 2
    digits = load_digits()
    inputs, labels = (digits.data / 16).astype(np.float32), digits.target.astype(np.int64)
    train, test = np.split(np.random.default_rng(0).permutation(len(labels)), [-360])
    if arguments.steps < 1 or not 1 <= arguments.batch <= len(train) or arguments.seed < 0:
        parser.error(f"expected --steps of at least 1, --batch in 1..{len(train)} and --seed of at least 0")

    rng = np.random.default_rng(arguments.seed)
    first, second = Dense(64, 32, rng=rng, dtype=np.float32), Dense(32, 10, rng=rng, dtype=np.float32)
    network = Network([first, ReLU(), second], SoftmaxCrossEntropy())
    oracles = {}
    for name in FRAMEWORKS:
        try:
            oracles[name] = load(name)
        except OracleUnavailable as error:
            print(error)
    frameworks = {name: FRAMEWORKS[name]((first.weights, first.biases, second.weights, second.biases)) for name in oracles}

    losses, whole, exact, near = defaultdict(list), [], {}, 0
    for step in range(arguments.steps):
        batch = rng.choice(train, arguments.batch, replace=False)
        x, y = inputs[batch], labels[batch]
        network.forward(x)
        loss = network.loss(y)
        network.backward(y)
        ours = (loss, first.dweights, first.dbiases, second.dweights, second.dbiases, network.dinputs)
        error, uncertain = composed_bounds(network, y)
        near += uncertain
        losses["reference"].append(float(loss))
        whole.append({})
        for name, framework in frameworks.items():
            theirs = framework.results(x, first.weights, first.biases, second.weights, second.biases, y)
            losses[name].append(framework.step(x, y))
            for result, a, b in zip(RESULTS, theirs, ours, strict=True):
                whole[-1][result, name] = margin(a, b, error[result])
        if step % EXACT_EVERY == 0 or step == arguments.steps - 1:
            exact[step] = op_margins(network, y, oracles)
        network.step(RATE)

    versions = {name: oracle.version for name, oracle in oracles.items()}
    print(f"numpy {np.__version__}, scikit-learn {version('scikit-learn')}, {versions}")
    final = {}
    for name, logits in {"reference": network.forward, **{n: f.logits for n, f in frameworks.items()}}.items():
        final["train loss", name] = float(softmax_cross_entropy(logits(inputs[train]), labels[train]))
        final["test accuracy", name] = float(np.mean(logits(inputs[test]).argmax(axis=1) == labels[test]))
    table(f"After {arguments.steps} steps", final)
    return 0


if __name__ == "__main__":
    sys.exit(main())
