"""`backproof ops`: the ops there are, and what one of them is."""

from __future__ import annotations

import inspect

import click

from ..ops import OPS, get_op, known_ops
from ..sources.primals import computed_by
from ..sources.registry import available, names
from . import completion
from .terminal import misuse, page


@click.command(short_help="The ops there are, and what one of them is.")
@click.argument("name", required=False, shell_complete=completion.ops)
@misuse
def ops(name: str | None) -> None:
    """The ops there are; or of one its signature, definition, forms, options and domains, and who computes it.

    NAME may be FILE.py:OP, an Op of your own.

    \b
    backproof ops
    backproof ops layer_norm
    backproof ops my_ops.py:MY_NORM
    """  # noqa: D301  (click wants the character)
    console = page()
    if name is None:
        for known in known_ops():
            reference = "" if known not in OPS else "  with a reference"
            console.print(f"{get_op(known).signature}{reference}", markup=False, highlight=False)
        return
    from ..candidates.target import find_op

    op = find_op(name)
    lines = [str(op.signature)]
    lines += [f"where: {op.signature.where}"] if op.signature.where else []
    for option, setting in op.settings.items():
        others = f", of {', '.join(map(repr, setting.choices))}" if setting.choices else ""
        lines.append(f"option {option}: {setting.default!r}{others}")
    lines += [f"{primal}: {domain.name}" for primal, domain in op.domains.items()]
    lines.append(f"gradients: {', '.join(op.differentiable)}")
    for what, forms in (("form", op.forms), ("form of the gradient", op.vjp_forms)):
        lines += [f"{what}: {_said(form)}" for form in forms]
    lines += [f"outside: {what}" for what in op.outside]
    there = available()
    for oracle in names():
        absent = "" if oracle in there else ", not installed"
        lines.append(f"{oracle}: {computed_by(op, oracle)}{absent}")
    if op.definition is not None:
        lines += ["", *_source(op.definition)]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _said(form: object) -> str:
    """A form's name, and the first line of what is said of it."""
    name = getattr(form, "__name__", repr(form))
    first = (inspect.getdoc(form) or "").partition("\n")[0]
    return f"{name}: {first}" if first else name


def _source(function: object) -> list[str]:
    try:
        return inspect.getsource(function).rstrip().splitlines()  # type: ignore[arg-type]  # what has none raises
    except (OSError, TypeError):
        return [f"definition: {function!r}"]
