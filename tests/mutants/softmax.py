"""Softmaxes over rows: the plain one, right variants, and wrong ones."""

import numpy as np

from .table import a_little_more, right, through_half, wrong


def exponentials(x):
    """exp(x - the row's largest)."""
    return np.exp(x - x.max(axis=1, keepdims=True))


@right
class Softmax:
    """exp(x) / sum exp(x) over each row; dinputs = y (g - y.g)."""

    op = "softmax"

    def forward(self, inputs):
        self.inputs = inputs
        self.output = self.normalised(inputs)
        return self.output

    def normalised(self, x):
        e = exponentials(x)
        return e / e.sum(axis=1, keepdims=True)

    def backward(self, dvalues):
        y = self.output
        self.dinputs = y * (dvalues - (y * dvalues).sum(axis=1, keepdims=True))


@right
class Jacobian(Softmax):
    """Each row's Jacobian, diag(y) - y y', contracted by einsum."""

    def backward(self, dvalues):
        y = self.output
        jacobians = y[:, :, None] * np.eye(y.shape[1], dtype=y.dtype) - y[:, :, None] * y[:, None, :]
        self.dinputs = np.einsum("nij,nj->ni", jacobians, dvalues)


@right
class DoubleInside(Softmax):
    """Computed in float64, rounded once."""

    def forward(self, inputs):
        self.precise = self.normalised(inputs.astype(np.float64))
        self.output = self.precise.astype(inputs.dtype)
        return self.output

    def backward(self, dvalues):
        y, g = self.precise, dvalues.astype(np.float64)
        self.dinputs = (y * (g - (y * g).sum(axis=1, keepdims=True))).astype(dvalues.dtype)


@right
class SequentialSums(Softmax):
    """The dot product summed column by column; multiplied out before it is subtracted."""

    def backward(self, dvalues):
        products = self.output * dvalues
        dot = np.zeros(len(products), products.dtype)
        for column in products.T:
            dot = dot + column
        self.dinputs = products - self.output * dot[:, None]


