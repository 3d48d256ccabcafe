"""One candidate at work: what a layer's `start()` gives. Forward and backward are separate calls, as in training.

A session turns whatever interface the candidate has into arrays by name, and nothing else: it judges nothing and
repairs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ..data.arrays import Array
from ..ops import Op
from ..sources.arguments import made_with, required, taken_by
from ..sources.registry import LayerError
from .contain import shown
from .interchange import Convert, Handed, Handover

# the attributes a gradient may be left in: the book's names, and the derivative written out
NAMES: Mapping[str, tuple[str, ...]] = {
    "inputs": ("dinputs", "dL_dX", "dL_dx", "dL_dz"),
    "weights": ("dweights", "dL_dw", "dL_dW"),
    "biases": ("dbiases", "dL_db"),
    "logits": ("dinputs", "dL_dz", "dL_dX"),
    "probabilities": ("dinputs", "dL_dy", "dL_dX"),
}


class Session(Protocol):
    """One instance of a candidate. `arrays` are the case's primals by name, to be handed over as they are."""

    def forward(self, arrays: Mapping[str, Array], options: Mapping[str, Any]) -> Any:
        """The output."""

    def backward(self, cotangent: Any, arrays: Mapping[str, Array], options: Mapping[str, Any]) -> Mapping[str, Any]:
        """The gradients by primal name. cotangent: a tuple of arrays where there are several outputs."""

    def parameters(self) -> Mapping[str, Any]:
        """The parameters the candidate holds, by primal name."""

    def handed(self) -> Mapping[str, Handed]:
        """What was converted before it was handed over."""


class FunctionSession:
    """forward(*primals) -> output and vjp(cotangent, *primals) -> gradients, of arrays as `convert` makes them."""

    def __init__(
        self, op: Op, forward: Callable[..., Any], vjp: Callable[..., Any], convert: Convert | None = None
    ) -> None:
        self.op, self._forward, self._vjp, self._convert = op, forward, vjp, convert
        self._handover = Handover()

    def forward(self, arrays: Mapping[str, Array], options: Mapping[str, Any]) -> Any:
        """The function's value."""
        return self._forward(*self._given(arrays), **options)

    def backward(self, cotangent: Any, arrays: Mapping[str, Array], options: Mapping[str, Any]) -> Mapping[str, Any]:
        """The vjp's values, by order or by name; one alone needs no tuple."""
        given = [handed_over(self._handover, self.op, cotangent, self._convert), *self._given(arrays)]
        return by_name(self.op.differentiable, self._vjp(*given, **options))

    def parameters(self) -> Mapping[str, Any]:
        """None: they are primals."""
        return {}

    def handed(self) -> Mapping[str, Handed]:
        """What `convert` made."""
        return self._handover.handed()

    def _given(self, arrays: Mapping[str, Array]) -> list[Any]:
        return [self._handover.give(name, a, self._convert) for name, a in arrays.items()]


