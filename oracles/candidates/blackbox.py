"""What a process was at when it died: the case, the time its calls took, what it found; in a file that outlives it."""

from __future__ import annotations

import mmap
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reference import InputError

from ..data.case import Case

SIZE = 2**24  # sparse; what does not fit its half is not recorded
_TIMES = struct.Struct("<ddq")  # seconds of earlier calls, when this one started, 0 between two, and steps taken
_LENGTH = struct.Struct("<q")
_CASE, _FOUND = _TIMES.size, SIZE // 2


class BlackBox:
    """One file, written by the process that may die and read by the one that waits for it."""

    def __init__(self, path: Path) -> None:
        with path.open("a+b") as file:
            file.truncate(SIZE)
            self._map = mmap.mmap(file.fileno(), SIZE)

    def reset(self) -> None:
        """Nothing is in flight, nothing was found and no time was spent."""
        for at in (_CASE, _FOUND):
            _LENGTH.pack_into(self._map, at, 0)
        self._step(0.0, 0.0)

    @contextmanager
    def watch(self, case: Case) -> Iterator[None]:
        """Record that the case is what is worked on."""
        self._write(_CASE, case.to_json(short=True))
        self._step(*self._times)
        try:
            yield
        finally:
            self._step(*self._times)

    @contextmanager
    def call(self) -> Iterator[None]:
        """Record that the candidate is called, and how long it takes: its own time, whatever else a case costs."""
        spent, start = self._times[0], time.monotonic()
        self._step(spent, start)
        try:
            yield
        finally:
            self._step(spent + time.monotonic() - start, 0.0)

    def keep(self, *found: str) -> None:
        """Keep what was found, should the process end before it is told: the first of these texts that fits."""
        for text in found:
            if self._write(_FOUND, text):
                return

    @property
    def in_flight(self) -> bool:
        """Whether the candidate is being called."""
        return bool(self._times[1])

    @property
    def call_seconds(self) -> float:
        """The time that the call in flight has taken."""
        start = self._times[1]
        return float(time.monotonic() - start if start else 0.0)

    @property
    def seconds(self) -> float:
        """The time of all calls since the reset, the one in flight included."""
        return self._times[0] + self.call_seconds

    @property
    def steps(self) -> int:
        """A number that grows as long as anything goes on."""
        return int(_TIMES.unpack_from(self._map)[2])

    @property
    def found(self) -> str:
        """What was kept."""
        return self._read(_FOUND).decode(errors="replace")

    def case(self) -> Case | None:
        """The case that is worked on, or the last that was."""
        try:
            text = self._read(_CASE).decode()
            return Case.from_json(text) if text else None
        except (InputError, UnicodeDecodeError):  # the process wrote where it should not have
            return None

    def close(self) -> None:
        """Unmap the file."""
        self._map.close()

    @property
    def _times(self) -> tuple[float, float]:
        """The seconds of earlier calls, and when this one started."""
        spent, start, _ = _TIMES.unpack_from(self._map)
        return spent, start

    def _step(self, spent: float, start: float) -> None:
        _TIMES.pack_into(self._map, 0, spent, start, self.steps + 1)

    def _write(self, at: int, text: str) -> bool:
        data = text.encode()
        fits = len(data) <= SIZE // 2 - _TIMES.size - _LENGTH.size
        _LENGTH.pack_into(self._map, at, len(data) if fits else 0)
        if fits:
            self._map[at + _LENGTH.size : at + _LENGTH.size + len(data)] = data
        return fits

    def _read(self, at: int) -> bytes:
        (length,) = _LENGTH.unpack_from(self._map, at)
        return self._map[at + _LENGTH.size : at + _LENGTH.size + max(0, length)]
