"""What a campaign searches, and the chunks it is cut into: seeded, independent, the same whenever one is done again."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from hashlib import sha256
from itertools import zip_longest

from reference import InputError
from reference._arrays import shown

from ...candidates.target import Target
from ...cases.generation import DTYPES
from ...data.case import Case
from ...ops import OPS
from ...sources.available import chosen
from ...sources.registry import DEVICES, available
from ...sources.registry import names as oracle_names

CASES = 100_000
CHUNK = 5000  # cases: some 15 seconds, long against what it takes to hand a chunk over
MOST = 2**20  # chunks of a campaign
LONGEST = 10**15  # cases of an op, ten thousand years of a laptop's


@dataclass(frozen=True)
class Chunk:
    """One op in one dtype on one device: `cases` of them, drawn from the seed and mutated from the parents.

    known: margins that are reached already, named by `leading` and `worst`; cases below them need not travel.
    """

    number: int
    op: str
    dtype: str
    device: str
    cases: int
    seed: int
    oracles: tuple[str, ...] = ()
    target: Target | None = None
    parents: tuple[Case, ...] = ()
    known: Mapping[str, float] = field(default_factory=dict)


def leading(source: str, result: str) -> str:
    """The name in `known` of the margin from which on a case is a leader."""
    return f"leading {source} {result}"


def worst(source: str, result: str) -> str:
    """The name in `known` of the worst margin."""
    return f"worst {source} {result}"


@dataclass(frozen=True)
class Plan:
    """`cases` of each op, shared evenly by the dtypes and devices, in chunks of `size`.

    target: the candidate, None for the reference. oracles: by name, all frameworks that are installed by default.
    """

    ops: tuple[str, ...]
    dtypes: tuple[str, ...]
    devices: tuple[str, ...]
    cases: int
    size: int
    seed: int
    oracles: tuple[str, ...] = ()
    target: Target | None = None

    @classmethod
    def of(
        cls,
        *,
        ops: Sequence[str] | None = None,
        dtypes: Sequence[str] | None = None,
        devices: Sequence[str] | None = None,
        oracles: Sequence[str] | None = None,
        target: Target | None = None,
        cases: int = CASES,
        size: int = CHUNK,
        seed: int | None = None,
    ) -> Plan:
        """A plan of what is asked for. Raises InputError for names there are not.

        By default all ops and dtypes of the reference, and of a candidate float32 and float64.
        """
        if target is not None and target.op is not None:
            ops = [*(ops or ()), target.op]
        for name, number in (("cases", cases), ("chunk", size)):
            if not 1 <= number <= LONGEST:
                raise InputError(f"{name}: expected a number from 1 to {LONGEST}, got {shown(number)}")
        known = (*OPS, *((target.op,) if target is not None and target.op else ()))
        wanted = tuple(dict.fromkeys(chosen("op", ops, known, default=tuple(OPS))))
        if len(wanted) * cases // size > MOST:
            raise InputError(
                f"chunk: expected larger ones, {cases} cases of {len(wanted)} ops are over {MOST} of {size}"
            )
        return cls(
            wanted,
            tuple(dict.fromkeys(chosen("dtype", dtypes, DTYPES, default=DTYPES[: 2 if target else None]))),
            tuple(dict.fromkeys(chosen("device", devices, DEVICES, default=("cpu",)))),
            cases,
            size,
            random.SystemRandom().randrange(2**32) if seed is None else seed,
            tuple(dict.fromkeys(chosen("oracle", oracles, oracle_names(), default=available()))) if oracles else (),
            target,
        )

    def checked(self) -> Plan:
        """The same, as `of` would make it. Raises InputError for names and numbers that it would refuse."""
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        return Plan.of(**given | {"oracles": self.oracles or None})

    def chunks(self) -> tuple[Chunk, ...]:
        """All of it; the ops, dtypes and devices take turns, so that a campaign cut short has seen all of them."""
        places = [(dtype, device) for device in self.devices for dtype in self.dtypes]
        columns: list[list[tuple[str, str, str, int]]] = []
        for op in self.ops:
            for i, (dtype, device) in enumerate(places):
                share = self.cases // len(places) + (i < self.cases % len(places))
                sizes = [self.size] * (share // self.size) + [share % self.size] * bool(share % self.size)
                columns.append([(op, dtype, device, size) for size in sizes])
        turns = [entry for row in zip_longest(*columns) for entry in row if entry is not None]
        return tuple(
            Chunk(number, op, dtype, device, cases, self._seed(number), self.oracles, self.target)
            for number, (op, dtype, device, cases) in enumerate(turns)
        )

    def _seed(self, number: int) -> int:
        """Of a chunk: not those of another campaign whose seed is the next number."""
        return int.from_bytes(sha256(f"{self.seed} {number}".encode()).digest()[:6], "big")
