"""Dense layers: the plain one, right variants, and wrong ones."""

import numpy as np

from .table import a_little_more, as_memory_lies, right, through_half, wrong


@right
class Dense:
    """inputs @ weights + biases, and its three gradients."""

    op = "dense"

    def __init__(self, n_inputs, n_neurons):
        self.weights = np.zeros((n_inputs, n_neurons))
        self.biases = np.zeros((1, n_neurons))

    def forward(self, inputs):
        self.inputs = inputs
        self.output = inputs @ self.weights + self.biases
        return self.output

    def backward(self, dvalues):
        self.dinputs = dvalues @ self.weights.T
        self.dweights = self.inputs.T @ dvalues
        self.dbiases = dvalues.sum(axis=0, keepdims=True)


@right
class Einsum(Dense):
    """Contractions by einsum, not BLAS."""

    def forward(self, inputs):
        self.inputs = inputs
        return np.einsum("nk,km->nm", inputs, self.weights) + self.biases

    def backward(self, dvalues):
        self.dinputs = np.einsum("nm,km->nk", dvalues, self.weights)
        self.dweights = np.einsum("nk,nm->km", self.inputs, dvalues)
        self.dbiases = np.einsum("nm->m", dvalues)[None]


@right
class Chunked(Dense):
    """Weight and bias gradients added up over chunks of five rows, the tail included."""

    def backward(self, dvalues):
        super().backward(dvalues)
        self.dweights, self.dbiases = np.zeros_like(self.dweights), np.zeros_like(self.dbiases)
        for at in range(0, len(dvalues), 5):
            rows = slice(at, at + 5)
            self.dweights += self.inputs[rows].T @ dvalues[rows]
            self.dbiases += dvalues[rows].sum(axis=0)


@right
class Reversed(Dense):
    """The batch summed from its last sample to its first."""

    def backward(self, dvalues):
        self.dinputs = dvalues @ self.weights.T
        self.dweights = self.inputs[::-1].T @ dvalues[::-1]
        self.dbiases = dvalues[::-1].sum(axis=0, keepdims=True)


@right
class Loops(Dense):
    """One outer product a sample, added in a Python loop."""

    def backward(self, dvalues):
        self.dinputs = np.array([self.weights @ g for g in dvalues], dvalues.dtype).reshape(self.inputs.shape)
        self.dweights, self.dbiases = np.zeros_like(self.weights), np.zeros_like(self.biases)
        for x, g in zip(self.inputs, dvalues, strict=True):
            self.dweights = self.dweights + np.outer(x, g)
            self.dbiases = self.dbiases + g


@right
class DoubleInside(Dense):
    """Computed in float64, rounded once."""

    def backward(self, dvalues):
        g = dvalues.astype(np.float64)
        self.dinputs = (g @ self.weights.T.astype(np.float64)).astype(dvalues.dtype)
        self.dweights = (self.inputs.T.astype(np.float64) @ g).astype(dvalues.dtype)
        self.dbiases = g.sum(axis=0, keepdims=True).astype(dvalues.dtype)


@wrong("values", "an attribute never set", "gross")
class BiasesOverwritten(Dense):
    """The bias gradient is assigned to biases; dbiases is never set."""

    def backward(self, dvalues):
        self.dinputs = dvalues @ self.weights.T
        self.dweights = self.inputs.T @ dvalues
        self.biases = dvalues.sum(axis=0, keepdims=True)


@wrong("arguments_untouched", "a parameter replaced", "aliasing", only="replaced its parameter biases")
class BiasesAlsoOverwritten(Dense):
    """The gradients are right, and the biases are gone: they hold their gradient as well."""

    def backward(self, dvalues):
        super().backward(dvalues)
        self.biases = self.dbiases.copy()


@wrong("values", "a parameter replaced", "gross")
class WeightsOverwritten(Dense):
    """weights are replaced by their gradient, and dinputs is computed with those."""

    def backward(self, dvalues):
        self.weights = self.inputs.T @ dvalues
        super().backward(dvalues)


@wrong("values", "an attribute never set", "gross")
class InputsNotStored(Dense):
    """inputs stays the width it was made with: forward does not store what it is given."""

    def __init__(self, n_inputs, n_neurons):
        super().__init__(n_inputs, n_neurons)
        self.inputs = n_inputs

    def forward(self, inputs):
        return inputs @ self.weights + self.biases


@wrong("values", "an attribute never set", "gross")
class OutputMisnamed(Dense):
    """forward leaves its result in outputs and returns nothing."""

    def forward(self, inputs):
        self.inputs = inputs
        self.outputs = inputs @ self.weights + self.biases