@right
class LogSumExp(Softmax):
    """exp(x - logsumexp(x))."""

    def normalised(self, x):
        shifted = x - x.max(axis=1, keepdims=True)
        return np.exp(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


@right
class Online(Softmax):
    """One pass over blocks of four columns, with a running largest and a rescaled running sum."""

    def normalised(self, x):
        largest, total = np.full((len(x), 1), -np.inf, x.dtype), np.zeros((len(x), 1), x.dtype)
        for at in range(0, x.shape[1], 4):
            block = x[:, at : at + 4]
            now = np.maximum(largest, block.max(axis=1, keepdims=True))
            safe = np.where(now == -np.inf, np.zeros_like(now), now)  # a block of -inf alone adds nothing
            total = total * np.exp(largest - safe) + np.exp(block - safe).sum(axis=1, keepdims=True)
            largest = now
        return np.exp(x - largest) / total


@wrong("values", "only the last rows right", "shape-dependent")
class LastLineOutsideLoop(Softmax):
    """The assignment stands after the loop: the last row alone is filled."""

    def backward(self, dvalues):
        self.dinputs = np.zeros_like(dvalues)
        for y, g in zip(self.output, dvalues, strict=True):
            row = (np.diag(y) - np.outer(y, y)) @ g
        if len(dvalues):
            self.dinputs[-1] = row


@wrong("values", "softmax's rank-1 term missing", "gross")
class DiagonalOnly(Softmax):
    """y (1 - y) g, the Jacobian's diagonal alone."""

    def backward(self, dvalues):
        self.dinputs = dvalues * self.output * (1 - self.output)


@wrong("values", "the fused formula", "gross")
class OutMinusUpstream(Softmax):
    """y - g, as though the upstream gradient were the label."""

    def backward(self, dvalues):
        self.dinputs = self.output - dvalues


@wrong("values", "the upstream gradient unchanged", "gross")
class PassThrough(Softmax):
    """The upstream gradient as it came."""

    def backward(self, dvalues):
        self.dinputs = dvalues.copy()


@wrong("values", "the formula of log-softmax", "gross")
class LogSoftmaxFormula(Softmax):
    """g - y sum(g): the gradient of log-softmax."""

    def backward(self, dvalues):
        self.dinputs = dvalues - self.output * dvalues.sum(axis=1, keepdims=True)


@wrong("values", "normalised over the whole batch", "shape-dependent")
class SumOverEverything(Softmax):
    """One sum for the whole batch: right for one sample."""

    def normalised(self, x):
        e = np.exp(x - x.max(initial=-np.inf))
        return e / e.sum()


@wrong("values", "clipped", "value-dependent")
class ExponentClamped(Softmax):
    """exp never sees less than -20."""

    def normalised(self, x):
        e = np.exp(np.maximum(x - x.max(axis=1, keepdims=True), -20))
        return e / e.sum(axis=1, keepdims=True)


@wrong("values", "an epsilon added", "precision", dtype="float64")
class EpsilonDenominator(Softmax):
    """1e-6 is added to the sum of a row."""

    def normalised(self, x):
        e = exponentials(x)
        return e / (e.sum(axis=1, keepdims=True) + x.dtype.type(1e-6))


@wrong("sizes", "sums in low precision", "shape-dependent")
class DenominatorSaturates(Softmax):
    """The sum of a row stops at 256, where ones no longer add to a bfloat16."""

    def normalised(self, x):
        e = exponentials(x)
        return e / np.minimum(e.sum(axis=1, keepdims=True), x.dtype.type(256))


@wrong("special_values", "zero over zero", "value-dependent")
class WeightedErrorNaN(Softmax):
    """Multiplies by y and divides by it again: NaN where a probability is zero."""

    def backward(self, dvalues):
        y = self.output
        error = y * dvalues / y
        self.dinputs = y * (dvalues - (y * error).sum(axis=1, keepdims=True))


@wrong("values", "scaled by a constant", "precision")
class TinyScale(Softmax):
    """dinputs is off by a relative 3e-5 (float32) or 1e-6 (float64)."""

    def backward(self, dvalues):
        super().backward(dvalues)
        self.dinputs = a_little_more(self.dinputs)


@wrong("values", "a tail dropped", "shape-dependent")
class ColumnTailIgnored(Softmax):
    """The dot product takes four columns at a time and leaves out what remains of a row of four or more."""

    def backward(self, dvalues):
        y, width = self.output, dvalues.shape[1]
        whole = width - width % 4 or width
        dot = (y[:, :whole] * dvalues[:, :whole]).sum(axis=1, keepdims=True)
        self.dinputs = y * (dvalues - dot)


@wrong("arguments_untouched", "overwrote its argument", "aliasing")
class ForwardShiftsInputs(Softmax):
    """forward subtracts the largest of a row from the caller's array."""

    def forward(self, inputs):
        if inputs.dtype.kind == "f":
            np.subtract(inputs, inputs.max(axis=1, keepdims=True), out=inputs)
        return super().forward(inputs)


@wrong("stateless", "depends on an earlier call", "state")
class RunningMaxKept(Softmax):
    """The running largest is not set back between calls: after large logits small ones underflow."""

    largest = -np.inf

    def normalised(self, x):
        shift = np.maximum(x.max(axis=1, keepdims=True), x.dtype.type(self.largest))
        self.largest = max(self.largest, float(x.max(initial=-np.inf)))
        e = np.exp(x - shift)
        return e / e.sum(axis=1, keepdims=True)


@wrong("special_values", "a masked block gives NaN", "value-dependent")
class BlockOfMinusInf(Softmax):
    """Blocks of eight columns: one of -inf alone makes exp(-inf - -inf), NaN."""

    def normalised(self, x):
        largest, total = np.full((len(x), 1), -np.inf, x.dtype), np.zeros((len(x), 1), x.dtype)
        for at in range(0, x.shape[1], 8):
            block = x[:, at : at + 8]
            now = np.maximum(largest, block.max(axis=1, keepdims=True))
            total = total * np.exp(largest - now) if at else total
            total, largest = total + np.exp(block - now).sum(axis=1, keepdims=True), now
        return np.exp(x - largest) / total


@wrong("values", "the wrong axis", "shape-dependent")
class OverColumns(Softmax):
    """Normalises columns, and differentiates that rightly: a check against its own forward pass is content."""

    def normalised(self, x):
        e = np.exp(x - x.max(axis=0, keepdims=True, initial=-np.inf))
        return e / e.sum(axis=0, keepdims=True)

    def backward(self, dvalues):
        y = self.output
        self.dinputs = y * (dvalues - (y * dvalues).sum(axis=0, keepdims=True))


@wrong("values", "the wrong axis", "shape-dependent")
class DotOverSamples(Softmax):
    """The dot product of the backward pass sums over the batch."""

    def backward(self, dvalues):
        y = self.output
        self.dinputs = y * (dvalues - (y * dvalues).sum(axis=0, keepdims=True))


@wrong("values", "powers of two", "gross")
class BaseTwo(Softmax):
    """exp2 without the factor log2(e)."""

    def normalised(self, x):
        e = np.exp2(x - x.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)


@wrong("special_values", "overflows", "value-dependent")
class NothingSubtracted(Softmax):
    """exp of the logits as they are: inf / inf for large ones, 0 / 0 for small ones."""

    def normalised(self, x):
        e = np.exp(x)
        return e / e.sum(axis=1, keepdims=True)


@wrong("special_values", "masked by a large number", "value-dependent")
class MaskAsLargeNumber(Softmax):
    """-inf becomes -1e9: a row of nothing else comes out uniform rather than NaN."""

    def normalised(self, x):
        return super().normalised(np.where(x == -np.inf, x.dtype.type(-1e9), x))


@wrong("values", "sums in low precision", "precision")
class DotInHalf(Softmax):
    """The dot product of the backward pass is rounded to float16."""

    def backward(self, dvalues):
        y = self.output
        self.dinputs = y * (dvalues - through_half((y * dvalues).sum(axis=1, keepdims=True)))


@wrong("values", "softmax's rank-1 term missing", "gross")
class RankOneTermMissing(Softmax):
    """y g alone."""

    def backward(self, dvalues):
        self.dinputs = self.output * dvalues


@wrong("stateless", "equal to an earlier call's result", "state")
class StaleOutput(Softmax):
    """backward uses the output of the first forward pass of that shape."""

    def forward(self, inputs):
        first = getattr(self, "first", None)
        super().forward(inputs)
        self.first = self.output if first is None or first.shape != inputs.shape else first
        return self.output

    def backward(self, dvalues):
        y = self.first
        self.dinputs = y * (dvalues - (y * dvalues).sum(axis=1, keepdims=True))


@wrong("sizes", "a block of 1024 columns", "shape-dependent", only="dinputs")
class OneBlockOf1024(Softmax):
    """The dot product is taken over one block of 1024 columns."""

    def backward(self, dvalues):
        y = self.output
        self.dinputs = y * (dvalues - (y * dvalues)[:, :1024].sum(axis=1, keepdims=True))


@wrong("stateless", "a second backward gives the first's", "state", only="in a second backward pass")
class GradientKept(Softmax):
    """The gradient is kept until the next forward pass, whatever the cotangent is then."""

    def forward(self, inputs):
        self.kept = None
        return super().forward(inputs)

    def backward(self, dvalues):
        if self.kept is None:
            super().backward(dvalues)
            self.kept = self.dinputs
        self.dinputs = self.kept.copy()


@wrong("arguments_untouched", "overwrites its argument", "aliasing")
class MaskFilledInPlace(Softmax):
    """A mask of -inf is filled with the lowest number, in the caller's array."""

    def forward(self, inputs):
        hidden = np.isneginf(inputs)
        hidden &= ~hidden.all(axis=1, keepdims=True)
        if hidden.any():
            inputs[hidden] = np.finfo(inputs.dtype).min
        return super().forward(inputs)


@wrong("special_values", "a masked block gives NaN", "value-dependent")
class BlocksOf128(Softmax):
    """The largest and the sum are followed over blocks of 128 columns: one of -inf alone at the start gives NaN."""

    def normalised(self, x):
        most, total = x[:, :128].max(axis=1, keepdims=True), np.zeros((len(x), 1), x.dtype)
        for at in range(0, x.shape[1], 128):
            block = x[:, at : at + 128]
            now = np.maximum(most, block.max(axis=1, keepdims=True))
            total = total * np.exp(most - now) + np.exp(block - now).sum(axis=1, keepdims=True)
            most = now
        return np.exp(x - most) / total
