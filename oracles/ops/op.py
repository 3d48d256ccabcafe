"""An op: one declaration, from which everything else follows.

Op(
"layer_norm(inputs[..., C], weight[C], bias[C]) -> output[..., C]",
definition=layer_norm,                 # layer_norm(xp, inputs, weight, bias, *, eps), in array-API names
options={"eps": 1e-5},
forms=(by_reciprocal_root,),           # other sensible evaluations, and of the gradient: vjp_forms
outside={"one-pass variance": one_pass},
torch=..., jax=...,                    # the frameworks' own op, of the same arguments
)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from reference import InputError
from reference._targets import as_targets

from ..words import did_you_mean
from .domains import REAL, Domain
from .dotted import imported, is_dotted
from .option import Option, as_option
from .signature import Shape, Signature, parsed

Function = Callable[..., Any]
SPECIAL_VALUES = ("none", "finite", "all")


@dataclass(frozen=True, eq=False)
class Op:
    """What an op is: see the module.

    signature: its text, with named axes. definition: the formula; forms: other sensible evaluations of it, vjp_forms:
    of its gradients, vjp_form(xp, cotangent, *primals, **options); the bound is the elementwise largest of all.
    outside: evaluations that are not sensible, by name: what fits only those is wrong. options: by name their default,
    a tuple of all values with the default first, or an Option. domains: what values primals take. where: a condition on
    axes. torch, jax: the frameworks' own op, a function of their arrays or its dotted name. cases: a Hypothesis
    strategy of mappings from the primals' names to arrays (or of pairs of such a mapping and a cotangent), drawn from
    instead of cases that follow from the signature; floats are taken to the dtype under test. Raises InputError.

    special_values: "none" where a sensible form may leave the range before the declared ones do: numbers stay in its
    middle. "finite" where the forms are all there are at its ends: the smallest and large numbers are drawn as well;
    "all" where they also say what is right of infinities and NaN. Without a definition a layer is held against the
    framework's function, or else against itself.
    """

    signature: Signature
    definition: Function | None
    settings: Mapping[str, Option]
    domains: Mapping[str, Domain]
    forms: tuple[Function, ...]
    vjp_forms: tuple[Function, ...]
    outside: Mapping[str, Function]
    frameworks: Mapping[str, Any]
    cases: Any
    special_values: str

    def __init__(
        self,
        signature: str,
        *,
        definition: Function | None = None,
        options: Mapping[str, Any] | None = None,
        domains: Mapping[str, Domain] | None = None,
        forms: Sequence[Function] = (),
        vjp_forms: Sequence[Function] = (),
        outside: Mapping[str, Function] | None = None,
        where: str = "",
        cases: Any = None,
        special_values: str = "none",
        **frameworks: Any,
    ) -> None:
        said = parsed(signature, where)
        given = dict(domains or {})
        names = [a.name for a in said.inputs]
        for name in given:
            if name not in names:
                near = did_you_mean(name, names)
                raise InputError(f"domains: {said.op} takes {', '.join(names)}, got {name!r}{near}")
        every = [definition, *forms, *vjp_forms, *(outside or {}).values()]
        for function in every:
            if function is not None and not callable(function):
                raise InputError(f"{said.op}: expected a function as definition or form, got {function!r}")
        for name, function in frameworks.items():
            if function is not None and not callable(function) and not is_dotted(function):
                raise InputError(f"{name}: expected a function or its dotted name, got {function!r}")
        if cases is not None and not hasattr(cases, "example"):
            raise InputError(f"cases: expected a Hypothesis strategy of primals by name, got {cases!r}")
        if definition is None and len(said.outputs) > 1 and not isinstance(cases, _Elsewhere):
            raise InputError(f"definition: {said.op} has several outputs, and needs one")
        if special_values not in SPECIAL_VALUES:
            raise InputError(f"special_values: expected one of {', '.join(SPECIAL_VALUES)}, got {special_values!r}")
        open_ones = [a.name for a in said.inputs if a.axes is None and not given.get(a.name, REAL).forms]
        if cases is None and open_ones:
            raise InputError(f"signature: {said.op} does not say the axes of {open_ones[0]}; say them, or give cases=")
        if not any(given.get(name, REAL).differentiable for name in names):
            raise InputError(f"domains: {said.op} has no primal with a gradient")
        settings = {name: as_option(value) for name, value in (options or {}).items()}
        values = (
            *(said, definition, MappingProxyType(settings), MappingProxyType(given)),
            *(tuple(forms), tuple(vjp_forms), MappingProxyType(dict(outside or {}))),
            *(MappingProxyType({k: f for k, f in frameworks.items() if f is not None}), cases, special_values),
        )
        for key, value in zip(self.__dataclass_fields__, values, strict=True):
            object.__setattr__(self, key, value)

    @classmethod
    def bare(
        cls,
        name: str,
        primals: Sequence[str],
        differentiable: Sequence[str],
        options: Sequence[str] = (),
        outputs: Sequence[str] = ("output",),
    ) -> Op:
        """An op of which only the names are known: its outputs say what shape they have."""
        unmoved = Domain("whatever it was drawn from", differentiable=False)
        return cls(
            f"{name}({', '.join(primals)}) -> {', '.join(outputs)}",
            domains={p: unmoved for p in primals if p not in differentiable},
            options=dict.fromkeys(options),
            cases=_Elsewhere(),
        )

    def __repr__(self) -> str:
        return f"<op {self.signature}>"

    @property
    def name(self) -> str:
        """As reports and files have it."""
        return self.signature.op

    @property
    def primals(self) -> tuple[str, ...]:
        """The names of what it takes, in order."""
        return tuple(a.name for a in self.signature.inputs)

    @property
    def differentiable(self) -> tuple[str, ...]:
        """The primals that have a gradient."""
        return tuple(p for p in self.primals if self.domains.get(p, REAL).differentiable)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of its results: "output" of one array, and those of the signature where there are several."""
        found = self.signature.outputs
        return tuple(a.name for a in found) if len(found) > 1 else ("output",)

    @property
    def cotangents(self) -> tuple[str, ...]:
        """The name of each output's cotangent: "cotangent", or "cotangent_NAME" where there are several."""
        return tuple(f"cotangent_{name}" for name in self.outputs) if len(self.outputs) > 1 else ("cotangent",)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The differentiable primals after the first that are the same for all samples."""
        first, *others = self.signature.inputs
        samples = {"...", *(first.axes or ())[:1]}
        return tuple(a.name for a in others if a.axes and not samples & set(a.axes) and a.name in self.differentiable)

    @property
    def labels(self) -> str:
        """The primal that holds labels, in any of their forms; "" where none does."""
        return next((name for name, domain in self.domains.items() if domain.forms), "")

    @property
    def rows(self) -> str:
        """What rows of the first primal are drawn as: "logits", "probabilities", or "" for numbers by themselves."""
        return self.domains.get(self.primals[0], REAL).rows

    @property
    def has_one_primal(self) -> bool:
        """Whether it takes one array, of any real numbers, as an activation does."""
        return len(self.primals) == 1 and not self.domains and self.cases is None

    @property
    def has_logits_alone(self) -> bool:
        """Whether it takes rows of logits and nothing else, as a softmax does, and no loss."""
        return len(self.primals) == 1 and self.rows == "logits"

    @property
    def options(self) -> dict[str, Any]:
        """Every option with its default."""
        return {name: option.default for name, option in self.settings.items()}

    def output_shapes(self, shapes: Mapping[str, Shape], options: Mapping[str, Any]) -> tuple[Shape | None, ...]:
        """The shape of each output for primals of these shapes; None where nothing says it. InputError for a misfit."""
        for name, option in self.settings.items():
            option.check(name, options[name])
        sizes, leading = self.signature.sizes(shapes)
        for a in self.signature.inputs:
            forms = self.domains.get(a.name, REAL).shapes(sizes)
            if forms and shapes[a.name] not in forms.values():
                listed = " or ".join(f"{shape} ({what})" for what, shape in forms.items())
                raise InputError(f"{a.name}: expected shape {listed}, got {shapes[a.name]}")
        outputs = self.signature.outputs
        if all(a.axes is not None for a in outputs):
            return tuple(self.signature.shape_of(a, sizes, leading) for a in outputs)
        if self.definition is None:
            return (None,) * len(outputs)
        from .tracing import output_shapes  # the graphs, and what they load, only for a shape that must be traced

        return output_shapes(self, tuple(shapes.items()), tuple(options.items()))

    def by(self, form: Function) -> Op:
        """The op that the form defines, with no other: what an `outside` one computes, and how far it may be off."""
        said = self.signature
        return Op(str(said), definition=form, options=self.settings, domains=self.domains, where=said.where)

    def check_values(self, arrays: Mapping[str, Any]) -> None:
        """InputError where a primal holds what its domain does not: labels, whole numbers, booleans."""
        limited = {n: d for n, d in self.domains.items() if d.forms or d.kind != "real"}
        if not limited:
            return
        sizes = self.signature.sizes({n: a.shape for n, a in arrays.items()})[0]
        for name, domain in limited.items():
            if domain.forms:
                as_targets(arrays[name], *arrays[self.differentiable[0]].shape)
            elif self.cases is None:  # a strategy of the op's own knows what it draws
                domain.check(name, arrays[name], sizes)

    def function_in(self, framework: str) -> Function:
        """The framework's own op. InputError where its dotted name leads nowhere."""
        given = self.frameworks[framework]
        return imported(framework, given) if isinstance(given, str) else given  # type: ignore[no-any-return]


class _Elsewhere:
    """In the place of a strategy that this process has not seen."""

    def example(self) -> None:
        """There is none."""


def leaves_range(form: Function, *, alone: bool = False) -> Function:
    """Mark a form that sensible layers use although it overflows before others do: where it does nothing is claimed.

    Without the mark what the other forms claim there holds. alone: that is all it says, its bound counts for nothing.
    """
    form.leaves_range = "alone" if alone else "too"  # type: ignore[attr-defined]  # a function may carry anything
    return form