class ClassSession:
    """An object in the book's interface: forward and backward, results as return values or attributes.

    Parameters are set as attributes; the losses' backward takes the predictions and the labels.
    """

    def __init__(
        self, op: Op, make: Callable[..., Any], gradients: Mapping[str, str], convert: Convert | None = None
    ) -> None:
        self.op, self._make, self._gradients, self._convert = op, make, gradients, convert
        self.object: Any = None
        self._made_with: dict[str, Any] = {}
        self._handover = Handover()

    def forward(self, arrays: Mapping[str, Array], options: Mapping[str, Any]) -> Any:
        """What forward returns, or leaves in `output`."""
        settings = taken_by(self._make, options)
        if self.object is None or settings != self._made_with:
            self.object = self._make(*self.sizes(arrays), **settings)
            self._made_with = settings
        for name in self.set_as_attributes():
            setattr(self.object, name, self._given(name, arrays[name]))
        before = self._attributes()
        given = [self._given(name, arrays[name]) for name in self.passed()]
        returned = self.object.forward(*given, **self.said_to_forward(options))
        if returned is not None:
            return returned
        if hasattr(self.object, "output"):
            return self.object.output
        raise LayerError(f"forward returned None and did not set 'output'{self._instead(before)}")

    def backward(self, cotangent: Any, arrays: Mapping[str, Array], options: Mapping[str, Any]) -> Mapping[str, Any]:
        """What backward leaves in its attributes, or returns."""
        before = self._attributes()
        if self.op.labels:  # a loss in the book's interface has no cotangent: its gradient is that of the mean loss
            # probabilities are handed back as forward was handed them: one object, not two
            first = self.op.primals[0] if self.op.rows == "probabilities" else "predictions"
            given = self._given(first, cotangent), self._given(self.op.labels, arrays[self.op.labels])
            returned = self.object.backward(*given)
        else:
            returned = self.object.backward(handed_over(self._handover, self.op, cotangent, self._convert))
        found = {name: self._attribute(name) for name in self.op.differentiable}
        absent = [name for name, value in found.items() if value is None]
        if not absent:
            return found
        if returned is not None:
            names = self.op.differentiable if isinstance(returned, (tuple, list)) else (self.op.differentiable[0],)
            found |= {k: v for k, v in by_name(names, returned).items() if k in absent}
            absent = [name for name, value in found.items() if value is None]
        if absent:
            wanted = ", ".join(repr(self._names(name)[0]) for name in absent)
            raise LayerError(f"backward did not set {wanted}{self._instead(before)}")
        return found

    def predictions(self, arrays: Mapping[str, Array]) -> Any:
        """What a loss's backward is handed: the probabilities it was given, or those it left in `output`."""
        if self.op.rows == "probabilities":
            return arrays[self.op.primals[0]]
        left = getattr(self.object, "output", None)
        if left is None:
            raise LayerError("forward did not set 'output', the probabilities that backward takes")
        return left

    def gradient_expression(self, primal: str) -> str:
        """Code for where the last backward pass left a gradient: an attribute of `layer`, or what it `returned`."""
        found = next((n for n in self._names(primal) if getattr(self.object, n, None) is not None), None)
        if found is not None:
            return f"layer.{found}"
        alone = len(self.op.differentiable) == 1
        return "returned" if alone else f"returned[{self.op.differentiable.index(primal)}]"

    def parameters(self) -> Mapping[str, Any]:
        """The object's weights and biases as they are now."""
        if self.object is None:
            return {}
        return {name: getattr(self.object, name, None) for name in self.set_as_attributes()}

    def handed(self) -> Mapping[str, Handed]:
        """What `convert` made."""
        return self._handover.handed()

    def _given(self, name: str, a: Array) -> Any:
        return self._handover.give(name, a, self._convert)

    def sizes(self, arrays: Mapping[str, Array]) -> tuple[int, ...]:
        """What an instance is made with: the shape of its first parameter, where it asks for as many numbers."""
        return made_with(self.op, self._make, {name: a.shape for name, a in arrays.items()})

    def passed(self) -> tuple[str, ...]:
        """The primals that forward is passed: the first, what has no gradient, and parameters if it takes more."""
        always = [name for name in self.op.primals if name == self.op.primals[0] or name not in self.op.differentiable]
        more = max(0, required(getattr(self.object, "forward", None)) - len(always))
        others = [name for name in self.op.primals if name not in always][:more]
        return tuple(name for name in self.op.primals if name in (*always, *others))

    def set_as_attributes(self) -> tuple[str, ...]:
        """The primals that are set before forward."""
        passed = self.passed()
        return tuple(name for name in self.op.primals if name not in passed)

    def said_to_forward(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options that forward takes, and making an instance does not."""
        return taken_by(
            getattr(self.object, "forward", None), {k: v for k, v in options.items() if k not in self._made_with}
        )

    def _names(self, primal: str) -> tuple[str, ...]:
        names = names_of_gradient(primal)
        return (self._gradients[names[0]],) if names[0] in self._gradients else names

    def _attribute(self, primal: str) -> Any:
        return next((v for n in self._names(primal) if (v := getattr(self.object, n, None)) is not None), None)

    def _attributes(self) -> dict[str, Any]:
        return dict(vars(self.object)) if hasattr(self.object, "__dict__") else {}

    def _instead(self, before: Mapping[str, Any]) -> str:
        """The attributes that were set and that nobody reads: one of them may be the misspelt one."""
        read = {"output", *(n for primal in self.op.differentiable for n in self._names(primal))}
        changed = sorted(n for n, v in self._attributes().items() if n not in before or before[n] is not v)
        said = [repr(n) for n in changed if n not in read]
        return f"; it set {', '.join(said)}" if said else ""


def handed_over(handover: Handover, op: Op, cotangent: Any, convert: Convert | None) -> Any:
    """The cotangent as a candidate takes it: an array of its kind, or a tuple of them."""
    if len(op.cotangents) == 1:
        return handover.give("cotangent", cotangent, convert)
    return tuple(handover.give(name, g, convert) for name, g in zip(op.cotangents, cotangent, strict=True))


def names_of_gradient(primal: str) -> tuple[str, ...]:
    """The attributes that the gradient of a primal may be left in."""
    return NAMES.get(primal, (f"d{primal}", f"dL_d{primal}"))


def by_name(names: tuple[str, ...], returned: Any) -> dict[str, Any]:
    """Gradients by the names of their primals, from a mapping, a tuple in their order, or one alone."""
    if isinstance(returned, Mapping):
        given = {str(name).removeprefix("d"): value for name, value in returned.items()}
    elif isinstance(returned, tuple) and len(returned) > len(names):
        raise LayerError(f"vjp: expected {_gradients(names)}, got {len(returned)} values")
    elif isinstance(returned, (tuple, list)) and len(names) > 1:
        given = dict(zip(names, returned, strict=True)) if len(returned) == len(names) else {}
    else:
        given = {names[0]: returned[0] if isinstance(returned, (tuple, list)) and len(returned) == 1 else returned}
    if set(given) != set(names) or any(value is None for value in given.values()):
        raise LayerError(f"vjp: expected {_gradients(names)}, got {type(returned).__name__} {shown(returned)}")
    return given


def _gradients(names: tuple[str, ...]) -> str:
    return ", ".join(f"d{name}" for name in names)
