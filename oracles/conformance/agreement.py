"""Does a layer agree with every oracle? Values of the output and of each gradient, over generated cases.

Every source (the layer and each oracle) is held against the exact value within the certified bound. So two that are
within it agree, and where they do not, it is known who is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from ..case import Case, Result
from ..registry import Oracle, UnsupportedCase
from .cases import Variety
from .compare import Comparison
from .frames import Frame, frame_pool, large_frames
from .layer import Layer
from .report import Margin, Verdict
from .run import run
from .search import Disagreement, shrunk, try_cases
from .truth import Truth

Progress = Callable[[int, str], None]  # cases done since the last call, and what is being done

LARGE_SHARE = 2
LARGEST = 20_000  # elements of a case; larger ones are seen in the first dtype alone


@dataclass
class _Worst:
    """The running worst of one source's result."""

    comparison: Comparison | None = None
    case: Case | None = None
    cases: int = 0
    elements: int = 0
    unclaimed: int = 0

    def add(self, comparison: Comparison, case: Case) -> None:
        self.cases += 1
        self.elements += comparison.size
        self.unclaimed += comparison.unclaimed
        if self.comparison is None or comparison.margin > self.comparison.margin:
            self.comparison, self.case = comparison, case


@dataclass
class Tally:
    """Worst margins by (op, result, dtype, source), and what oracles said besides results."""

    worst: dict[tuple[str, str, str, str], _Worst] = field(default_factory=dict)
    skipped: dict[tuple[str, str, str], str] = field(default_factory=dict)
    broken: dict[tuple[str, str, str], tuple[str, Case]] = field(default_factory=dict)
    cases: int = 0

    def add(self, case: Case, source: str, comparisons: dict[str, Comparison]) -> None:
        """Enter one result of one source."""
        for name, comparison in comparisons.items():
            key = (case.op, name, case.dtype.name, source)
            self.worst.setdefault(key, _Worst()).add(comparison, case)

    def margins(self) -> tuple[Margin, ...]:
        """The table's rows."""
        return tuple(
            Margin(op, result, dtype, source, w.comparison.margin, w.cases, w.unclaimed / max(1, w.elements), w.case)
            for (op, result, dtype, source), w in self.worst.items()
            if w.comparison is not None
        )


def frames_of(layer: Layer, seed: int) -> tuple[Frame, ...]:
    """The shapes of a run: the edges, fresh ones, and the large ones last."""
    forms, reductions = tuple(layer.targets), tuple(layer.reductions)
    small = frame_pool(layer.op, seed, targets=forms, reductions=reductions)
    return small + large_frames(layer.op, seed, targets=forms, reductions=reductions)


def plan(layer: Layer, dtypes: Sequence[str], examples: int, seed: int) -> Iterator[tuple[Frame, str, int]]:
    """The frames of a run by dtype, with the number of examples each gets: some `examples` in all a dtype.

    The first dtype sees every large frame, the others take turns: they cost as much as all the small ones.
    """
    frames = frames_of(layer, seed)
    small = [f for f in frames if f.elements <= 2000]
    large = [f for f in frames if f.elements > 2000]
    share = max(1, round(examples / len(small)))
    for turn, dtype in enumerate(dtypes):
        for frame in small:
            yield frame, dtype, share
        for i, frame in enumerate(large):
            if turn == 0 or (frame.elements <= LARGEST and i % 3 == turn % 3):
                yield frame, dtype, LARGE_SHARE