@wrong("values", "scaled by 1/N", "shape-dependent")
class DbiasesMean(Dense):
    """dbiases is the mean over the batch, not the sum: right for one sample."""

    def backward(self, dvalues):
        super().backward(dvalues)
        self.dbiases = self.dbiases / max(1, len(dvalues))


@wrong("values", "only the first column of the upstream gradient used", "value-dependent")
class RowSumTimesFirst(Dense):
    """dinputs is the row sum of the weights times the first upstream value: right where all of a sample's are equal."""

    def backward(self, dvalues):
        super().backward(dvalues)
        self.dinputs = np.outer(dvalues[:, 0], self.weights.sum(axis=1))


@wrong("sizes", "uninitialised on an empty batch", "shape-dependent")
class EmptyBatchStale(Dense):
    """Without samples nothing is written: dweights is what an earlier call left, or NaN."""

    def backward(self, dvalues):
        stale = getattr(self, "dweights", self.weights * np.nan)
        super().backward(dvalues)
        if not len(dvalues):
            self.dweights = stale


@wrong("sizes", "raises on an empty batch", "shape-dependent")
class EmptyBatchCrash(Dense):
    """backward refuses a batch without samples."""

    def backward(self, dvalues):
        if not dvalues.size:
            raise ValueError("leading dimension must be positive, got 0")
        super().backward(dvalues)


@wrong("sizes", "only the last rows summed", "shape-dependent")
class LastChunkOnly(Dense):
    """Chunks of 64 samples: each overwrites dweights where it should add to it."""

    def backward(self, dvalues):
        super().backward(dvalues)
        for at in range(0, len(dvalues), 64):
            self.dweights = self.inputs[at : at + 64].T @ dvalues[at : at + 64]


@wrong("sizes", "a flat index that wraps", "shape-dependent")
class FlatIndexWraps(Dense):
    """Elements of the upstream gradient past the 4096th are read from its start again: a 12-bit index."""

    def backward(self, dvalues):
        index = np.arange(dvalues.size) & 0xFFF
        super().backward(dvalues.ravel()[index].reshape(dvalues.shape))


@wrong("layouts", "reads raw memory", "layout")
class InputsNonContiguous(Dense):
    """dweights reads the stored inputs as though they were in C order."""

    def backward(self, dvalues):
        super().backward(dvalues)
        self.dweights = as_memory_lies(self.inputs).T @ dvalues


def _eleven_bits(a):
    """Rounded to the 11 significant bits a tensor core keeps of an operand, in the range of the dtype."""
    significand, exponent = np.frexp(a)
    return np.ldexp(np.rint(significand * 2048) / 2048, exponent).astype(a.dtype)


@wrong("values", "operands in low precision", "precision")
class TF32Operands(Dense):
    """Products of operands rounded to 11 bits."""

    def backward(self, dvalues):
        super().backward(dvalues)
        g = _eleven_bits(dvalues)
        self.dinputs = g @ _eleven_bits(self.weights).T
        self.dweights = _eleven_bits(self.inputs).T @ g


@wrong("values", "scaled by a constant", "precision")
class DinputsTinyScale(Dense):
    """dinputs is off by a relative 3e-5 (float32) or 1e-6 (float64)."""

    def backward(self, dvalues):
        super().backward(dvalues)
        self.dinputs = a_little_more(self.dinputs)


@wrong("values", "a tail dropped", "value-dependent")
class CornerMissesLastSample(Dense):
    """The last element of dweights misses the last sample."""

    def backward(self, dvalues):
        super().backward(dvalues)
        if len(dvalues):
            self.dweights[-1, -1] = self.inputs[:-1, -1] @ dvalues[:-1, -1]


@wrong("values", "rows with a zero sum skipped", "value-dependent")
class ZeroSumRowsSkipped(Dense):
    """A sample whose upstream values sum to zero counts as having none."""

    def backward(self, dvalues):
        super().backward(np.where(dvalues.sum(axis=1, keepdims=True) == 0, np.zeros_like(dvalues), dvalues))


@wrong("dtypes", "truncated to integers", "dtype")
class IntegerAllocation(Dense):
    """dweights is stored in the dtype of the inputs."""

    def backward(self, dvalues):
        super().backward(dvalues)
        self.dweights = self.dweights.astype(self.inputs.dtype)


@wrong("stateless", "an earlier call's result added", "state")
class AccumulatesAcrossCalls(Dense):
    """dweights is added to, and never set back."""

    def backward(self, dvalues):
        before = getattr(self, "dweights", 0)
        super().backward(dvalues)
        self.dweights = before + self.dweights


