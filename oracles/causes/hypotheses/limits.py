"""Sizes above which alone a layer is wrong, looked for by running it on sizes in between."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from ...candidates.layer import Layer
from ...ops.signature import holds
from ..evidence import Evidence, frame_of, some_runs
from ..telling_cases import PLAIN


def limits(layer: Layer, runs: list[Evidence], r: str, dtype: str, seed: int) -> list[tuple[str, int]]:
    """Sizes above which alone the result is wrong, with that size, looked for between the runs by halving.

    The runs made on the way are added. Where the limit is known up to a few, a power of two among them is taken.
    """
    found = []
    letters = dict.fromkeys(letter for e in runs for letter in e.sizes)
    for letter in (*letters, *("*".join(pair) for pair in combinations(letters, 2))):
        known = [e for e in runs if set(letter.split("*")) <= set(e.sizes)]
        bad = [e for e in known if e.wrong(r).any()]
        good = [e.size(letter) for e in known if not e.wrong(r).any() and r in e.actual]
        if not bad:
            continue
        high = min(bad, key=lambda e: e.size(letter))
        below = [size for size in good if size < high.size(letter)]
        if not below or len(good) - len(below) > len(bad):  # some values, zeros say, do not show the fault
            continue
        low = max(below)
        while high.size(letter) - low > 1:
            tried = _resized(layer, high, letter, (low + high.size(letter)) // 2, dtype, seed)
            if tried is None or not low < tried.size(letter) < high.size(letter):
                break
            runs.append(tried)
            if tried.wrong(r).any():
                high = tried
            else:
                low = tried.size(letter)
        powers = [2**i for i in range(1, 24) if low <= 2**i < high.size(letter)]
        found.append((letter, powers[-1] if powers else low))
    return found


def _resized(layer: Layer, e: Evidence, letter: str, size: int, dtype: str, seed: int) -> Evidence | None:
    """A run of which that size is about `size`, and everything else as in a given run."""
    first, _, other = letter.partition("*")
    if layer.declaration.cases is not None:  # its strategy says the sizes
        return None
    frame = frame_of(e)
    sizes = {**e.sizes, first: size // e.sizes[other] if other else size}
    if not all(sizes.values()) or len(frame.leading) > 1:
        return None
    lead = (sizes["N" if "N" in sizes else "size"],) if frame.leading else ()
    frame = replace(frame, sizes=(*lead, *(sizes[name] for name in frame.axes)))
    if layer.declaration.signature.where and not holds(layer.declaration.signature.where, frame.axes):
        return None
    return next(iter(some_runs(layer, frame, dtype, seed, replace(PLAIN, rough=True), 1)), None)
