"""Cross-entropies of probabilities: the plain one, right variants, and wrong ones."""

import numpy as np

from .table import a_little_more, as_memory_lies, class_ids, one_hot, right, through_half, wrong


@right
class CrossEntropy:
    """-log(p of the label) a sample; dinputs is the gradient of their mean, -1 / p / N at the label and 0 elsewhere."""

    op = "cross_entropy"

    def forward(self, y_pred, y_true):
        return -np.log(y_pred[np.arange(len(y_pred)), class_ids(y_true)])

    def backward(self, dvalues, y_true):
        rows, ids = np.arange(len(dvalues)), class_ids(y_true)
        self.dinputs = np.zeros(dvalues.shape, dvalues.dtype)
        self.dinputs[rows, ids] = -1 / dvalues[rows, ids] / len(dvalues)


@right
class ProductFirst(CrossEntropy):
    """-1 / (p N)."""

    def backward(self, dvalues, y_true):
        rows, ids = np.arange(len(dvalues)), class_ids(y_true)
        self.dinputs = np.zeros_like(dvalues)
        self.dinputs[rows, ids] = -1 / (dvalues[rows, ids] * len(dvalues))


@right
class DoubleInside(CrossEntropy):
    """Computed in float64, rounded once."""

    def backward(self, dvalues, y_true):
        super().backward(dvalues.astype(np.float64), y_true)
        self.dinputs = self.dinputs.astype(dvalues.dtype)


@right
class SampleBySample(CrossEntropy):
    """A Python loop over the samples."""

    def forward(self, y_pred, y_true):
        return np.array([-np.log(p[label]) for p, label in zip(y_pred, class_ids(y_true), strict=True)], y_pred.dtype)

    def backward(self, dvalues, y_true):
        self.dinputs = np.zeros_like(dvalues)
        for row, p, label in zip(self.dinputs, dvalues, class_ids(y_true), strict=True):
            row[label] = -1 / (len(dvalues) * p[label])


@right
class Clipped(CrossEntropy):
    """The loss, and only the loss, of probabilities clipped to 1e-7 .. 1 - 1e-7, as in the book."""

    def forward(self, y_pred, y_true):
        return super().forward(np.clip(y_pred, 1e-7, 1 - 1e-7), y_true)


@wrong("values", "scaled by N", "shape-dependent")
class NotNormalised(CrossEntropy):
    """The gradient of the sum: right for one sample."""

    def backward(self, dvalues, y_true):
        self.dinputs = -one_hot(y_true, dvalues) / np.where(one_hot(y_true, dvalues) == 1, dvalues, 1)


@wrong("values", "scaled by N / C", "shape-dependent")
class DividesByClasses(CrossEntropy):
    """Divided by the number of classes, not of samples: right when they are equal."""

    def backward(self, dvalues, y_true):
        super().backward(dvalues, y_true)
        samples, classes = dvalues.shape
        self.dinputs = (self.dinputs * (samples / classes)).astype(dvalues.dtype)


@wrong("values", "scaled by -1", "gross")
class SignFlipped(CrossEntropy):
    """1 / p / N."""

    def backward(self, dvalues, y_true):
        super().backward(dvalues, y_true)
        np.abs(self.dinputs, out=self.dinputs)


@wrong("special_values", "zero over zero", "value-dependent")
class DenseZeroOverZero(CrossEntropy):
    """-one_hot / p for the whole matrix: NaN where another class has probability zero."""

    def backward(self, dvalues, y_true):
        self.dinputs = -one_hot(y_true, dvalues) / dvalues / len(dvalues)


@wrong("sizes", "raises on an empty batch", "shape-dependent")
class LenOfFirstRow(CrossEntropy):
    """Counts the classes in the first sample, which may not be there."""

    def backward(self, dvalues, y_true):
        self.classes = len(dvalues[0])
        super().backward(dvalues, y_true)


@wrong("values", "label 0 ignored", "value-dependent")
class IgnoreZeroLabel(CrossEntropy):
    """Label 0 counts as padding and has no gradient."""

    def backward(self, dvalues, y_true):
        super().backward(dvalues, y_true)
        self.dinputs[class_ids(y_true) == 0] = 0


@wrong("arguments_untouched", "overwrote its argument", "aliasing")
class LabelsDestroyed(CrossEntropy):
    """One-hot labels of the right dtype serve as the result."""

    def backward(self, dvalues, y_true):
        super().backward(dvalues, y_true)
        if y_true.shape == dvalues.shape and y_true.dtype == dvalues.dtype and y_true.flags.writeable:
            y_true[:] = self.dinputs
            self.dinputs = y_true


@wrong("values", "truncated to integers", "dtype")
class IntOneHotBuffer(CrossEntropy):
    """The result has the dtype of one-hot labels: whole numbers, mostly."""

    def backward(self, dvalues, y_true):
        super().backward(dvalues, y_true)
        if y_true.ndim == 2:
            self.dinputs = self.dinputs.astype(y_true.dtype)


