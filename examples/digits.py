"""Train a small network with the reference layers, and certify the gradients of every step while it learns.

    python examples/digits.py --plot digits.png

scikit-learn's digits through dense(64, 32), ReLU, dense(32, 10) and the fused softmax cross-entropy, in float32. At
every step PyTorch and JAX differentiate the whole network at the reference's parameters, and their gradients are held
against the reference's within the bound derived below; there is no rtol and no atol. At every 10th step and the last,
each op on its own is held against exact arithmetic. For the curves, PyTorch and JAX also train networks of their own
from the same start. Exits 1 if any margin exceeds 1, and 2 without scikit-learn.

The bound of the composed network. Let v be what exact arithmetic gives at these parameters and inputs, v' what any
one evaluation computes: NumPy's, which is r(v), or torch's or jax's. The claim, from op to op: |v' - v| <= E(v).

- An op computes within its certified bound B of the exact result for the operands it is given: E = B, and what the
  error in those operands amounts to in exact arithmetic. Inputs and parameters are exact: there E = 0.
- B belongs to operands v' that only their own evaluation knows, but |v| and |v'| are at most V = |r(v)| + 2 E(v), and
  the bounds of dense grow with the magnitudes of its operands: B is taken at V. The smallest normal number is added
  to it: a result below that may be flushed to zero, once, when stored or when read, which B at V does not see.
- dense, z = x w + b: as x' w - x w = (x' - x) w, E(z) = B + E(x) |w|.
- ReLU is exact and moves no further than its input: E(h) = E(z), but 0 where r(z) < -2 E(z), as all z' are negative.
- The fused loss, a mean over N samples of C classes: with no logit of a row off by more than e, the row's loss is off
  by at most 2 e, and every probability s by a factor from exp(-2 e) to exp(2 e). Hence E(loss) = B + mean(2 e) and,
  since dlogits = (s - y) / N and s <= r(s) exp(2 e), E(dlogits) = B + r(s) exp(2 e) expm1(2 e) / N. B is taken at
  r(z), times exp((N + C + 8) d), d = max 2 e: at any logits within d of these, s differs by at most exp(2 d), the
  bound of log s, at least 16 u, by exp(5 d), and the roundings of the loss's sums by (N + C + 8) 2 d u a sample.
- dense backwards, from the cotangent g: as x'^T g' - x^T g = x'^T (g' - g) + (x' - x)^T g, with X and G the V of x
  and g, E(dweights) = B + X^T E(g) + E(x)^T G, E(dbiases) = B + sum E(g), E(dinputs) = B + E(g) |w|^T.
- ReLU backwards: E(g) where r(z) > 2 E(z), and 0 where r(z) < -2 E(z). Between the two the mask itself is within
  rounding, and one evaluation may pass its g where another passes 0: G.

Reference and framework are each within E of the truth, so within 2 E of each other. With 0/0 being 0,
    margin = max |framework - reference| / 2 E.
All this is evaluated in float64, for whose own rounding the package's INFLATION stands.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version

import numpy as np

from oracles import Case, Oracle, OracleUnavailable, load
from oracles.calculus.model import ARITHMETIC, INFLATION
from oracles.candidates.layer import reference_layer
from oracles.candidates.run import run
from oracles.claims.truth import Truth
from oracles.sources.derived import bounds
from reference import Dense, Network, ReLU, SoftmaxCrossEntropy, softmax, softmax_cross_entropy

RATE = 0.5
EXACT_EVERY = 10  # steps: exact arithmetic takes longer than all the rest of a step
TINY = ARITHMETIC["float32"].tiny
RESULTS = ("loss", "dweights 1", "dbiases 1", "dweights 2", "dbiases 2", "dinputs")

Array = np.ndarray
Cells = dict[tuple[str, str], float]  # of a table, by row and column
# a framework's side: results(inputs, w1, b1, w2, b2, labels) in the order of RESULTS; step(inputs, labels) -> loss and
# logits(inputs), of a network of its own
Framework = tuple[Callable[..., Sequence[Array]], Callable[[Array, Array], float], Callable[[Array], Array]]


def torch_framework(start: Sequence[Array]) -> Framework:
    import torch
    from torch.nn.functional import cross_entropy, linear, relu

    torch.set_num_threads(1)  # in so small a network, threads wait for each other longer than they work

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

    return results, step, lambda x: logits(torch.tensor(x), *own).detach().numpy()


def jax_framework(start: Sequence[Array]) -> Framework:
    import jax
    import jax.numpy as jnp

    def logits(x, w1, b1, w2, b2):
        return jax.nn.relu(x @ w1 + b1) @ w2 + b2

    def loss(x, w1, b1, w2, b2, y):
        log_probabilities = jax.nn.log_softmax(logits(x, w1, b1, w2, b2))
        return -jnp.take_along_axis(log_probabilities, y[:, None], axis=1).mean()

    value_and_grad = jax.jit(jax.value_and_grad(loss, argnums=range(5)))
    cpu = jax.devices("cpu")[0]  # elsewhere products of float32 may be taken in less than float32

    def results(*arrays):
        value, (dinputs, *others) = value_and_grad(*jax.device_put(arrays, cpu))
        return [np.asarray(a) for a in (value, *others, dinputs)]

    own = jax.device_put(list(start), cpu)

    def step(x, y):
        value, (_, *gradients) = value_and_grad(x, *own, y)
        own[:] = [p - RATE * g for p, g in zip(own, gradients, strict=True)]
        return float(value)

    return results, step, lambda x: np.asarray(logits(x, *own))


FRAMEWORKS = {"torch": torch_framework, "jax": jax_framework}


def composed_bounds(network: Network, y: Array) -> tuple[list[Array], int]:
    """E of each of RESULTS, as derived above, and how many ReLU inputs are within rounding of the kink."""
    first, relu, second = network.layers
    z, logits = first.output, network.output
    x, w1, b1, w2, b2 = map(np.abs, (first.inputs, first.weights, first.biases, second.weights, second.biases))
    e_z = dense_bounds(x, w1, b1, np.zeros(z.shape))["output"]
    e_h = np.where(z < -2 * e_z, 0, e_z)
    h = relu.output + 2 * e_h
    e_logits = dense_bounds(h, w2, b2, np.zeros(logits.shape))["output"] + e_h @ w2

    off = 2 * e_logits.max(axis=1, keepdims=True)
    own = bounds(Case("softmax_cross_entropy", (logits, y), np.float32(1)))
    e_loss, e_g2 = (own[name] * np.exp((sum(logits.shape) + 8) * off.max()) + TINY for name in ("output", "dlogits"))
    e_loss = e_loss + off.mean()
    e_g2 = e_g2 + softmax(logits.astype(np.float64)) * np.exp(off) * np.expm1(off) / len(logits)

    g2 = np.abs(network.loss_layer.dinputs) + 2 * e_g2
    own2 = dense_bounds(h, w2, b2, g2)
    e_dh = own2["dinputs"] + e_g2 @ w2.T
    near = np.abs(z) <= 2 * e_z
    e_g1 = np.where(near, np.abs(second.dinputs) + 2 * e_dh, np.where(z > 0, e_dh, 0))
    own1 = dense_bounds(x, w1, b1, np.abs(relu.dinputs) + 2 * e_g1)
    first_layer = own1["dweights"] + x.T @ e_g1, own1["dbiases"] + e_g1.sum(axis=0)
    second_layer = own2["dweights"] + h.T @ e_g2 + e_h.T @ g2, own2["dbiases"] + e_g2.sum(axis=0)
    return [e_loss, *first_layer, *second_layer, own1["dinputs"] + e_g1 @ w1.T], int(near.sum())


def dense_bounds(*sizes: Array) -> dict[str, Array]:
    """B of dense for inputs, weights, biases and a cotangent of at most these sizes, rounded up to float32."""
    narrow = [a.astype(np.float32) for a in sizes]
    *primals, g = (np.where(f < a, np.nextafter(f, np.float32(np.inf)), f) for f, a in zip(narrow, sizes, strict=True))
    return {name: b + TINY for name, b in bounds(Case("dense", primals, g)).items()}


def margin(theirs: Array, ours: Array, error: Array) -> float:
    """The worst |theirs - ours| / 2 E; inf where the shapes differ, or where nothing is claimed."""
    if theirs.shape != ours.shape or not np.isfinite(error).all():
        return np.inf
    off = np.abs(theirs.astype(np.float64) - ours)
    return float(np.max(np.divide(off, 2 * INFLATION * error, out=np.zeros_like(off), where=off != 0)))


def op_margins(network: Network, y: Array, oracles: Mapping[str, Oracle]) -> Cells:
    """The worst margin of each op and source against exact arithmetic, for what this step put through the op."""
    first, relu, second = network.layers
    chain = {
        "dense 1": Case("dense", (first.inputs, first.weights, first.biases), relu.dinputs),
        "relu": Case("relu", (first.output,), second.dinputs),
        "dense 2": Case("dense", (second.inputs, second.weights, second.biases), network.loss_layer.dinputs),
        "fused loss": Case("softmax_cross_entropy", (network.output, y), np.float32(1)),
    }
    worst = {}
    for layer, case in chain.items():
        truth = Truth.of(case)
        results = {"reference": run(reference_layer(case.op), case)}
        results |= {name: oracle.vjp(case) for name, oracle in oracles.items()}
        for source, result in results.items():
            worst[layer, source] = max(comparison.margin for comparison in truth.judge(result).values())
    return worst


def table(title: str, cells: Cells) -> None:
    rows, columns = (dict.fromkeys(names) for names in zip(*cells, strict=True))
    print(f"\n{title}\n{'':14}" + "".join(f"{column:>12}" for column in columns))
    for row in rows:
        print(f"{row:14}" + "".join(f"{cells[row, column]:12.4g}" for column in columns))


def worst_of(steps: Sequence[Cells]) -> Cells:
    return {key: float(np.max([cells[key] for cells in steps])) for key in steps[0]}  # NaN if any of them is


def worst_for(source: str, cells: Cells) -> float:
    return max(margin for (_, column), margin in cells.items() if column == source)


def plot(path: str, losses: Mapping[str, list[float]], whole: Sequence[Cells], exact: Mapping[int, Cells]) -> None:
    try:
        import matplotlib
    except ImportError:
        print("no plot: matplotlib is not installed; install it with: pip install matplotlib")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    # lines of three widths and hollow markers of three sizes: where all agree, each is seen through the others
    looks = {"reference": ("0.75", "-", 6, "s"), "torch": ("#c33c1e", "-", 1.5, "^"), "jax": ("#10409c", ":", 3, "o")}
    sizes = {"reference": 11, "torch": 8, "jax": 2.5}
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(12, 4.8), layout="constrained")
    for name, curve in losses.items():
        colour, style, width, marker = looks[name]
        look = {"color": colour, "linewidth": width}
        left.plot(curve, style, label=name, **look)
        if name != "reference":
            label = f"{name} against the reference, whole network"
            right.plot([worst_for(name, cells) for cells in whole], style, label=label, **look)
        edge = {"color": "0.45" if name == "reference" else colour, "mfc": "none", "mew": 1.5, "ms": sizes[name]}
        worst = [worst_for(name, cells) for cells in exact.values()]
        right.plot(list(exact), worst, marker, label=f"{name} against the truth, op by op", **edge)
    right.axhline(1, color="black", linestyle="--", label="allowed")
    left.set(title="Three networks trained from one start", ylabel="loss of the batch (nats)", ylim=(0, None))
    right.set(title="Worst error at each step, as a share of its certified bound", ylabel="margin")
    right.set(yscale="log", ylim=(None, 3))
    for axes in (left, right):
        axes.set_xlabel("step")
    left.legend()
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.savefig(path, dpi=150)
    print(f"the plot is in {path}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for option, default in (("--steps", 150), ("--batch", 64), ("--seed", 0)):
        parser.add_argument(option, type=int, default=default, help=f"default {default}")
    parser.add_argument("--plot", metavar="PATH", help="write the curves and the margins to this picture")
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
        parser.error(f"expected --steps of at least 1, --batch in 1..{len(train)}, --seed of at least 0")

    rng = np.random.default_rng(arguments.seed)
    first, second = Dense(64, 32, rng=rng, dtype=np.float32), Dense(32, 10, rng=rng, dtype=np.float32)
    network = Network([first, ReLU(), second], SoftmaxCrossEntropy())
    oracles, frameworks = {}, {}
    for name, framework in FRAMEWORKS.items():
        try:
            oracles[name] = load(name)
            frameworks[name] = framework((first.weights, first.biases, second.weights, second.biases))
        except OracleUnavailable as error:
            print(error)

    losses, allowed, whole, exact, uncertain = defaultdict(list), [], [], {}, 0
    for step in range(arguments.steps):
        batch = rng.choice(train, arguments.batch, replace=False)
        x, y = inputs[batch], labels[batch]
        network.forward(x)
        loss = network.loss(y)
        network.backward(y)
        ours = (loss, first.dweights, first.dbiases, second.dweights, second.dbiases, network.dinputs)
        errors, near = composed_bounds(network, y)
        uncertain += near
        allowed.append([np.max(e) / np.max(np.abs(a)) for e, a in zip(errors, ours, strict=True)])
        losses["reference"].append(float(loss))
        whole.append({})
        for name, (results, own_step, _) in frameworks.items():
            theirs = results(x, first.weights, first.biases, second.weights, second.biases, y)
            whole[-1] |= {(r, name): margin(*of) for r, *of in zip(RESULTS, theirs, ours, errors, strict=True)}
            losses[name].append(own_step(x, y))
        if step % EXACT_EVERY == 0 or step == arguments.steps - 1:
            exact[step] = op_margins(network, y, oracles)
        network.step(RATE)

    versions = [f"{package} {version(package)}" for package in ("backproof", "numpy", "scikit-learn")]
    print(", ".join([*versions, *(f"{name} {oracle.version}" for name, oracle in oracles.items())]))
    counts = f"{arguments.steps} steps of {arguments.batch} of {len(train)} digits, {len(test)} for the test"
    print(f"{counts}; seed {arguments.seed}")
    final = {}
    for name, logits in {"reference": network.forward, **{n: f[2] for n, f in frameworks.items()}}.items():
        final["train loss", name] = float(softmax_cross_entropy(logits(inputs[train]), labels[train]))
        final["test accuracy", name] = float(np.mean(logits(inputs[test]).argmax(axis=1) == labels[test]))
    table("trained, each network by its own gradients", final)
    end_to_end, by_op = worst_of(whole), worst_of(list(exact.values()))
    if frameworks:
        typical = dict(zip(RESULTS, np.median(allowed, axis=0), strict=True))
        shown = end_to_end | {(result, "2 E / max"): 2 * share for result, share in typical.items()}
        table("worst margin of the whole network's results against the reference's, at every step", shown)
        print("2 E / max: the bound of the difference over the largest element, the median of all steps.")
        print(f"ReLU inputs within rounding of the kink: {uncertain} of {arguments.steps * arguments.batch * 32}.")
    table(f"worst margin of each op against exact arithmetic, at {len(exact)} steps", by_op)

    worst = float(np.max([*end_to_end.values(), *by_op.values()]))
    verdict = "PASS: every margin is at most 1" if worst <= 1 else "FAIL: a margin exceeds 1"
    print(f"\n{verdict} (worst {worst:.3g}); {time.perf_counter() - begun:.1f} s")
    if not frameworks:
        print("no framework took part: the reference was held against exact arithmetic only")
    if arguments.plot:
        plot(arguments.plot, losses, whole, exact)
    return 0 if worst <= 1 else 1


if __name__ == "__main__":
    sys.exit(main())
