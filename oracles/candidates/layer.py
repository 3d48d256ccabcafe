"""What is under test: an implementation of an op, as functions, as a class, or as a framework's function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import reference
from reference import InputError

from ..ops import OPS, Op, declare, get_op
from ..sources.registry import OWN_ARITHMETIC, Oracle, load, names
from ..words import did_you_mean
from .interchange import Convert, conversion_of
from .sessions import ClassSession, FunctionSession, Session, names_of_gradient
from .traced import TracedSession
from .untaken import untaken_by

TARGETS = ("ids", "one_hot", "soft")
REDUCTIONS = ("mean", "sum", "none")
CONVENTIONS = ("torch", "jax")
ACCUMULATE = ("strict", "native")  # sums of the two-byte floats in float32, or in their own dtype


@dataclass(frozen=True)
class Layer:
    """An op's implementation: forward(*primals) -> output, vjp(cotangent, *primals) -> gradients.

    op: an Op, or the name of one of the suite. Its options are passed as keywords.
    vjp returns the gradients in the order of the op's differentiable primals (one alone needs no tuple), or a mapping
    by their names. targets: the label forms a loss takes, of ids, one_hot and soft. reductions: those it takes as the
    keyword `reduction`; a layer with "mean" alone is not passed one. any_rank: whether it takes any number of leading
    axes where the signature has "...", not rows alone; by default the suite's softmax and relu do not. arrays: "numpy",
    "cupy", or what makes a NumPy array (of ml_dtypes.bfloat16 too) one that the functions take, such as
    torch.from_numpy. Results may be of any array library. `start()` gives a session, one instance at work. convention:
    "torch" or "jax", to pin what is right where those differ; either is by default. accumulate: "native" for sums of
    float16 and bfloat16 in their own dtype, by default they are expected in float32; a report then says
    what that costs. Raises InputError.
    """

    op: str
    name: str
    start: Callable[[], Session]
    targets: Sequence[str]
    reductions: Sequence[str]
    any_rank: bool
    has_cotangent: bool
    convention: str | None
    accumulate: str
    declaration: Op  # what the op is
    untaken: tuple[str, ...]  # the options that its functions do not take by name: those stay at their defaults

    def __init__(
        self,
        op: str | Op,
        *,
        forward: Callable[..., Any],
        vjp: Callable[..., Any],
        name: str | None = None,
        targets: Sequence[str] = ("ids", "one_hot"),
        reductions: Sequence[str] = ("mean",),
        any_rank: bool | None = None,
        arrays: str | Convert = "numpy",
        convention: str | None = None,
        accumulate: str = "strict",
    ) -> None:
        _callable(forward=forward, vjp=vjp)
        op = _declared(op)
        start = partial(FunctionSession, op, forward, vjp, conversion_of(arrays))
        named = str(name or getattr(forward, "__name__", "layer"))
        self._set(op, named, start, targets, reductions, any_rank, True, convention, accumulate)

    @property
    def conversion(self) -> Convert | None:
        """What makes its arrays of NumPy's, where something does."""
        called = getattr(self.start, "func", None)
        return self.start.args[3] if called in (FunctionSession, ClassSession) else None  # type: ignore[attr-defined]  # of a partial

    @property
    def framework(self) -> Oracle | None:
        """The framework that differentiates it, where one does."""
        traced = getattr(self.start, "func", None) is TracedSession
        return self.start.args[2] if traced else None  # type: ignore[attr-defined]  # of a partial

    @classmethod
    def from_class(
        cls,
        op: str | Op,
        make: Callable[..., Any],
        *,
        name: str | None = None,
        gradients: Mapping[str, str] | None = None,
        targets: Sequence[str] = ("ids", "one_hot"),
        any_rank: bool | None = None,
        arrays: str | Convert = "numpy",
        convention: str | None = None,
        accumulate: str = "strict",
    ) -> Layer:
        """A class with forward and backward in the book's interface; `make` is the class, or makes an instance.

        make() or, as for dense, make(n_inputs, n_neurons): the shape of the first parameter. forward takes the first
        primal, and what has no gradient; parameters are set before it, as attributes by the primals' names, unless it
        takes them too. An option goes to make, or else to forward, where that takes it by name. Results are return
        values or attributes, named as in the book (dinputs) or as dL_dX; gradients={"dinputs": "dx"} names another.
        cross_entropy and softmax_cross_entropy: forward gives the losses of the samples or their mean,
        backward(predictions, labels) the gradient of the mean. Raises InputError.
        """
        base = _torch_base(make)
        if base:
            takes = "whose gradients torch takes: use Layer.from_torch, or --framework torch"
            raise InputError(f"{make.__name__}: it is a {base}, {takes}")
        op = _declared(op)
        known = {names_of_gradient(primal)[0] for primal in op.differentiable}
        if gradients is not None and not set(gradients) <= known:
            raise InputError(f"gradients: expected names of {', '.join(sorted(known))}, got {dict(gradients)!r}")
        _callable(make=make)
        start = partial(ClassSession, op, make, dict(gradients or {}), conversion_of(arrays))
        settings = (start, targets, ("mean",), any_rank, not op.labels, convention, accumulate)
        return cls._of(op, make, name, *settings)

    @classmethod
    def from_torch(
        cls,
        op: str | Op,
        fn: Callable[..., Any],
        *,
        device: str = "cpu",
        name: str | None = None,
        targets: Sequence[str] = ("ids", "one_hot"),
        reductions: Sequence[str] = ("mean",),
        any_rank: bool | None = None,
        convention: str | None = None,
        accumulate: str = "strict",
    ) -> Layer:
        """PyTorch code, differentiated by its own backward on `device`.

        fn: fn(*primals, **options) -> tensor; an autograd.Function; or an nn.Module, its class, or what makes one. For
        dense that is made with (n_inputs, n_neurons), and its parameters are set: `weight`, (n_neurons, n_inputs), or
        `weights`, (n_inputs, n_neurons), and `bias` or `biases`. Labels are int64 ids, or rows in the dtype of the
        predictions. Raises InputError and OracleUnavailable.
        """
        start = cls._traced("torch", op, fn, device)
        return cls._of(op, fn, name, start, targets, reductions, any_rank, True, convention, accumulate)

    @classmethod
    def from_jax(
        cls,
        op: str | Op,
        fn: Callable[..., Any],
        *,
        device: str = "cpu",
        name: str | None = None,
        targets: Sequence[str] = ("ids", "one_hot"),
        reductions: Sequence[str] = ("mean",),
        any_rank: bool | None = None,
        convention: str | None = None,
        accumulate: str = "strict",
    ) -> Layer:
        """fn(*primals, **options) -> jax array, differentiated by jax.vjp, its custom_vjp or custom_jvp included.

        It runs as it is written, with 64-bit types; jax.jit(fn) is checked faster. Labels are int64 ids, or rows in the
        dtype of the predictions. Raises InputError and OracleUnavailable.
        """
        start = cls._traced("jax", op, fn, device)
        return cls._of(op, fn, name, start, targets, reductions, any_rank, True, convention, accumulate)

    @staticmethod
    def _traced(framework: str, op: str | Op, fn: Any, device: str) -> Callable[[], Session]:
        _callable(fn=fn)
        return partial(TracedSession, _declared(op), fn, load(framework, device=device))

    @classmethod
    def _of(cls, op: str | Op, thing: Any, name: str | None, *settings: Any) -> Layer:
        layer = object.__new__(cls)
        layer._set(op, str(name or getattr(thing, "__name__", type(thing).__name__)), *settings)
        return layer

    def _set(
        self,
        op: str | Op,
        name: str,
        start: Any,
        targets: Any,
        reductions: Any,
        any_rank: bool | None,
        cotangent: bool,
        convention: str | None,
        accumulate: str,
    ) -> None:
        for setting, value, choices in (
            ("convention", convention, (None, *CONVENTIONS)),
            ("accumulate", accumulate, ACCUMULATE),
        ):
            if value not in choices:
                listed = ", ".join(str(choice) for choice in choices)
                raise InputError(
                    f"{setting}: expected one of {listed}, got {value!r}{did_you_mean(value, choices[-2:])}"
                )
        targets, reductions = ((one,) if isinstance(one, str) else one for one in (targets, reductions))
        for label, given, known in (("targets", targets, TARGETS), ("reductions", reductions, REDUCTIONS)):
            if not given or not set(given) <= set(known):
                near = "".join(did_you_mean(g, known) for g in given if g not in known)
                raise InputError(f"{label}: expected some of {', '.join(known)}, got {given!r}{near}")
        declaration = _declared(op)
        any_rank = declaration is not OPS.get(declaration.name) if any_rank is None else any_rank
        promises = (tuple(targets), tuple(reductions), any_rank, cotangent, convention, accumulate)
        untaken = untaken_by(start, declaration)
        values = (declaration.name, name, start, *promises, declaration, untaken)
        for key, value in zip(self.__dataclass_fields__, values, strict=True):
            object.__setattr__(self, key, value)


