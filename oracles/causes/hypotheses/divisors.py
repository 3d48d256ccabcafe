"""Losses divided by something other than the number of samples N."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from ...calculus.model import Floats
from ..evidence import Evidence
from .values import Value, truth

BLOCKS = (2, 4, 8, 16, 32, 64, 128, 256)


def divisors(wrong: Sequence[Evidence], r: str) -> Iterator[Value]:
    """The result of a mean loss with another divisor; a fixed one is read off a run with wrong elements."""
    if wrong[0].case.options.get("reduction") != "mean":
        return
    yield _by("N - 1", lambda n: n - 1 or 1)
    yield _by("N + 1", lambda n: n + 1)
    for block in BLOCKS:
        yield _by(f"N rounded up to a multiple of {block}", partial(_rounded_up, block=block))
    for e in wrong[:3]:
        a, t, n = e.computed(r), truth(e, r), e.sizes["N"]
        marked = e.wrong(r) & np.isfinite(a) & np.isfinite(t) & (t != 0) & (a != 0)
        if marked.any():
            fixed = n * float(np.median(t[marked] / a[marked]))
            if abs(fixed - round(fixed)) <= 1e-3 and round(fixed) > 0:
                yield _by(f"{round(fixed)}, whatever N is", partial(_always, fixed=round(fixed)))
            return


def _by(text: str, divisor: Callable[[int], int]) -> Value:
    return Value(f"divided by {text}", partial(_divided, divisor=divisor), slack=64, relative=64)


def _always(n: int, fixed: int) -> int:
    return fixed


def _rounded_up(n: int, block: int) -> int:
    return -(-n // block) * block


def _divided(e: Evidence, r: str, divisor: Callable[[int], int]) -> Floats:
    n = e.sizes["N"]
    return truth(e, r) * (n / divisor(n)) if n else truth(e, r)
