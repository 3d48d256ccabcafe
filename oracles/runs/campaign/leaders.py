"""The cases with the highest margins so far, a few for each source and result: what mutation starts from."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from ...data.case import Case

PLACES = 6  # cases kept of a source and result
LARGEST = 2000  # elements of a case that is worth mutating: larger ones cost what hundreds of small ones do


@dataclass(frozen=True)
class Leader:
    """A case and its margin, as seen by one source in one result."""

    source: str
    result: str
    margin: float
    case: Case


class Leaders:
    """A few cases a source and result, no two with the same margin: they would be the same case in another layout.

    Only margins up to 1 count: where a source is beyond its bound already, nothing is left to look for.
    """

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], list[Leader]] = {}

    def copy(self) -> Leaders:
        """Others that are the same until they are changed."""
        copied = Leaders()
        copied._rows = {key: list(row) for key, row in self._rows.items()}
        return copied

    def enter(self, source: str, result: str, margin: float, case: Case) -> bool:
        """Take the case in where it is among the highest; says whether it was."""
        if not 0 < margin <= 1 or case.size > LARGEST:
            return False
        row = self._rows.setdefault((source, result), [])
        if len(row) == PLACES and margin <= row[-1].margin:
            return False
        if any(leader.margin == margin for leader in row):
            return False
        row.append(Leader(source, result, margin, case))
        row.sort(key=lambda leader: -leader.margin)
        del row[PLACES:]
        return True

    def pick(self, rng: random.Random) -> Case | None:
        """One of them: any source and result, then any of its cases; None where there are none."""
        if not self._rows:
            return None
        return rng.choice(self._rows[rng.choice(sorted(self._rows))]).case

    def row(self, source: str, result: str) -> tuple[Leader, ...]:
        """Those of one source and result, the highest first."""
        return tuple(self._rows.get((source, result), ()))

    def least(self) -> dict[tuple[str, str], float]:
        """Of each source and result whose places are taken, the lowest margin."""
        return {key: row[-1].margin for key, row in self._rows.items() if len(row) == PLACES}

    def __iter__(self) -> Iterator[Leader]:
        """By source and result, whatever came first."""
        return (leader for key in sorted(self._rows) for leader in self._rows[key])
