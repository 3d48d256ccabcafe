"""What an op takes and gives, as text: `layer_norm(inputs[..., C], weight[C], bias[C]) -> output[..., C]`.

An axis is a name, a number, or "..." for any number of leading axes. The same name is the same size. An output without
axes has its shape from the definition; an input without axes has any shape its domain says.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass

from reference import InputError

Shape = tuple[int, ...]
_ARRAY = re.compile(r"\s*([A-Za-z_]\w*)\s*(?:\[([^\]]*)\])?\s*(,|$)")
_TEXT = re.compile(r"^\s*([A-Za-z_]\w*)\s*\((.*)\)\s*->\s*(.*?)\s*$", re.DOTALL)


@dataclass(frozen=True)
class Named:
    """An array of a signature: its name and its axes; None where the signature leaves them open."""

    name: str
    axes: tuple[str, ...] | None

    @property
    def rank(self) -> int:
        """How many axes it has at least."""
        return 0 if self.axes is None else sum(axis != "..." for axis in self.axes)

    def __str__(self) -> str:
        return self.name if self.axes is None else f"{self.name}[{', '.join(self.axes)}]"


@dataclass(frozen=True)
class Signature:
    """An op's name, what it takes and what it gives, and the condition on its axes."""

    op: str
    inputs: tuple[Named, ...]
    outputs: tuple[Named, ...]
    where: str = ""

    def __str__(self) -> str:
        return f"{self.op}({', '.join(map(str, self.inputs))}) -> {', '.join(map(str, self.outputs))}"

    @property
    def axes(self) -> tuple[str, ...]:
        """The names of the axes, in the order in which they are first used."""
        every = [axis for a in (*self.inputs, *self.outputs) for axis in a.axes or ()]
        return tuple(dict.fromkeys(axis for axis in every if axis != "..." and not axis.isdigit()))

    def sizes(self, shapes: Mapping[str, Shape]) -> tuple[dict[str, int], Shape]:
        """The size of each axis, and the leading axes, of inputs of these shapes. InputError where they do not fit."""
        found: dict[str, int] = {}
        of: dict[str, str] = {}
        leading: Shape | None = None
        for array in self.inputs:
            if array.axes is None:
                continue
            shape, rank = shapes[array.name], array.rank
            lead = len(shape) - rank
            if lead < 0 or (lead and "..." not in array.axes):
                raise InputError(f"{array.name}: expected {_ranks(array)}, got shape {shape}")
            if "..." in array.axes:
                at = array.axes.index("...")
                given = shape[at : at + lead]
                if leading is not None and given != leading:
                    raise InputError(f"{array.name}: expected leading axes {leading}, got shape {shape}")
                leading = given
                shape = shape[:at] + shape[at + lead :]
            for axis, n in zip((a for a in array.axes if a != "..."), shape, strict=True):
                wanted = int(axis) if axis.isdigit() else found.setdefault(axis, n)
                if n != wanted:
                    by = f"; {axis} is {wanted} by {of[axis]}" if axis in of else ""
                    shown = self.shape(array, found, leading)
                    raise InputError(f"{array.name}: expected shape {shown}, got {shapes[array.name]}{by}")
                of.setdefault(axis, array.name)
        if self.where and not holds(self.where, found):
            listed = ", ".join(f"{axis} {n}" for axis, n in found.items())
            raise InputError(f"{self.op}: expected {self.where}, got {listed}")
        return found, leading or ()

    def shape(self, array: Named, sizes: Mapping[str, int], leading: Shape | None) -> str:
        """The shape an array should have, as text, with the names of what is not known."""
        parts = [
            part
            for axis in array.axes or ()
            for part in ([*map(str, leading or ())] if axis == "..." else [str(sizes.get(axis, axis))])
        ]
        return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"

    def shape_of(self, array: Named, sizes: Mapping[str, int], leading: Shape) -> Shape:
        """The shape an array has with these sizes."""
        found: list[int] = []
        for axis in array.axes or ():
            found += leading if axis == "..." else [int(axis) if axis.isdigit() else sizes[axis]]
        return tuple(found)


def parsed(text: str, where: str = "") -> Signature:
    """The signature that the text says. InputError shows what is not as it should be."""
    whole = _TEXT.match(text)
    if not whole:
        raise InputError(f"signature: expected name(inputs[N, C], ...) -> output[N, C], got {text!r}")
    op, inputs, outputs = whole[1], _arrays(whole[2], text), _arrays(whole[3], text)
    names = [a.name for a in (*inputs, *outputs)]
    if not inputs or not outputs or len(set(names)) < len(names):
        raise InputError(f"signature: expected distinct names of inputs and outputs, at least one each, got {text!r}")
    if any(name.partition("_")[0] == "cotangent" for name in names):
        raise InputError(f"signature: the cotangent comes with each output; give the array another name, in {text!r}")
    clash = {f"d{a.name}" for a in inputs} & {a.name for a in outputs}
    if clash:
        raise InputError(f"signature: {min(clash)} is a gradient's name; give the output another, in {text!r}")
    found = Signature(op, inputs, outputs, where)
    known = {axis for a in inputs for axis in a.axes or ()}
    unknown = [axis for a in outputs for axis in a.axes or () if axis not in known and not axis.isdigit()]
    if unknown:
        raise InputError(f"signature: axis {unknown[0]} of the output is none of an input's, in {text!r}")
    if where:
        holds(where, dict.fromkeys(found.axes, 1))
    return found


def _arrays(text: str, whole: str) -> tuple[Named, ...]:
    found, at = [], 0
    while at < len(text):
        part = _ARRAY.match(text, at)
        if not part or (part[3] == "," and part.end() == len(text)):
            raise InputError(f"signature: expected names with axes in brackets, got {text[at:].strip()!r} in {whole!r}")
        axes = None if part[2] is None else tuple(a.strip() for a in part[2].split(",") if a.strip())
        odd = [a for a in axes or () if not (a == "..." or a.isidentifier() or a.isdigit())]
        if odd or (axes or ()).count("...") > 1:
            raise InputError(f"signature: expected axes like N, 1 or one ..., got {part[2]!r} in {whole!r}")
        found.append(Named(part[1], axes))
        at = part.end()
    return tuple(found)


def _ranks(array: Named) -> str:
    many = f"{array.rank} dimension{'' if array.rank == 1 else 's'}"
    return f"at least {many}" if "..." in (array.axes or ()) else many


_ALLOWED = (
    *(ast.Expression, ast.Compare, ast.BoolOp, ast.And, ast.Or, ast.BinOp, ast.Name, ast.Constant, ast.Load),
    *(ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq),
)


def holds(condition: str, sizes: Mapping[str, int]) -> bool:
    """Whether a condition on axes, such as "K <= L", holds. InputError where it is none."""
    try:
        tree = ast.parse(condition, mode="eval")
    except SyntaxError:
        raise InputError(f"where: expected a comparison of axes, like K <= L, got {condition!r}") from None
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    if not all(isinstance(n, _ALLOWED) for n in ast.walk(tree)) or not names <= set(sizes):
        known = ", ".join(sizes) or "none"
        raise InputError(f"where: expected a comparison of the axes ({known}), like K <= L, got {condition!r}")
    return bool(eval(compile(tree, "where", "eval"), {"__builtins__": {}}, dict(sizes)))
