"""ReLUs: the plain one, right variants, and wrong ones."""

import numpy as np

from .table import right, wrong


@right
class ReLU:
    """max(inputs, 0); its gradient is the upstream one where the input is positive."""

    op = "relu"

    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.maximum(inputs, 0)
        return self.output

    def backward(self, dvalues):
        self.dinputs = np.where(self.inputs > 0, dvalues, np.zeros_like(dvalues))


@right
class ZeroedCopy(ReLU):
    """A copy of the upstream gradient, set to zero where the input is not positive."""

    def backward(self, dvalues):
        self.dinputs = dvalues.copy()
        self.dinputs[self.inputs <= 0] = 0


@right
class MaskFromOutput(ReLU):
    """The mask is taken from the output: it is positive where the input is."""

    def backward(self, dvalues):
        self.dinputs = np.where(self.output > 0, dvalues, np.zeros_like(dvalues))


@right
class ElementByElement(ReLU):
    """A Python loop over the elements."""

    def backward(self, dvalues):
        chosen = [g if x > 0 else 0 for x, g in zip(self.inputs.flat, dvalues.flat, strict=True)]
        self.dinputs = np.array(chosen, dvalues.dtype).reshape(dvalues.shape)


@wrong("arguments_untouched", "overwrote its argument", "aliasing")
class AliasMutate(ReLU):
    """dinputs is the upstream array itself, zeroed in place."""

    def backward(self, dvalues):
        dvalues[self.inputs <= 0] = 0
        self.dinputs = dvalues


@wrong("values", "an attribute never set", "gross")
class InputsNotStored(ReLU):
    """forward does not store inputs, which backward reads."""

    def forward(self, inputs):
        return np.maximum(inputs, 0)


@wrong("values", "upstream gradient ignored", "gross")
class NotChained(ReLU):
    """The derivative alone, not multiplied by the upstream gradient."""

    def backward(self, dvalues):
        self.dinputs = (self.inputs > 0).astype(dvalues.dtype)


@wrong("values", "upstream gradient ignored", "gross")
class OutputAsGradient(ReLU):
    """The output is returned as the gradient."""

    def backward(self, dvalues):
        self.dinputs = np.array(self.output, dvalues.dtype)


@wrong("values", "wrong only at kinks", "value-dependent")
class StrictLess(ReLU):
    """The gradient passes at exactly zero."""

    def backward(self, dvalues):
        self.dinputs = np.where(self.inputs < 0, np.zeros_like(dvalues), dvalues)


@wrong("values", "wrong only at kinks", "value-dependent")
class HalfAtZero(ReLU):
    """Half of the gradient passes at exactly zero, as where a maximum is shared."""

    def backward(self, dvalues):
        share = (np.sign(self.inputs) + 1) / 2
        self.dinputs = np.where(share > 0, share.astype(dvalues.dtype) * dvalues, np.zeros_like(dvalues))


@wrong("values", "wrong only at kinks", "value-dependent")
class NegativeZeroLeaks(ReLU):
    """The mask is the sign bit: +0.0 counts as positive."""

    def backward(self, dvalues):
        negative = np.signbit(self.inputs.astype(np.float64))
        self.dinputs = np.where(negative, np.zeros_like(dvalues), dvalues)


@wrong("special_values", "zero times infinity", "value-dependent", only="got nan, expected 0.0")
class MaskMultiply(ReLU):
    """Multiplies by the mask: an infinite upstream value at an inactive unit gives NaN."""

    def backward(self, dvalues):
        self.dinputs = (self.inputs > 0) * dvalues


@wrong("arguments_untouched", "overwrote its argument", "aliasing", only="overwrote its argument inputs")
class ForwardInPlace(ReLU):
    """forward clips the caller's array, where it may write to it."""

    def forward(self, inputs):
        output = super().forward(inputs)
        if inputs.flags.writeable:
            inputs[...] = output
        return output


@wrong("stateless", "equal to an earlier call's result", "state")
class StalePoolInactive(ReLU):
    """A kept buffer is written at active units alone: the others hold what an earlier call left there."""

    buffer = np.zeros(0)

    def backward(self, dvalues):
        if (self.buffer.shape, self.buffer.dtype) != (dvalues.shape, dvalues.dtype):
            self.buffer = np.zeros(dvalues.shape, dvalues.dtype)
        np.copyto(self.buffer, dvalues, where=self.inputs > 0)
        self.dinputs = self.buffer.copy()


@wrong("values", "a tail dropped", "shape-dependent")
class BitmaskTail(ReLU):
    """A mask of whole bytes: what is left over after eights always passes."""

    def backward(self, dvalues):
        blocked = (self.inputs <= 0).ravel()
        blocked[blocked.size - blocked.size % 8 :] = False
        self.dinputs = np.where(blocked.reshape(dvalues.shape), np.zeros_like(dvalues), dvalues)


