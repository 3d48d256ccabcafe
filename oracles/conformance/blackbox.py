"""What a process was at when it died: the case in flight and the time it took, in a file that outlives it."""

from __future__ import annotations

import mmap
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reference import InputError

from ..case import Case

SIZE = 2**23  # sparse; a case that does not fit is not recorded
_TIMES = struct.Struct("<dd")  # seconds spent on earlier cases, and when this one started, 0 between two
_LENGTH = struct.Struct("<q")
_TEXT = _TIMES.size + _LENGTH.size


class BlackBox:
    """One file, written by the process that may die and read by the one that waits for it."""

    def __init__(self, path: Path) -> None:
        with path.open("a+b") as file:
            file.truncate(SIZE)
            self._map = mmap.mmap(file.fileno(), SIZE)

    def reset(self) -> None:
        """Nothing is in flight and no time was spent."""
        self._map[:_TEXT] = bytes(_TEXT)

    @contextmanager
    def watch(self, case: Case) -> Iterator[None]:
        """Record that the case is in flight, and how long it takes."""
        text = case.to_json(short=True).encode()
        fits = len(text) <= SIZE - _TEXT
        _LENGTH.pack_into(self._map, _TIMES.size, len(text) if fits else 0)
        if fits:
            self._map[_TEXT : _TEXT + len(text)] = text
        spent, start = _TIMES.unpack_from(self._map)[0], time.monotonic()
        _TIMES.pack_into(self._map, 0, spent, start)
        try:
            yield
        finally:
            _TIMES.pack_into(self._map, 0, spent + time.monotonic() - start, 0.0)

    @property
    def in_flight(self) -> bool:
        """Whether a case is."""
        return bool(_TIMES.unpack_from(self._map)[1])

    @property
    def seconds(self) -> float:
        """The time spent on cases since the reset, the one in flight included."""
        spent, start = _TIMES.unpack_from(self._map)
        return float(spent + (time.monotonic() - start if start else 0.0))

    def case(self) -> Case | None:
        """The case in flight, or the last that was."""
        (length,) = _LENGTH.unpack_from(self._map, _TIMES.size)
        try:
            return Case.from_json(self._map[_TEXT : _TEXT + length].decode()) if length else None
        except (InputError, UnicodeDecodeError):  # the process wrote where it should not have
            return None

    def close(self) -> None:
        """Unmap the file."""
        self._map.close()
