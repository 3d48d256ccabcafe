"""Words for people: what a mistyped name was meant to be, and texts of others that are safe to show."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(given: object, known: Iterable[object]) -> str:
    """What to append to a message on an unknown name: "; did you mean relu?", or nothing where no name is near."""
    names = [str(name) for name in known]
    text = str(given)
    near = [name for name in names if name.lower() == text.lower()] or get_close_matches(text, names, 3, 0.5)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def printable(text: str) -> str:
    """The text with what a terminal would obey, or a file could not hold, escaped: all but lines, tabs and characters.

    For texts of candidates and of files: control characters, marks of direction, halves of surrogate pairs.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)
