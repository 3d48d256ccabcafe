"""Candidates that are wrong in what they do to the process, or in what kind of thing they return.

`relu` with one fault each: RETURNED gives something that is no gradient, RAISING raises, MEDDLING computes the right
result and changes the process on the way, FATAL ends it or does not come back.
"""

import ctypes
import os
import random
import signal
import sys
import time
import warnings

import numpy as np


class ReLU:
    """Right."""

    def forward(self, inputs):
        self.mask = ~(inputs <= 0)
        self.output = np.where(self.mask, inputs, np.zeros_like(inputs))
        return self.output.copy()

    def backward(self, dvalues):
        return np.where(self.mask, dvalues, np.zeros_like(dvalues))


def doing(deed, name):
    """A right ReLU that does the deed in its backward pass."""

    def backward(self, dvalues):
        deed()
        return ReLU.backward(self, dvalues)

    return type(name, (ReLU,), {"backward": backward})


def returning(make, name):
    """A ReLU whose gradient is made into something else."""
    return type(name, (ReLU,), {"backward": lambda self, dvalues: make(ReLU.backward(self, dvalues))})


def throw(error):
    raise error


class Unprintable:
    def __repr__(self):
        raise RuntimeError("no repr")


class UnprintableError(Exception):
    def __str__(self):
        raise RuntimeError("no str")


class Refusing(np.ndarray):
    def __array_ufunc__(self, *args, **kwargs):
        raise TypeError("no arithmetic")


class NoArray:
    def __array__(self, *args, **kwargs):
        sys.exit(3)


def endless():
    return endless()


def lower_the_limit():
    sys.setrecursionlimit(len(_frames()) + 30)


def _frames():
    frame, found = sys._getframe(), []
    while frame:
        found.append(frame)
        frame = frame.f_back
    return found


RETURNED = {
    "none": (lambda g: None, "vjp: expected dinputs, got NoneType None|backward did not set 'dinputs'"),
    "ragged": (lambda g: [[1.0], [1.0, 2.0]], "dinputs: expected an array, got list"),
    "text": (lambda g: "text", "dinputs: expected numbers, got dtype <U4 from str"),
    "objects": (lambda g: g.astype(object), "dinputs: expected numbers, got dtype object from ndarray"),
    "generator": (lambda g: (x for x in g), "dinputs: expected numbers, got dtype object from generator"),
    "complex": (lambda g: g + 0j, "dinputs: expected numbers, got dtype complex"),
    "masked": (np.ma.masked_array, "dinputs: expected a plain array, got MaskedArray"),
    "matrix": (lambda g: g.view(np.matrix), "dinputs: expected a plain array, got matrix"),
    "refusing": (lambda g: g.view(Refusing), "dinputs: expected a plain array, got Refusing"),
    "unprintable": (lambda g: Unprintable(), "dinputs: expected numbers, got dtype object from Unprintable"),
    "unprintables": (lambda g: {"a": Unprintable()}, "expected dinputs, got dict <a dict that cannot be printed>"),
    "no_array": (lambda g: NoArray(), "raised SystemExit: 3"),
    "nan": (lambda g: g * np.nan, "got nan"),
}
RAISING = {
    "raises": (lambda: throw(ValueError("two\nlines")), "raised ValueError: two lines"),
    "unprintable_error": (
        lambda: throw(UnprintableError()),
        "raised UnprintableError: <a UnprintableError that cannot",
    ),
    "exits": (lambda: sys.exit(1), "raised SystemExit: 1"),
    "interrupts": (lambda: throw(KeyboardInterrupt()), "raised KeyboardInterrupt"),
    "recurses": (endless, "raised RecursionError"),
    "exhausts": (lambda: throw(MemoryError()), "raised MemoryError"),
    "generator_exit": (lambda: throw(GeneratorExit()), "raised GeneratorExit"),
}
MEDDLING = {
    "prints": lambda: print("noise"),
    "prints_errors": lambda: print("noise", file=sys.stderr),
    "closes_stdout": lambda: sys.stdout.close(),
    "replaces_stdout": lambda: setattr(sys, "stdout", None),
    "errstate": lambda: np.seterr(all="raise"),
    "print_options": lambda: np.set_printoptions(precision=1, formatter={"float": lambda x: "?"}),
    "numpy_seed": lambda: np.random.seed(0),  # noqa: NPY002  (the legacy state is what it meddles with)
    "seed": lambda: random.seed(0),
    "directory": lambda: os.chdir(os.sep),
    "environment": lambda: os.environ.update(BACKPROOF_NOISE="1"),
    "no_environment": lambda: os.environ.pop("PATH", None),
    "warns": lambda: warnings.warn("noise", stacklevel=1),
    "warning_filters": lambda: warnings.simplefilter("error"),
    "recursion_limit": lower_the_limit,
    "interrupt_handler": lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
}
FATAL = {
    "exits_at_once": (lambda: os._exit(3), "exited with code 3"),
    "segfaults": (lambda: ctypes.string_at(0), "killed the interpreter: SIGSEGV"),
    "is_killed": (lambda: os.kill(os.getpid(), signal.SIGKILL), "killed the interpreter: SIGKILL"),
    "hangs": (lambda: time.sleep(1000), "no answer within"),
}
for _name, (_deed, _) in FATAL.items():
    globals()[_name] = doing(_deed, _name)