@wrong("values", "only the first columns right", "shape-dependent")
class OnlyFirstThreeInputs(Dense):
    """Written out for three inputs: any further one has no gradient."""

    def backward(self, dvalues):
        super().backward(dvalues)
        self.dinputs[:, 3:], self.dweights[3:] = 0, 0


@wrong("values", "transposed", "shape-dependent")
class TransposedDweights(Dense):
    """dweights is dvalues.T @ inputs: the right shape only when square, the wrong values then."""

    def backward(self, dvalues):
        super().backward(dvalues)
        self.dweights = dvalues.T @ self.inputs


@wrong("values", "transposed when square", "shape-dependent")
class WeightsNotTransposed(Dense):
    """A shape test decides whether to transpose the weights, and square ones are taken as they are."""

    def backward(self, dvalues):
        super().backward(dvalues)
        if self.weights.shape[0] == self.weights.shape[1]:
            self.dinputs = dvalues @ self.weights


@wrong("values", "wrong shape", "gross")
class DbiasesWithoutKeepdims(Dense):
    """dbiases has the shape (M,), the biases (1, M)."""

    def backward(self, dvalues):
        super().backward(dvalues)
        self.dbiases = dvalues.sum(axis=0)


@wrong("values", "the first row dropped", "shape-dependent")
class FirstSampleSkipped(Dense):
    """dweights is summed from the second sample on."""

    def backward(self, dvalues):
        super().backward(dvalues)
        self.dweights = self.inputs[1:].T @ dvalues[1:]


@wrong("values", "upstream gradient ignored", "gross")
class UpstreamIgnored(Dense):
    """dweights sums the inputs alone."""

    def backward(self, dvalues):
        super().backward(dvalues)
        self.dweights = self.inputs.T @ np.ones_like(dvalues)


@wrong("values", "sums in low precision", "precision")
class DbiasesInHalf(Dense):
    """dbiases is summed in float16."""

    def backward(self, dvalues):
        super().backward(dvalues)
        with np.errstate(over="ignore"):
            self.dbiases = dvalues.sum(axis=0, keepdims=True, dtype=np.float16).astype(dvalues.dtype)


@wrong("stateless", "an earlier call's result added", "state")
class MomentumInTheGradient(Dense):
    """dweights carries nine tenths of the last one: the optimiser's business."""

    velocity = 0.0

    def backward(self, dvalues):
        super().backward(dvalues)
        self.dweights = self.velocity = (0.9 * self.velocity + self.dweights).astype(self.dweights.dtype)


@wrong("repeatable", "an earlier call's result added", "state")
class SecondBackwardAdds(Dense):
    """A second backward after the same forward adds to dweights, as autograd's leaves do."""

    def forward(self, inputs):
        self.sums = 0
        return super().forward(inputs)

    def backward(self, dvalues):
        super().backward(dvalues)
        self.dweights = self.sums = self.sums + self.dweights


@wrong("nothing_aliased", "returns its argument", "aliasing", only="dbiases shares memory with its argument cotangent")
class DbiasesView(Dense):
    """With one sample dbiases is the upstream gradient itself."""

    def backward(self, dvalues):
        super().backward(dvalues)
        if len(dvalues) == 1:
            self.dbiases = dvalues[:1]


@wrong("values", "weight decay added", "value-dependent")
class WeightDecayInTheGradient(Dense):
    """dweights includes the gradient of a penalty on the weights."""

    def backward(self, dvalues):
        super().backward(dvalues)
        self.dweights = self.dweights + self.dweights.dtype.type(1e-3) * self.weights


@wrong("values", "operands in low precision", "precision")
class HalfStored(Dense):
    """The inputs are kept for the backward pass in float16."""

    def forward(self, inputs):
        output = super().forward(inputs)
        self.inputs = through_half(inputs) if inputs.dtype.kind == "f" else inputs
        return output


@wrong("stateless", "uses the parameters of an earlier call", "state", only="a case with other weights")
class WeightsPackedOnce(Dense):
    """The transposed weights are packed by the first backward pass, and kept while their shape is the same."""

    packed = np.zeros(0)

    def backward(self, dvalues):
        super().backward(dvalues)
        turned = self.weights.T
        if (self.packed.shape, self.packed.dtype) != (turned.shape, turned.dtype):
            self.packed = turned.copy()
        self.dinputs = dvalues @ self.packed


@wrong("stateless", "instances share memory", "state", only="with a forward pass of another instance")
class InputsOnTheClass(Dense):
    """inputs are saved on the class: two layers of a network have the later one's."""

    def forward(self, inputs):
        type(self).saved = inputs
        return super().forward(inputs)

    def backward(self, dvalues):
        self.inputs = type(self).saved
        super().backward(dvalues)