def check_agreement(
    layer: Layer,
    oracles: Sequence[Oracle],
    dtypes: Sequence[str],
    *,
    examples: int,
    seed: int,
    tally: Tally,
    progress: Progress = lambda done, what: None,
) -> tuple[Verdict, ...]:
    """Verdicts on the layer, one a dtype and oracle, and on oracles outside their bounds. Never raises for a layer."""
    failures: dict[str, Disagreement] = {}

    def judge(case: Case) -> None:
        truth = Truth.of(case)
        judge_layer(layer, case, truth, tally)
        for oracle in oracles:
            judge_oracle(oracle, case, truth, tally)
        tally.cases += 1
        progress(1, f"{case.op} {case.dtype}")

    for frame, dtype, count in plan(layer, dtypes, examples, seed):
        if dtype not in failures:
            _, found = try_cases(judge, frame, dtype, count, seed, Variety(rough=frame.elements > 2000))
            if found is not None:
                failures[dtype] = shrunk(lambda case: judge_layer(layer, case, Truth.of(case), Tally()), found)
    return (*_layer_verdicts(layer, oracles, dtypes, failures, tally), *disputes(layer.op, oracles, dtypes, tally))


def judge_layer(layer: Layer, case: Case, truth: Truth, tally: Tally) -> None:
    """Hold the layer against the truth; raises Disagreement."""
    try:
        result = run(layer, case)
    except Exception as error:
        raise Disagreement(case, f"raised {type(error).__name__}: {error}", float("inf")) from error
    comparisons = truth.judge(result)
    tally.add(case, layer.name, comparisons)
    wrong = [c for c in comparisons.values() if not c.passed]
    if wrong:
        worst = max(wrong, key=lambda c: c.margin)
        raise Disagreement(case, str(worst), worst.margin)


def judge_oracle(oracle: Oracle, case: Case, truth: Truth, tally: Tally) -> None:
    """Hold an oracle against the truth and enter what it did; an oracle that raises is entered as broken."""
    if oracle.name == "exact":
        return  # it is the truth
    key = (case.op, case.dtype.name, oracle.name)
    try:
        result: Result = oracle.vjp(case)
    except UnsupportedCase as reason:
        tally.skipped.setdefault(key, str(reason))
    except Exception as error:
        tally.broken.setdefault(key, (f"raised {type(error).__name__}: {error}", case))
    else:
        tally.add(case, oracle.name, truth.judge(result))


def _layer_verdicts(
    layer: Layer, oracles: Sequence[Oracle], dtypes: Sequence[str], failures: dict[str, Disagreement], tally: Tally
) -> Iterator[Verdict]:
    for dtype in dtypes:
        found = failures.get(dtype)
        for oracle in oracles:
            common = ("agrees", layer.op, layer.name, oracle.name, dtype)
            if found is not None:
                yield Verdict(*common, "failed", found.margin, message=found.message, case=found.case)
            elif (layer.op, dtype, oracle.name) in tally.skipped and not _took_part(oracle, layer.op, dtype, tally):
                yield Verdict(*common, "skipped", message=tally.skipped[layer.op, dtype, oracle.name])
            else:
                yield Verdict(*common, "passed", _worst_of(layer.name, layer.op, dtype, tally))


def disputes(op: str, oracles: Sequence[Oracle], dtypes: Sequence[str], tally: Tally) -> Iterator[Verdict]:
    """Verdicts on the oracles that raised or were outside their own bounds."""
    for dtype in dtypes:
        for oracle in oracles:
            if (op, dtype, oracle.name) in tally.broken:
                message, case = tally.broken[op, dtype, oracle.name]
                yield Verdict("oracle", op, "", oracle.name, dtype, "disputed", float("inf"), "", message, case)
            for (an_op, _, a_dtype, source), worst in tally.worst.items():
                if (an_op, a_dtype, source) == (op, dtype, oracle.name) and worst.comparison is not None:
                    c = worst.comparison
                    if not c.passed:
                        yield Verdict(
                            "oracle", op, "", oracle.name, dtype, "disputed", c.margin, "", str(c), worst.case
                        )


def _took_part(oracle: Oracle, op: str, dtype: str, tally: Tally) -> bool:
    return any((o, d, s) == (op, dtype, oracle.name) for o, _, d, s in tally.worst)


def _worst_of(source: str, op: str, dtype: str, tally: Tally) -> float:
    rows = [w.comparison for (o, _, d, s), w in tally.worst.items() if (o, d, s) == (op, dtype, source)]
    with suppress(ValueError):
        return max(c.margin for c in rows if c is not None)
    return 0.0
