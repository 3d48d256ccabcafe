"""Words for those who mistyped a name: what was meant, where a known name is near."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(given: object, known: Iterable[object]) -> str:
    """What to append to a message on an unknown name: "; did you mean relu?", or nothing where no name is near."""
    names = [str(name) for name in known]
    text = str(given)
    near = [name for name in names if name.lower() == text.lower()] or get_close_matches(text, names, 3, 0.5)
    return f"; did you mean {' or '.join(near)}?" if near else ""
