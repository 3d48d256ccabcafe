"""The report of a campaign, finished or not."""

from __future__ import annotations

from collections.abc import Iterator

from ...claims.verdicts import Verdict
from ...reports.report import Report, followed
from ...sources.available import cross_validation_note
from ..trial import WITH_ORACLES
from .findings import source_of
from .state import State


def report(state: State) -> Report:
    """What `verify` and `check` give, of all the cases so far; the notes say how many those are of the plan's."""
    findings, plan = state.findings, state.plan
    versions: dict[str, str] = {}
    for counts in findings.counts.values():
        versions |= counts.versions
    return Report(
        title=f"backproof campaign: {plan.target.name if plan.target else 'the reference against its oracles'}",
        verdicts=(*_verdicts(state), *_broken(state)),
        margins=tuple(
            sorted(findings.margins.values(), key=lambda m: (plan.ops.index(m.op), plan.dtypes.index(m.dtype)))
        ),
        versions=versions,
        seed=plan.seed,
        cases=findings.cases,
        seconds=state.seconds,
        device=", ".join(plan.devices),
        notes=(*_progress(state), *followed(m for m in findings.margins.values() if findings.is_of_layer(m))),
    )


def _verdicts(state: State) -> Iterator[Verdict]:
    """The failures and disputes that were kept; of what did not fail, a verdict an op, dtype and oracle."""
    findings, plan = state.findings, state.plan
    failed = {(v.op, v.dtype) for v in findings.verdicts.values() if v.status == "failed"}
    for op, counts in findings.counts.items():
        oracles = [name for name in counts.versions if name != "numpy"] or [counts.judge]
        for dtype in plan.dtypes:
            rows = [m for m in findings.margins.values() if (m.op, m.dtype) == (op, dtype)]
            of_layer = [m.worst for m in rows if findings.is_of_layer(m)]
            if (op, dtype) in failed or not of_layer:
                continue
            seen = {source_of(m) for m in rows}
            for oracle in oracles:
                common = (WITH_ORACLES, op, counts.layer, oracle, dtype)
                why = counts.skipped.get(f"{oracle} {dtype}")
                if why is not None and oracle not in seen:
                    yield Verdict(*common, "skipped", message=why)
                else:
                    yield Verdict(*common, "passed", max(of_layer))
    yield from sorted(findings.verdicts.values(), key=lambda v: (v.status == "disputed", plan.ops.index(v.op)))
    absent = {name: why for counts in findings.counts.values() for name, why in counts.absent.items()}
    for name, why in absent.items():
        yield Verdict(WITH_ORACLES, "", "", name, "", "skipped", message=why)


def _broken(state: State) -> Iterator[Verdict]:
    target, chunks = state.plan.target, state.plan.chunks()
    for number, why in state.broken.items():
        chunk = chunks[number]
        layer = target.name if target else f"reference.{chunk.op}"
        said = f"chunk {number}, on {chunk.device}, was given up, its {chunk.cases} cases are not counted: {why}"
        yield Verdict("chunk", chunk.op, layer, "", chunk.dtype, "failed", message=said)


def _progress(state: State) -> Iterator[str]:
    findings, plan = state.findings, state.plan
    chunks = len(plan.chunks())
    drawn = sum(c.drawn for c in findings.counts.values())
    done, cases = len(state.done) - len(state.broken), plan.cases * len(plan.ops)
    mutated = (
        " drawn and the others mutated from those with the highest margins" if drawn < findings.cases else " drawn"
    )
    yield f"{done} of {chunks} chunks done: {findings.cases} of {cases} cases, {drawn}{mutated}."
    if findings.failing:
        yield f"{findings.failing} cases failed; of each cause a few are kept."
    notes = dict.fromkeys(note for counts in findings.counts.values() for note in counts.notes)
    yield from notes
    if not notes and not any(name in c.versions for c in findings.counts.values() for name in ("torch", "jax")):
        yield from cross_validation_note(())