@wrong("stateless", "equal to an earlier call's result", "state", only="in arrays that a call used before")
class InputsKnownByIdentity(Dense):
    """A copy of the inputs is made where they are another array: one that is filled again counts as seen."""

    seen = None

    def forward(self, inputs):
        if self.seen is not inputs:
            self.seen, self.copied = inputs, inputs.copy()
        return super().forward(self.copied)


@wrong("stateless", "equal to an earlier call's result", "state", only="a case with another cotangent")
class KeptWhileInputsAreTheSame(Dense):
    """dweights is computed again only where the inputs changed."""

    key = None

    def backward(self, dvalues):
        super().backward(dvalues)
        key = (self.inputs.tobytes(), self.dweights.shape, self.dweights.dtype)
        if self.key != key:
            self.key, self.kept = key, self.dweights
        self.dweights = self.kept.copy()


@wrong("sizes", "a flat index that wraps", "shape-dependent", only="dweights: ")
class WeightIndexEndsAt16Bits(Dense):
    """dweights is written up to its 65,536th element."""

    def backward(self, dvalues):
        super().backward(dvalues)
        self.dweights.reshape(-1)[1 << 16 :] = 0


@wrong("sizes", "wrong for whole blocks", "shape-dependent", only="dbiases: ")
class WholeBlocksEndEarly(Dense):
    """With a multiple of 64 neurons the vectorised path ends one short."""

    def backward(self, dvalues):
        super().backward(dvalues)
        if dvalues.shape[1] and dvalues.shape[1] % 64 == 0:
            self.dbiases[:, -1] = 0


@wrong("repeatable", "differs after many calls", "state", only="after many other calls")
class GraphReplayedTooEarly(Dense):
    """From the twenty-first backward pass on, a captured graph writes its dweights somewhere else: they stay zero."""

    calls = 0

    def backward(self, dvalues):
        super().backward(dvalues)
        self.calls += 1
        if self.calls > 20:
            self.dweights = np.zeros_like(self.dweights)


@wrong("repeatable", "a later call overwrites it", "aliasing", only="dinputs of an earlier call was overwritten")
class BuffersInTurn(Dense):
    """dinputs rotates through four buffers: the fifth call writes over the first one's."""

    def backward(self, dvalues):
        super().backward(dvalues)
        ring = getattr(self, "ring", [])
        if not ring or (ring[0].shape, ring[0].dtype) != (self.dinputs.shape, self.dinputs.dtype):
            ring = [np.empty_like(self.dinputs) for _ in range(4)]
        self.ring = [*ring[1:], ring[0]]
        self.ring[0][...] = self.dinputs
        self.dinputs = self.ring[0]


@wrong("stateless", "a buffer of the first batch's size", "state", only="more samples")
class BufferOfTheFirstBatch(Dense):
    """dinputs is written to a buffer made for the first batch: later rows of a larger one stay zero."""

    rows = None

    def backward(self, dvalues):
        super().backward(dvalues)
        self.rows = self.rows or len(dvalues)
        self.dinputs[self.rows :] = 0


@wrong("stateless", "kept whatever the biases are", "state", only="other biases")
class KeptWhateverTheBiases(Dense):
    """The output is kept while inputs and weights are the same; the biases are not looked at."""

    known = None

    def forward(self, inputs):
        known = inputs.shape, inputs.tobytes(), self.weights.tobytes()
        if known != self.known:
            self.known, self.kept = known, super().forward(inputs)
        self.inputs = inputs
        self.output = self.kept.copy()
        return self.output


@wrong("sizes", "a tile is lost", "shape-dependent", only="dinputs")
class LastTileLost(Dense):
    """Tiles of 16 in all three directions: the product of the second ones is lost."""

    def backward(self, dvalues):
        super().backward(dvalues)
        if len(dvalues) > 16 and min(self.weights.shape) > 16:
            self.dinputs[16:, 16:] -= dvalues[16:, 16:] @ self.weights.T[16:, 16:]


@wrong("repeatable", "one workspace for all large results", "aliasing", only="overwritten by a later one")
class LargeWorkspace(Dense):
    """Gradients of more than 2048 elements live in one workspace for all calls."""

    def backward(self, dvalues):
        super().backward(dvalues)
        if self.dinputs.size > 2048:
            if getattr(self, "workspace", self.inputs[:0]).shape != self.dinputs.shape:
                self.workspace = np.empty_like(self.dinputs)
            self.workspace[...] = self.dinputs
            self.dinputs = self.workspace
