"""Does a layer agree with every oracle? Values of the output and of each gradient, over generated cases."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ..candidates.layer import Layer
from ..cases.frames import Frame, frame_pool
from ..cases.generation import Variety
from ..claims.disagreement import Disagreement
from ..claims.frames_of_claims import large
from ..claims.referee import Tally, disputes, judge_layer, judge_oracle, verdicts_on_layer
from ..claims.search import shrunk, try_cases
from ..claims.truth import Truth
from ..claims.verdicts import Verdict
from ..data.case import Case
from ..sources.registry import Oracle

Progress = Callable[[int, str], None]  # cases done since the last call, and what is being done

LARGE_SHARE = 2
LARGEST = 20_000  # elements of a case; larger ones are seen in the first dtype alone


def frames_of(layer: Layer, seed: int) -> tuple[tuple[Frame, ...], tuple[Frame, ...]]:
    """The shapes of a run: the edges and fresh ones, and the large ones."""
    small = frame_pool(layer.declaration, seed, targets=tuple(layer.targets), reductions=tuple(layer.reductions))
    return small, large(layer, seed)


def plan(layer: Layer, dtypes: Sequence[str], examples: int, seed: int) -> Iterator[tuple[Frame, str, int]]:
    """The frames of a run by dtype, with the number of examples each gets: some `examples` in all a dtype.

    jax compiles each shape in each dtype, which costs as much as tens of cases. So they take turns. The first dtype has
    all small frames, half of the large ones and all of the largest, the others half and a quarter; the next seed has
    the rest.
    """
    small, long = frames_of(layer, seed)
    for turn, dtype in enumerate(dtypes):
        few = [f for i, f in enumerate(small) if turn == 0 or (i + seed + turn) % 2 == 0]
        every = 2 if turn == 0 else 4
        seen = [
            f for i, f in enumerate(long) if (turn == 0 if f.elements > LARGEST else (i + seed + turn) % every == 0)
        ]
        share = max(1, round((examples - LARGE_SHARE * len(seen)) / len(few)))
        yield from ((frame, dtype, share) for frame in few)
        yield from ((frame, dtype, LARGE_SHARE) for frame in seen)


def check_agreement(
    layer: Layer,
    oracles: Sequence[Oracle],
    dtypes: Sequence[str],
    *,
    examples: int,
    seed: int,
    tally: Tally,
    only: str | None = None,
    progress: Progress = lambda done, what: None,
) -> tuple[Verdict, ...]:
    """Verdicts on the layer, one a dtype and oracle, and on oracles outside their bounds. Never raises for a layer.

    only: the one of the dtypes that is tried, on the cases it gets among them all.
    """
    failures: dict[str, Disagreement] = {}

    def judge(case: Case) -> None:
        truth = Truth.of(case)
        judge_layer(layer, case, truth, tally)
        for oracle in oracles:
            judge_oracle(oracle, case, truth, tally)
        tally.cases += 1
        progress(1, f"{case.op} {case.dtype}")

    tried = dtypes if only is None else [only]
    for frame, dtype, count in plan(layer, dtypes, examples, seed):
        if dtype in tried and dtype not in failures:
            _, found = try_cases(judge, frame, dtype, count, seed, Variety(rough=frame.is_large))
            if found is not None:
                failures[dtype] = shrunk(lambda case: judge_layer(layer, case, Truth.of(case)), found)
    verdicts: list[Verdict] = []
    for dtype in tried:
        shown = failures[dtype].shown() if dtype in failures else None
        verdicts += verdicts_on_layer("agrees", layer, dtype, oracles, shown, tally)
    return (*verdicts, *disputes(layer.op, oracles, tried, tally))
