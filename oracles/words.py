"""Words for people: what a mistyped name was meant to be, and texts of others that are safe to show."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(given: object, known: Iterable[object]) -> str:
    """What to append to a message on an unknown name: "; did you mean relu?", or nothing where no name is near."""
    names = [str(name) for name in known]
    text = str(given)
    same = [name for name in names if name.lower() == text.lower()]
    near = same or [*dict.fromkeys([*_joined_otherwise(text, names), *get_close_matches(text, names, 3, 0.5)])][:3]
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _joined_otherwise(text: str, names: list[str]) -> list[str]:
    """The names of the same words: "SoftmaxCrossEntropy" is softmax_cross_entropy."""
    plain = [name.lower().replace("_", "").replace("-", "") for name in (text, *names)]
    return [name for name, one in zip(names, plain[1:], strict=True) if one == plain[0]]


def printable(text: str) -> str:
    """The text with what a terminal would obey, or a file could not hold, escaped: all but lines, tabs and characters.

    For texts of candidates and of files: control characters, marks of direction, halves of surrogate pairs.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)