def reference_layer(op: str) -> Layer:
    """The implementation of that op in `reference`."""
    get_op(op)
    forward, vjp = getattr(reference, op), getattr(reference, f"{op}_vjp")
    name = f"reference.{op}"
    return Layer(op, forward=forward, vjp=vjp, name=name, targets=TARGETS, reductions=REDUCTIONS, any_rank=True)


def _declared(op: str | Op) -> Op:
    """The op, known by its name from now on; InputError where there is no such op, or another of that name."""
    if not isinstance(op, Op):
        return get_op(op)
    for framework in op.frameworks:
        if framework not in names() or framework in OWN_ARITHMETIC:
            known = ", ".join(name for name in names() if name not in OWN_ARITHMETIC)
            raise InputError(f"{framework}: no framework of that name; there are {known}")
    declare(op)
    return op


def _torch_base(make: object) -> str:
    """What a class is of torch's, where it has no backward pass in the book's interface. torch is not imported."""
    bases = {f"{base.__module__}.{base.__qualname__}" for base in getattr(make, "__mro__", ())}
    if "torch.autograd.function.Function" in bases:
        return "torch.autograd.Function"
    return "torch.nn.Module" if "torch.nn.modules.module.Module" in bases and not hasattr(make, "backward") else ""


def _callable(**functions: Any) -> None:
    for label, function in functions.items():
        if not callable(function):
            raise InputError(f"{label}: expected a function, got {function!r}")
