"""Failures as people read them: those that are one bug are told once, in a few lines that fit a terminal.

The one place where the text of a failure is made, for a terminal, for pytest and for GitHub. What is cut here is whole
in `Verdict.case`, in JSON, in a saved case and in a run with `--verbose`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from textwrap import wrap

from ..claims.verdicts import Verdict, distinct
from ..data.arrays import Array, code, element_strides, is_plain, number
from ..data.case import Case
from ..words import printable

WIDTH = 120  # columns
LINES = 14  # of a bug: with what pytest prints around it, a failure has no more than 25
MESSAGE = 4  # of those, for what was seen; and for a cause
SHAPES = r"shape \([\d, ]*\) in the place of \([\d, ]*\)"


def bugs(failures: Sequence[Verdict]) -> list[tuple[Verdict, ...]]:
    """The distinct failures of each bug: those of one cause, and of those that nobody can explain, of one symptom."""
    found: dict[tuple[str, ...], list[Verdict]] = {}
    for verdict in distinct(failures):
        found.setdefault(bug_key(verdict), []).append(verdict)
    return [tuple(group) for group in found.values()]


def bug_key(verdict: Verdict) -> tuple[str, ...]:
    """What is the same of all failures that are one bug."""
    known = verdict.cause and not verdict.cause.startswith("unexplained")
    cause = re.sub(SHAPES, "shape", verdict.cause)  # one bug has other shapes in other cases
    return verdict.op, verdict.layer, *((cause,) if known else verdict.symptom or (verdict.message,))


def bug_text(bug: Sequence[Verdict], *, width: int = WIDTH, after: int = 0) -> str:
    """The first failure of a bug, and in which other claims and dtypes it is seen; in LINES lines of that width.

    after: columns of the first line that something else takes.
    """
    first = bug[0]
    said = _wrapped(f"{first.status}: {first.layer}, {first.check}, {first.dtype}: {first.message}", width, after)
    said += _wrapped(f"  cause: {first.cause}", width) if first.cause else []
    also = claims(bug[1:])
    said += _wrapped(f"  also in: {also}", width) if also else []
    shown = [("after", case) for case in first.earlier] + [("case", case) for case in (first.case,) if case is not None]
    for i, (label, case) in enumerate(shown):
        said += _case(case, label, max(3, (LINES - len(said)) // (len(shown) - i)), width)
    return "\n".join(said if len(said) <= LINES else [*said[: LINES - 1], "  …"])


def dispute_text(verdict: Verdict, *, width: int = WIDTH) -> str:
    """Who is outside their own bound, by how much and on which case, in lines of that width."""
    said = _wrapped(f"{verdict.oracle} on {verdict.op}, {verdict.dtype}: {verdict.message}", width)
    return "\n".join(said + ([] if verdict.case is None else _case(verdict.case, "case", LINES - len(said), width)))


def wrapped(text: str, *, width: int = WIDTH) -> str:
    """A line that may be long, in several."""
    return "\n".join(_wrapped(text, width))


def whole(verdict: Verdict) -> str:
    """One failure with nothing left out, and the code that shows it in a fresh interpreter."""
    return "\n".join(filter(None, (str(verdict), verdict.snippet)))


def claims(failures: Sequence[Verdict]) -> str:
    """Claims with their dtypes: "values (float32, float64), sizes (float32)"."""
    dtypes: dict[str, dict[str, None]] = {}
    for verdict in failures:
        dtypes.setdefault(verdict.check, {})[verdict.dtype] = None
    return ", ".join(f"{check} ({', '.join(found)})" for check, found in dtypes.items())


def _case(case: Case, label: str, lines: int, width: int) -> list[str]:
    """A case as code in a line, where it fits; otherwise a line an array, the long ones cut."""
    whole = f"  {label}: {case!r}"
    if len(whole) <= width:
        return [whole]
    options = {k: v for k, v in case.options.items() if v != case.signature.options[k]}
    said = _wrapped(f"  {label}: {case.op}" + "".join(f", {k}={v!r}" for k, v in options.items()), width)
    said += [f"    {name} = {_array(case, name, a, width - len(name) - 7)}" for name, a in case.arrays.items()]
    return said if len(said) <= lines else [*said[: lines - 1], "    …"]


def _array(case: Case, name: str, a: Array, room: int) -> str:
    """An array as code, whole or by its recipe; where neither fits, its dtype, shape and first numbers."""
    texts = [code(a)] if a.size <= room else []
    texts += [repr(case.recipes[name])] if name in case.recipes else []
    for text in texts:
        if len(text) <= room:
            return text
    layout = "" if is_plain(a) else f", strides {element_strides(a)}"
    said = f"<{a.dtype} {a.shape}{layout}: "
    for value in a.ravel()[:room].tolist():
        more = f"{said}{number(value, a.dtype)}, "
        if len(more) + 2 > room:
            break
        said = more
    return f"{said}…>"


def _wrapped(text: str, width: int, after: int = 0) -> list[str]:
    """A text in lines of the width; one that takes too many is cut."""
    lines = wrap(
        printable(text),
        width,
        initial_indent=" " * after,
        subsequent_indent="    ",
        max_lines=MESSAGE,
        placeholder=" …",
    )
    return [lines[0][after:], *lines[1:]] if lines else [""]
