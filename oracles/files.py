"""Texts of files from anywhere: read whole, never more than a limit, and with the file's name in every error."""

from __future__ import annotations

from pathlib import Path

from reference import InputError

LARGEST = 2**27  # bytes: a case of ten million float64 elements


def named(error: InputError, path: str | Path) -> InputError:
    """The error with the file's name before it, once."""
    return error if str(error).startswith(f"{path}: ") else InputError(f"{path}: {error}")


def read_text(path: str | Path, *, largest: int = LARGEST) -> str:
    """The text of a file. Raises InputError, which names it, where it cannot be read, is too large, or is not UTF-8."""
    try:
        with open(path, "rb") as file:  # a pipe or a device has no size: what comes is counted
            content = file.read(largest + 1)
    except (OSError, ValueError) as error:  # ValueError: a name with a null in it
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    if len(content) > largest:
        raise InputError(f"{path}: over {largest} bytes, more than such a file has")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text: {error}") from None
