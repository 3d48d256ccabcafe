"""Which axis of which array is the same: from the op's signature, for one case."""

from __future__ import annotations

from collections.abc import Mapping

from ..data.arrays import Array
from ..data.case import Case

Label = str | None  # an axis by its name, a leading one by its number ("...0"); None for one of a fixed length


def labels(case: Case) -> dict[str, tuple[Label, ...]]:
    """The axes of each array; none are known of one whose signature leaves them open."""
    op, signature = case.signature, case.signature.signature
    found: dict[str, tuple[Label, ...]] = {}
    for a in signature.inputs:
        domain = op.domains.get(a.name)
        if a.axes is not None:
            found[a.name] = _expanded(a.axes, case.primals[a.name].ndim)
        elif domain is not None and domain.forms:  # a label a sample, or a row of weights
            found[a.name] = (signature.axes[0], domain.high if isinstance(domain.high, str) else None)
            found[a.name] = found[a.name][: case.primals[a.name].ndim]
        else:
            found[a.name] = (None,) * case.primals[a.name].ndim
    for output, (name, g) in zip(signature.outputs, case.cotangents.items(), strict=True):
        first = found[signature.inputs[0].name]
        if output.axes is not None:
            found[name] = _expanded(output.axes, g.ndim)
        else:  # a loss of each sample, or of each element
            found[name] = first[: g.ndim] if g.ndim <= len(first) else (None,) * g.ndim
    return found


def _expanded(axes: tuple[str, ...], ndim: int) -> tuple[Label, ...]:
    leading = tuple(f"...{i}" for i in range(ndim - sum(axis != "..." for axis in axes)))
    return tuple(
        label for axis in axes for label in (leading if axis == "..." else (None,) if axis.isdigit() else (axis,))
    )


def shared_axes(case: Case) -> tuple[Mapping[str, tuple[int, ...]], ...]:
    """Every axis of the case, as the axes it is of each array that has it."""
    by_label: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, of in labels(case).items():
        for at, label in enumerate(of):
            if label is not None:
                there = by_label.setdefault(label, {})
                there[name] = (*there.get(name, ()), at)
    return tuple(by_label.values())


def by_sample(case: Case) -> dict[str, Array]:
    """The arrays along the first axis of the first primal; none where it has none, or one has it elsewhere."""
    of, axes = labels(case), case.signature.signature.inputs[0].axes
    first = next(iter(of[case.signature.primals[0]]), None)
    if axes and axes[0] == "..." and first != "...0":  # a row alone has no samples
        return {}
    if first is None or any(first in row[1:] for row in of.values()):
        return {}
    return {name: a for name, a in case.arrays.items() if of[name][:1] == (first,)}


def sizes(case: Case) -> dict[str, int]:
    """The sizes of the case by letter; N is the number of samples in the leading axes, "size" where nothing else is."""
    signature = case.signature.signature
    if not signature.axes and not any("..." in (a.axes or ()) for a in signature.inputs):
        return {}
    named, leading = signature.sizes({n: a.shape for n, a in case.primals.items()})
    if not any("..." in (a.axes or ()) for a in signature.inputs):
        return named
    count = 1
    for n in leading:
        count *= n
    return {"N": count, **named} if named else {"size": count}


def letters(case: Case, result: str) -> tuple[str, ...]:
    """The letters of a result's axes, as in `sizes`; "1" for one of a fixed length, "" for one of several leading."""
    outputs = dict(zip(case.signature.outputs, case.cotangents, strict=True))
    of = labels(case)[outputs.get(result) or result.removeprefix("d")]
    leading = [label for label in of if label is not None and label.startswith("...")]
    if len(leading) == len(of) and len(of) <= 2:  # nothing but leading axes: rows and columns
        return ("N", "C")[: len(of)]
    alone = "N" if len(leading) == 1 else ""
    return tuple("1" if label is None else alone if label.startswith("...") else label for label in of)
