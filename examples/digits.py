"""Train a small network with the reference layers, and certify the gradients of every step while it learns.

    python examples/digits.py --plot digits.png

scikit-learn's digits, 64 pixels in 0..1, through dense(64, 32), ReLU, dense(32, 10) and the fused softmax cross-entropy, in
float32. At every step PyTorch and JAX differentiate the whole network at the reference's parameters, and each of their
gradients is held against the reference's within a bound that is derived below: there is no rtol and no atol. Every 10th
step, each op on its own is held against exact arithmetic. PyTorch and JAX also train networks of their own from the same
start, for the curves. Exits 1 if any margin exceeds 1.

The bound of the composed network. Write v for the value that exact arithmetic gives at these parameters and inputs, v' for
what any one evaluation computes (NumPy's, torch's, jax's). The claim, from one op to the next, is |v' - v| <= E(v).

- An op computes within its certified bound B of the exact result for the operands it is given, so E = B + what the error of
  those operands amounts to in exact arithmetic. Inputs and parameters are given: E = 0.
- B is wanted at operands v' that only their evaluation knows, while the reference's, r, are at hand: |v'| and |v| are at most
  |v'' | = |r| + 2 E(v). The bounds of dense grow with the magnitudes of its operands, so B is taken at |r| + 2 E, rounded up.
  The smallest normal number is added, once a result: below it, the result or the operand it becomes may be flushed to zero.
- dense, z = x w + b: x' w - x w = (x' - x) w, hence E(z) = B + E(x) |w|.
- ReLU is exact, and moves no further than its input: E(h) = E(z), and 0 where r(z) < -2 E(z), for there every z' is negative.
- fused loss: if no logit of a row is off by more than e, the row's loss is off by at most 2 e, and each probability s by a
  factor between exp(-2 e) and exp(2 e). So E(loss) = B + mean(2 e), and with dlogits = (s - y) / N and s <= s(r) exp(2 e),
  E(dlogits) = B + s(r) exp(2 e) expm1(2 e) / N. Its B is taken at r: logits within d of r change it by at most a factor
  exp(16 d), as it is made of the s, which change by exp(2 d), and of u times at least 16 + c |logits|, c at most 132; d = 2 e.
- dense backwards, g the cotangent, x'^T g' - x^T g = x'^T (g' - g) + (x' - x)^T g, hence with the magnitudes X = |r(x)| + 2 E(x)
  and G = |r(g)| + 2 E(g): E(dweights) = B + X^T E(g) + E(x)^T G, E(dbiases) = B + sum E(g), E(dinputs) = B + E(g) |w|^T.
- ReLU backwards, for r(z) > 2 E(z): E(g); for r(z) < -2 E(z): 0. Between the two the mask itself is uncertain: one evaluation
  may pass g where another passes 0, hence |r(g)| + 2 E(g).

Reference and framework are each within E of the truth, so within 2 E of each other: margin = max |framework - reference| / 2 E,
0/0 being 0. All this is evaluated in float64, for whose rounding the package's own INFLATION stands.
"""
