"""Softmax and cross-entropy in one: the plain one, right variants, and wrong ones."""

import numpy as np

from .table import a_little_more, class_ids, one_hot, right, through_half, wrong


@right
class Fused:
    """The mean of log(sum exp(x)) - x at the label; output holds the probabilities, dinputs = (p - one_hot) / N."""

    op = "softmax_cross_entropy"

    def forward(self, inputs, y_true):
        shifted = inputs - inputs.max(axis=1, keepdims=True)
        e = np.exp(shifted)
        total = e.sum(axis=1, keepdims=True)
        self.output = e / total
        return (np.log(total[:, 0]) - shifted[np.arange(len(inputs)), class_ids(y_true)]).mean()

    def backward(self, dvalues, y_true):
        self.dinputs = dvalues.copy()
        self.dinputs[np.arange(len(dvalues)), class_ids(y_true)] -= 1
        self.dinputs /= len(dvalues)


@right
class MinusOneHot(Fused):
    """(p - one_hot) / N as whole matrices."""

    def backward(self, dvalues, y_true):
        self.dinputs = (dvalues - one_hot(y_true, dvalues)) / len(dvalues)


@right
class ChunkedRows(Fused):
    """Nine samples at a time, the tail included, each divided by the size of the batch."""

    def backward(self, dvalues, y_true):
        ids = class_ids(y_true)
        parts = [dvalues[:0]]
        for at in range(0, len(dvalues), 9):
            rows = dvalues[at : at + 9]
            parts.append((rows - one_hot(ids[at : at + 9], rows)) / len(dvalues))
        self.dinputs = np.concatenate(parts)