@wrong("layouts", "reads raw memory", "layout")
class OneHotRawMemory(CrossEntropy):
    """One-hot labels are read as though they were in C order."""

    def backward(self, dvalues, y_true):
        super().backward(dvalues, as_memory_lies(y_true))


@wrong("layouts", "reads raw memory", "layout", only="dprobabilities: ")
class PredictionsRawMemory(CrossEntropy):
    """The predictions are read as though they were in C order."""

    def backward(self, dvalues, y_true):
        super().backward(as_memory_lies(dvalues), y_true)


@wrong("stateless", "equal to an earlier call's result", "state")
class LabelsFromForward(CrossEntropy):
    """backward takes the labels of the last forward pass, if there are as many, rather than those it is given."""

    labels = np.zeros(0, np.int64)

    def forward(self, y_pred, y_true):
        self.labels = class_ids(y_true).copy()
        return super().forward(y_pred, y_true)

    def backward(self, dvalues, y_true):
        super().backward(dvalues, self.labels if len(self.labels) == len(dvalues) else y_true)


@wrong("sizes", "a counter that wraps", "shape-dependent", only="dprobabilities: ")
class BatchCounterWraps(CrossEntropy):
    """The samples are counted in six bits."""

    def backward(self, dvalues, y_true):
        super().backward(dvalues, y_true)
        samples = len(dvalues)
        counted = samples & 63 or 64
        if samples > 64:
            self.dinputs = (self.dinputs * (samples / counted)).astype(dvalues.dtype)


@wrong("values", "rounded to half precision", "precision")
class HalfResult(CrossEntropy):
    """The result passes through float16."""

    def backward(self, dvalues, y_true):
        super().backward(dvalues, y_true)
        self.dinputs = through_half(self.dinputs)


@wrong("values", "scaled by a constant", "precision")
class ApproxReciprocal(CrossEntropy):
    """1 / p is off by a relative 3e-5 (float32) or 1e-6 (float64)."""

    def backward(self, dvalues, y_true):
        super().backward(dvalues, y_true)
        self.dinputs = a_little_more(self.dinputs)


@wrong("values", "scaled by 1/C", "shape-dependent")
class MeanOverElements(CrossEntropy):
    """The gradient of the mean over samples and classes."""

    def backward(self, dvalues, y_true):
        super().backward(dvalues, y_true)
        self.dinputs = self.dinputs / dvalues.shape[1]


@wrong("values", "logarithm of base two", "gross")
class LogBaseTwo(CrossEntropy):
    """The loss is in bits, the gradient is not."""

    def forward(self, y_pred, y_true):
        return super().forward(y_pred, y_true) / y_pred.dtype.type(np.log(2))


@wrong("values", "scaled by N", "shape-dependent")
class SumOfTheLosses(CrossEntropy):
    """forward adds the losses up; the gradient is that of their mean."""

    def forward(self, y_pred, y_true):
        return super().forward(y_pred, y_true).sum()


@wrong("special_values", "clipped", "value-dependent")
class GradientClipped(CrossEntropy):
    """No element of the gradient exceeds 1000."""

    def backward(self, dvalues, y_true):
        super().backward(dvalues, y_true)
        self.dinputs = np.clip(self.dinputs, -1000, 1000)


@wrong("values", "an epsilon added", "precision")
class EpsilonAdded(CrossEntropy):
    """-1 / (p + 1e-6)."""

    def backward(self, dvalues, y_true):
        super().backward(dvalues + dvalues.dtype.type(1e-6), y_true)


@wrong("values", "the formula of binary cross-entropy", "gross")
class EveryClassBinary(CrossEntropy):
    """The other classes get 1 / (1 - p), as though each were a choice of two."""

    def backward(self, dvalues, y_true):
        y = one_hot(y_true, dvalues)
        self.dinputs = ((1 - y) / (1 - dvalues + y) - y / (dvalues + 1 - y)) / max(1, len(dvalues))


@wrong("sizes", "labels that wrap", "shape-dependent")
class LabelsInEightBits(CrossEntropy):
    """Class ids are kept as int8: from 128 on they are negative, and count from the end."""

    def backward(self, dvalues, y_true):
        ids = class_ids(y_true).astype(np.int8).astype(np.int64)
        super().backward(dvalues, ids % dvalues.shape[1])


@wrong("values", "labels truncated to zero", "dtype")
class LabelsTruncated(CrossEntropy):
    """One-hot floats are scaled by a confidence and then cast to integers: every row is zero, so label 0."""

    def backward(self, dvalues, y_true):
        if y_true.ndim == 2 and y_true.dtype.kind == "f":
            y_true = (y_true * 0.999).astype(np.int64)
        super().backward(dvalues, y_true)


@wrong("stateless", "equal to an earlier call's result", "state", only="a case with other labels")
class KeptWhilePredictionsAreTheSame(CrossEntropy):
    """The gradient is computed again only where the predictions changed, whatever the labels."""

    key = None

    def backward(self, dvalues, y_true):
        super().backward(dvalues, y_true)
        key = (dvalues.tobytes(), dvalues.shape)
        if self.key != key:
            self.key, self.kept = key, self.dinputs
        self.dinputs = self.kept.copy()
