"""Texts of files from anywhere: read whole, never more than a limit, and with the file's name in every error.

JSON is read strictly: a name is given once, and numbers are those of the standard.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

from reference import InputError

LARGEST = 2**27  # bytes: a case of ten million float64 elements


def named(error: InputError, path: str | Path) -> InputError:
    """The error with the file's name before it, once."""
    return error if str(error).startswith(f"{path}: ") else InputError(f"{path}: {error}")


def read_bytes(path: str | Path, most: int) -> bytes:
    """The first bytes of a file, at most so many. Raises InputError, which names it, where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(most)
    except (OSError, ValueError) as error:  # ValueError: a name with a null in it
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def read_text(path: str | Path, *, largest: int = LARGEST) -> str:
    """The text of a file. Raises InputError, which names it, where it cannot be read, is too large, or is not UTF-8."""
    content = read_bytes(path, largest + 1)  # a pipe or a device has no size: what comes is counted
    if len(content) > largest:
        raise InputError(f"{path}: over {largest} bytes, more than such a file has")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text: {error}") from None


def parsed(text: str, what: str) -> Any:
    """The JSON value that the text holds. Raises InputError, which names `what`."""
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_number)
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(f"{what}: not JSON: {error}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} is given twice")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f'{text} is no number; write "nan", "inf" or "-inf"')