@right
class LogSumExp(Fused):
    """Loss and probabilities by way of the log-probabilities x - logsumexp(x)."""

    def forward(self, inputs, y_true):
        shifted = inputs - inputs.max(axis=1, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        self.output = np.exp(logs)
        return -logs[np.arange(len(logs)), class_ids(y_true)].mean()


@right
class DoubleInside(Fused):
    """The gradient in float64, rounded once."""

    def backward(self, dvalues, y_true):
        super().backward(dvalues.astype(np.float64), y_true)
        self.dinputs = self.dinputs.astype(dvalues.dtype)


@wrong("arguments_untouched", "overwrote its argument", "aliasing")
class NoCopy(Fused):
    """dinputs starts as the probabilities themselves: they lose 1 at the labels."""

    def backward(self, dvalues, y_true):
        dvalues[np.arange(len(dvalues)), class_ids(y_true)] -= 1
        self.dinputs = dvalues / len(dvalues)


@wrong("values", "scaled by N", "shape-dependent")
class NotNormalised(Fused):
    """The gradient of the sum: right for one sample."""

    def backward(self, dvalues, y_true):
        self.dinputs = dvalues - one_hot(y_true, dvalues)


@wrong("values", "uninitialised", "gross")
class UninitialisedResult(Fused):
    """The result is allocated and never written."""

    def backward(self, dvalues, y_true):
        self.dinputs = np.empty_like(dvalues)


@wrong("values", "the wrong axis", "gross")
class OneHotArgmaxAxis0(Fused):
    """One-hot labels are decoded along the batch; ids are right."""

    def backward(self, dvalues, y_true):
        if y_true.ndim == 2 and y_true.size:
            along = y_true.argmax(axis=0)
            y_true = along[np.arange(len(dvalues)) % len(along)] % dvalues.shape[1]
        super().backward(dvalues, y_true)


@wrong("values", "the last class ignored", "value-dependent")
class LastClassIgnored(Fused):
    """-1, the mark of a label to ignore, wraps to the last class: its samples get no gradient."""

    def backward(self, dvalues, y_true):
        super().backward(dvalues, y_true)
        self.dinputs[class_ids(y_true) == np.arange(dvalues.shape[1])[-1]] = 0


@wrong("values", "clipped", "value-dependent")
class ConfidentRowsZeroed(Fused):
    """A sample whose label has probability above 0.999 gets no gradient."""

    def backward(self, dvalues, y_true):
        super().backward(dvalues, y_true)
        sure = (dvalues * one_hot(y_true, dvalues)).sum(axis=1) > 0.999
        self.dinputs[sure] = 0


@wrong("values", "operands in low precision", "precision")
class TrueClassReadModifyWrite(Fused):
    """1 is subtracted from a probability that was stored in float16."""

    def backward(self, dvalues, y_true):
        y = one_hot(y_true, dvalues)
        self.dinputs = (np.where(y == 1, through_half(dvalues), dvalues) - y) / len(dvalues)


@wrong("values", "scaled by a constant", "precision")
class TinyScale(Fused):
    """dinputs is off by a relative 3e-5 (float32) or 1e-6 (float64)."""

    def backward(self, dvalues, y_true):
        super().backward(dvalues, y_true)
        self.dinputs = a_little_more(self.dinputs)


def _subtracted_at(dvalues, index):
    """(p - 1 at each flat index) / N."""
    flat = dvalues.flatten()
    np.subtract.at(flat, index % max(1, flat.size), 1)
    return flat.reshape(dvalues.shape) / len(dvalues)


def _flat_index(dvalues, y_true, kind):
    """row * C + label, computed in an integer dtype."""
    rows, classes = np.arange(len(dvalues)).astype(kind), np.array([dvalues.shape[1]]).astype(kind)
    return (rows * classes + class_ids(y_true).astype(kind)).astype(np.int64)


@wrong("sizes", "a flat index that wraps", "shape-dependent")
class FlatIndexInt16(Fused):
    """row * C + label overflows 16 bits in large batches."""

    def backward(self, dvalues, y_true):
        self.dinputs = _subtracted_at(dvalues, _flat_index(dvalues, y_true, np.int16))


@wrong("sizes", "a flat index that wraps", "shape-dependent")
class FlatIndexUint8(Fused):
    """row * C + label is computed in the labels' own uint8: it wraps past 255 elements."""

    def backward(self, dvalues, y_true):
        self.dinputs = _subtracted_at(dvalues, _flat_index(dvalues, y_true, np.uint8))


@wrong("layouts", "reads raw memory", "layout")
class FlatWriteLost(Fused):
    """1 is subtracted from ravel() of a copy in memory order: for Fortran order that is one more copy, thrown away."""

    def backward(self, dvalues, y_true):
        kept = dvalues.copy(order="K")
        kept.ravel()[_flat_index(dvalues, y_true, np.int64)] -= 1
        self.dinputs = kept / len(dvalues)


@wrong("sizes", "scaled by N over the chunk's size", "shape-dependent")
class ChunkNormaliser(Fused):
    """Chunks of 64 samples, each divided by its own size."""

    def backward(self, dvalues, y_true):
        ids, parts = class_ids(y_true), [dvalues[:0]]
        for at in range(0, len(dvalues), 64):
            rows = dvalues[at : at + 64]
            parts.append((rows - one_hot(ids[at : at + 64], rows)) / len(rows))
        self.dinputs = np.concatenate(parts)


@wrong("values", "a tail dropped", "shape-dependent")
class OddClassesTail(Fused):
    """Classes in pairs: an odd last one stays zero."""

    def backward(self, dvalues, y_true):
        super().backward(dvalues, y_true)
        classes = dvalues.shape[1]
        if classes > 1:
            self.dinputs[:, classes - classes % 2 :] = 0


@wrong("stateless", "equal to an earlier call's result", "state", only="with a forward pass on ")
class GradInForward(Fused):
    """The gradient is computed in forward and handed out by backward, whatever backward is given."""

    def forward(self, inputs, y_true):
        loss = super().forward(inputs, y_true)
        super().backward(self.output, y_true)
        self.ready = self.dinputs
        return loss

    def backward(self, dvalues, y_true):
        super().backward(dvalues, y_true)
        if self.ready.shape == dvalues.shape:
            self.dinputs = self.ready.copy()


@wrong("stateless", "equal to an earlier call's result", "state")
class FingerprintCache(Fused):
    """Results are remembered by shape, dtype and first sample, for all instances."""

    known: dict = {}  # noqa: RUF012  (the fault itself)

    def __init_subclass__(cls):
        cls.known = {}

    def backward(self, dvalues, y_true):
        key = (dvalues.shape, dvalues.dtype, dvalues[:1].tobytes(), class_ids(y_true)[:1].tobytes())
        super().backward(dvalues, y_true)
        self.dinputs = self.known.setdefault(key, self.dinputs).copy()


@wrong("repeatable", "an earlier call's result added", "state")
class SecondBackwardAccumulates(Fused):
    """A second backward of the same shape adds to the first."""

    def backward(self, dvalues, y_true):
        before = getattr(self, "dinputs", None)
        super().backward(dvalues, y_true)
        if before is not None and before.shape == dvalues.shape:
            self.dinputs = before + self.dinputs


@wrong("arguments_untouched", "overwrote its argument", "aliasing")
class ForwardShiftsLogits(Fused):
    """forward subtracts the largest of a row from the caller's logits."""

    def forward(self, inputs, y_true):
        if inputs.flags.writeable:
            inputs -= inputs.max(axis=1, keepdims=True)
        return super().forward(inputs, y_true)


@wrong("values", "the one-hot added", "gross")
class OneHotAdded(Fused):
    """(p + one_hot) / N."""

    def backward(self, dvalues, y_true):
        self.dinputs = (dvalues + one_hot(y_true, dvalues)) / len(dvalues)


@wrong("values", "the one-hot missing", "gross")
class OneHotMissing(Fused):
    """p / N."""

    def backward(self, dvalues, y_true):
        self.dinputs = dvalues / len(dvalues)


@wrong("values", "labels off by one", "gross")
class LabelsFromOne(Fused):
    """Labels are taken to count from 1: label 0 wraps to the last class."""

    def backward(self, dvalues, y_true):
        super().backward(dvalues, (class_ids(y_true) - 1) % dvalues.shape[1])


@wrong("values", "softmax differentiated twice", "gross")
class SoftmaxTwice(Fused):
    """The fused gradient goes through the softmax's once more."""

    def backward(self, dvalues, y_true):
        super().backward(dvalues, y_true)
        self.dinputs = dvalues * (self.dinputs - (dvalues * self.dinputs).sum(axis=1, keepdims=True))


@wrong("values", "labels smoothed", "value-dependent")
class LabelsSmoothed(Fused):
    """The gradient is that of smoothed labels, the loss is not."""

    def backward(self, dvalues, y_true):
        super().backward(dvalues, y_true)
        smoothing = dvalues.dtype.type(0.1) * (one_hot(y_true, dvalues) - 1 / dvalues.dtype.type(dvalues.shape[1]))
        self.dinputs = self.dinputs + smoothing / max(1, len(dvalues))


@wrong("sizes", "class 255 is ignored", "value-dependent", only="dlogits")
class Ignores255(Fused):
    """Labels of 255 in uint8 are left out, also where there are 256 classes."""

    def backward(self, dvalues, y_true):
        super().backward(dvalues, y_true)
        if y_true.ndim == 1 and y_true.dtype == np.uint8:
            self.dinputs[y_true == 255] = 0