@wrong("dtypes", "truncated to integers", "dtype", only="with integer inputs: dinputs: ")
class IntAllocation(ReLU):
    """The result is allocated like the inputs: whole numbers, when those are."""

    def backward(self, dvalues):
        self.dinputs = np.zeros(self.inputs.shape, self.inputs.dtype)
        np.copyto(self.dinputs, dvalues, where=self.inputs > 0, casting="unsafe")


@wrong("values", "scaled by a constant", "gross")
class Doubled(ReLU):
    """Twice the gradient."""

    def backward(self, dvalues):
        super().backward(dvalues)
        self.dinputs = self.dinputs + self.dinputs


@wrong("values", "scaled by -1", "gross")
class SignFlipped(ReLU):
    """The gradient's negative."""

    def backward(self, dvalues):
        super().backward(dvalues)
        self.dinputs = -self.dinputs


@wrong("values", "negative inputs leak", "value-dependent")
class Leaky(ReLU):
    """A hundredth of the gradient passes where the input is negative: the gradient of another op."""

    def backward(self, dvalues):
        self.dinputs = np.where(self.inputs > 0, dvalues, dvalues * dvalues.dtype.type(0.01))


@wrong("values", "masked by the upstream gradient", "gross")
class MaskFromUpstream(ReLU):
    """The mask is where the upstream gradient is positive."""

    def backward(self, dvalues):
        self.dinputs = np.maximum(dvalues, 0)


@wrong("values", "clipped", "value-dependent")
class ClippedAtSix(ReLU):
    """No gradient from six on, as in ReLU6; the forward pass does not clip."""

    def backward(self, dvalues):
        super().backward(dvalues)
        self.dinputs[self.inputs >= 6] = 0


@wrong("special_values", "an epsilon added", "value-dependent")
class ThresholdAboveZero(ReLU):
    """Inputs up to 1e-7 count as zero."""

    def backward(self, dvalues):
        super().backward(dvalues)
        self.dinputs[self.inputs <= 1e-7] = 0


@wrong("sizes", "a tail dropped", "shape-dependent")
class ColumnsPastEightZeroed(ReLU):
    """Rows in vectors of eight: what a wider row has left over stays zero."""

    def backward(self, dvalues):
        super().backward(dvalues)
        width = dvalues.shape[-1]
        if width > 8:
            self.dinputs[..., width - width % 8 :] = 0


@wrong("values", "differs between runs", "state", only="dinputs: ")
class AutotunedOnce(ReLU):
    """The very first call runs the kernel three times to time it, into the same sums."""

    tuned = False

    def backward(self, dvalues):
        super().backward(dvalues)
        if not type(self).tuned:
            type(self).tuned = True
            self.dinputs = self.dinputs * 3


@wrong("repeatable", "differs between runs", "state")
class DropsAtRandom(ReLU):
    """Units are dropped at random, as in training with dropout."""

    random = np.random.default_rng(0)

    def backward(self, dvalues):
        super().backward(dvalues)
        self.dinputs = np.where(self.random.random(dvalues.shape) < 0.1, np.zeros_like(dvalues), self.dinputs)


@wrong("repeatable", "a later call overwrites it", "aliasing")
class SharedResult(ReLU):
    """Every call's dinputs is the same buffer: the next call writes over an earlier result."""

    buffer = np.zeros(0)

    def backward(self, dvalues):
        if (self.buffer.shape, self.buffer.dtype) != (dvalues.shape, dvalues.dtype):
            self.buffer = np.empty(dvalues.shape, dvalues.dtype)
        self.buffer[...] = np.where(self.inputs > 0, dvalues, np.zeros_like(dvalues))
        self.dinputs = self.buffer


@wrong("nothing_aliased", "returns its argument", "aliasing", only="dinputs shares memory with its argument cotangent")
class NothingMaskedPassedOn(ReLU):
    """Where every unit is active, dinputs is the upstream array itself."""

    def backward(self, dvalues):
        super().backward(dvalues)
        if self.inputs.size and (self.inputs > 0).all():
            self.dinputs = dvalues


@wrong("values", "its output overwritten", "aliasing")
class OutputTurnedIntoTheMask(ReLU):
    """backward turns the output that forward returned into a mask of ones."""

    def backward(self, dvalues):
        super().backward(dvalues)
        self.output[self.output > 0] = 1


@wrong("sizes", "rows beyond the grid", "shape-dependent", only="dinputs")
class GridOf1024Rows(ReLU):
    """A grid of 1024 rows: those beyond get no gradient."""

    def backward(self, dvalues):
        super().backward(dvalues)
        self.dinputs[1024:] = 0


@wrong("nothing_aliased", "returns its argument", "aliasing")
class LargeInPlace(ReLU):
    """Above 4096 elements the cotangent is written to and returned."""

    def backward(self, dvalues):
        super().backward(dvalues)
        if dvalues.size > 4096 and dvalues.flags.writeable:
            dvalues[...] = self.dinputs
            self.dinputs = dvalues
