"""A case: one op, its concrete primals, the cotangent of its output, and its options. Everything an oracle needs.

- Frozen; the arrays are copies of what was given, in the same memory layout. Who may write to them is handed a copy.
- Prints as code that makes it again to the bit, after `from oracles.data.case import *`.
- Travels as JSON data, never as pickle.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy import inf, nan
from numpy.typing import ArrayLike

from reference import InputError
from reference._arrays import shown

from ..ops import OPS, Op, get_op, undeclared
from .arrays import FLOAT_DTYPES, Array, array, code, element_strides, from_data, packed, same_bits, strided, to_data
from .files import named, parsed, read_text
from .recipe import Recipe

__all__ = ["Case", "Recipe", "array", "inf", "nan", "packed", "strided"]

FORMAT = 1
SHOWN = 100  # elements that a case shows one by one; larger arrays go by their recipes, where they have one


@dataclass(frozen=True, eq=False)
class Case:
    """One concrete set of primals and cotangent for an op.

    op: its name, or for an op that is not declared here its signature. primals: a mapping by name, or a sequence in
    the op's order, of arrays or Recipes. cotangent: of the output's shape; of several outputs a mapping by their names,
    or a tuple in their order. options: those of the op, such as reduction="none" for the losses. Raises InputError.
    """

    op: str
    primals: Mapping[str, Array]
    cotangents: Mapping[str, Array]  # "cotangent", or "cotangent_NAME" of each of several outputs
    options: Mapping[str, Any] = field(default_factory=dict)
    recipes: Mapping[str, Recipe] = field(default_factory=dict, init=False, repr=False)
    signature: Op = field(init=False, repr=False)  # the op's names and shapes

    def __init__(
        self,
        op: str | Op,
        primals: Mapping[str, ArrayLike | Recipe] | Sequence[ArrayLike | Recipe],
        cotangent: ArrayLike | Recipe | Mapping[str, ArrayLike | Recipe] | Sequence[ArrayLike | Recipe],
        options: Mapping[str, Any] | None = None,
    ) -> None:
        signature = op if isinstance(op, Op) else get_op(op)
        given = _by_name(signature, primals) | _cotangents(signature, cotangent)
        arrays = {name: _array(name, value) for name, value in given.items()}
        settings = _options(signature, options or {})
        cotangents = {name: arrays.pop(name) for name in signature.cotangents}
        shapes = signature.output_shapes({name: a.shape for name, a in arrays.items()}, settings)
        for (name, g), shape in zip(cotangents.items(), shapes, strict=True):
            if shape not in (None, g.shape):
                raise InputError(f"{name}: expected shape {shape}, that of the output of {op}, got {g.shape}")
        signature.check_values(arrays)
        floats = {name: arrays[name].dtype for name in signature.differentiable}
        floats |= {name: g.dtype for name, g in cotangents.items()}
        for name, dtype in floats.items():
            if dtype.name not in FLOAT_DTYPES:
                raise InputError(f"{name}: expected one of {', '.join(FLOAT_DTYPES)}, got dtype {dtype}")
        if len(set(floats.values())) > 1:
            listed = ", ".join(f"{name} {dtype}" for name, dtype in floats.items())
            raise InputError(f"dtype: expected one for all of a case, got {listed}")
        recipes = {name: value for name, value in given.items() if isinstance(value, Recipe)}
        held = {"primals": arrays, "cotangents": cotangents, "options": settings, "recipes": recipes}
        values = {"op": signature.name, "signature": signature} | {n: MappingProxyType(x) for n, x in held.items()}
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def of(self, op: Op) -> Case:
        """The same case of the op as it is declared by now; the case itself where it is. Raises InputError."""
        return self if op is self.signature else self.with_arrays(self.recipes, op)

    @property
    def arrays(self) -> dict[str, Array]:
        """The primals and the cotangents by name."""
        return {**self.primals, **self.cotangents}

    @property
    def cotangent(self) -> Array:
        """That of the output; of several outputs that of the first."""
        return next(iter(self.cotangents.values()))

    def with_arrays(self, arrays: Mapping[str, ArrayLike | Recipe], op: Op | None = None) -> Case:
        """The case with others in the place of some of its arrays, of its op or another like it. Raises InputError."""
        given: dict[str, Any] = {**self.arrays, **arrays}
        outputs = zip(self.signature.outputs, self.cotangents, strict=True)
        cotangents = {output: given.pop(name) for output, name in outputs}
        return Case(op or self.signature, given, cotangents, self.options)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the output: that of the first differentiable primal."""
        return self.primals[self.signature.differentiable[0]].dtype

    @property
    def size(self) -> int:
        """The number of elements of the primals and the cotangents."""
        return sum(a.size for a in self.arrays.values())

    def __eq__(self, other: object) -> bool:
        """The same op and options, and arrays with the same bits in the same layout."""
        if not isinstance(other, Case):
            return NotImplemented
        mine, others = self.arrays, other.arrays
        return (self.op, dict(self.options), list(mine)) == (other.op, dict(other.options), list(others)) and all(
            same_bits(a, b) and element_strides(a) == element_strides(b) and a.flags.writeable == b.flags.writeable
            for a, b in zip(mine.values(), others.values(), strict=True)
        )

    __hash__ = None  # type: ignore[assignment]  # holds arrays; equality is by their bits

    def __repr__(self) -> str:
        primals = ", ".join(f"{name!r}: {self._code(name, a)}" for name, a in self.primals.items())
        options = {k: v for k, v in self.options.items() if v != self.signature.options[k]}
        tail = f", {options!r}" if options else ""
        cotangents = [self._code(name, a) for name, a in self.cotangents.items()]
        cotangent = cotangents[0] if len(cotangents) == 1 else f"({', '.join(cotangents)})"
        return f"Case({self.op!r}, {{{primals}}}, {cotangent}{tail})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Between processes it travels as JSON too."""
        return Case.from_json, (self.to_json(short=True),)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What Hypothesis and IPython print: the code, not the fields."""
        printer.text(repr(self))

    def _code(self, name: str, a: Array) -> str:
        return repr(self.recipes[name]) if name in self.recipes and a.size > SHOWN else code(a)

    def to_json(self, *, short: bool = False) -> str:
        """The case as JSON text: exact, standard (no bare NaN), and data only. short: arrays by their recipes alone."""
        arrays = {name: self._data(name, a, short) for name, a in self.arrays.items()}
        cotangents = {name: arrays.pop(name) for name in self.cotangents}
        data = {"format": FORMAT, "op": self.op, "primals": arrays, "options": dict(self.options)}
        if len(cotangents) > 1:
            cotangents = {"cotangents": dict(zip(self.signature.outputs, cotangents.values(), strict=True))}
        data |= cotangents
        if self.op not in OPS:  # who reads it may not have declared the op
            data["differentiable"] = list(self.signature.differentiable)
        return json.dumps(data, allow_nan=False)

    def _data(self, name: str, a: Array, short: bool) -> dict[str, Any]:
        if name not in self.recipes or not (short or a.size > SHOWN):
            return to_data(a)
        recipe = {"recipe": self.recipes[name].to_data()}
        return recipe if short else to_data(a) | recipe

    @classmethod
    def from_json(cls, text: str) -> Case:
        """The case that `to_json` wrote. Raises InputError, which names the field that is not as it should be."""
        data = parsed(text, "case")
        if not isinstance(data, dict) or data.get("format") is not FORMAT:  # True equals 1
            raise InputError(f'case: expected an object with "format": {FORMAT}')
        unknown = set(data) - {"format", "op", "primals", "cotangent", "cotangents", "options", "differentiable"}
        if unknown:
            raise InputError(f"case: there is no field {shown(min(unknown))}")
        primals, options, several = (data.get(name, {}) for name in ("primals", "options", "cotangents"))
        if not all(isinstance(part, dict) for part in (primals, options, several)):
            raise InputError("case: expected objects for primals, options and cotangents")
        arrays = {str(name): _from_data(a, f"primals.{name}") for name, a in primals.items()}
        op = undeclared(data) if "differentiable" in data else data.get("op", "")
        cotangents = {str(name): _from_data(a, f"cotangents.{name}") for name, a in several.items()}
        return cls(op, arrays, cotangents or _from_data(data.get("cotangent"), "cotangent"), options)

    def save(self, path: str | Path) -> None:
        """Write `to_json` to a file."""
        Path(path).write_text(self.to_json() + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Case:
        """Read a file that `save` wrote. Raises InputError, which names the file."""
        try:
            return cls.from_json(read_text(path))
        except InputError as error:
            raise named(error, path) from None


def _by_name(
    op: Op, primals: Mapping[str, ArrayLike | Recipe] | Sequence[ArrayLike | Recipe]
) -> dict[str, ArrayLike | Recipe]:
    if not isinstance(primals, Mapping):
        if not isinstance(primals, (list, tuple)):
            raise InputError(f"primals: expected a mapping or a sequence of arrays, got {type(primals).__name__}")
        if len(primals) != len(op.primals):
            raise InputError(f"primals: {op.name} takes {', '.join(op.primals)}, got {len(primals)} of them")
        return dict(zip(op.primals, primals, strict=True))
    if set(primals) != set(op.primals):
        raise InputError(f"primals: {op.name} takes {', '.join(op.primals)}, got {', '.join(map(str, primals))}")
    return {name: primals[name] for name in op.primals}


def _cotangents(op: Op, given: Any) -> dict[str, ArrayLike | Recipe]:
    """Those of the outputs under the names that their arrays have in a case."""
    if isinstance(given, Mapping) and set(given) == set(op.outputs):
        return {at: given[name] for name, at in zip(op.outputs, op.cotangents, strict=True)}
    if len(op.outputs) == 1:
        return {"cotangent": given}
    if not isinstance(given, (tuple, list)) or len(given) != len(op.outputs):
        raise InputError(f"cotangent: expected one for each of {', '.join(op.outputs)}, got {shown(given)}")
    return dict(zip(op.cotangents, given, strict=True))


def _array(name: str, value: ArrayLike | Recipe) -> Array:
    if isinstance(value, Recipe):
        return value.build(f"{name}.recipe")
    try:
        a = np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:
        raise InputError(f"{name}: expected an array of numbers ({error})") from None
    if a.dtype.kind not in "iubf" and a.dtype.name != "bfloat16":
        raise InputError(f"{name}: expected numbers, got dtype {a.dtype} in {' '.join(repr(value).split())[:60]}")
    if a.dtype.kind == "f" and a.dtype.name not in FLOAT_DTYPES:
        raise InputError(f"{name}: expected one of {', '.join(FLOAT_DTYPES)}, got dtype {a.dtype}")
    if not a.dtype.isnative:
        a = a.astype(a.dtype.newbyteorder("="))
    return strided(a, element_strides(a), writeable=bool(a.flags.writeable))


def _from_data(data: object, field: str) -> Array | Recipe:
    """An array, or the recipe it was made by, which must then make the same bits."""
    if not isinstance(data, dict) or "recipe" not in data:
        return from_data(data, field)
    recipe = Recipe.from_data(data["recipe"], f"{field}.recipe")
    if "dtype" in data and not same_bits(recipe.build(f"{field}.recipe"), from_data(data, field)):
        raise InputError(f"{field}.recipe: it does not make the values of {field}")
    return recipe


def _options(op: Op, options: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(options) - set(op.options)
    if unknown:
        taken = ", ".join(op.options) or "none"
        raise InputError(f"options: {op.name} takes {taken}, got {', '.join(sorted(map(str, unknown)))}")
    plain = {k: v.item() if isinstance(v, np.generic) else v for k, v in options.items()}
    return {**op.options, **plain}
