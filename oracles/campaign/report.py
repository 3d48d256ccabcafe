"""The report of a campaign, finished or not."""

from __future__ import annotations

from collections.abc import Iterator

from ..conformance.panel import cross_validation_note
from ..conformance.report import Report, Verdict, followed
from ..conformance.trial import WITH_ORACLES
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
        notes=(*_progress(state), *followed(findings.margins.values())),
    )


def _verdicts(state: State) -> Iterator[Verdict]:
    """The failures and disputes that were kept; of what did not fail, a verdict an op, dtype and oracle."""
    findings, plan = state.findings, state.plan
    failed = {(v.op, v.dtype) for v in findings.verdicts.values() if v.status == "failed"}
    for op, counts in findings.counts.items():
        oracles = [name for name in counts.versions if name != "numpy"] or ["exact"]
        seen = {m.dtype for m in findings.margins.values() if m.op == op}
        for dtype in (d for d in plan.dtypes if d in seen and (op, d) not in failed):
            rows = [
                m
                for m in findings.margins.values()
                if (m.op, m.dtype) == (op, dtype) and m.source.startswith(counts.layer)
            ]
            worst = max((m.worst for m in rows), default=0.0)
            for oracle in oracles:
                yield Verdict(WITH_ORACLES, op, counts.layer, oracle, dtype, "passed", worst)
    yield from sorted(findings.verdicts.values(), key=lambda v: (v.status == "disputed", plan.ops.index(v.op)))
    absent = {name: why for counts in findings.counts.values() for name, why in counts.absent.items()}
    for name, why in absent.items():
        yield Verdict(WITH_ORACLES, "", "", name, "", "skipped", message=why)


def _broken(state: State) -> Iterator[Verdict]:
    target = state.plan.target
    for number, why in state.broken.items():
        op, dtype, _ = why.split(" ", 2)
        layer = target.name if target else f"reference.{op}"
        said = f"chunk {number} was given up, its cases are not counted: {why}"
        yield Verdict("chunk", op, layer, "", dtype, "failed", message=said)


def _progress(state: State) -> Iterator[str]:
    findings, plan = state.findings, state.plan
    chunks = len(plan.chunks())
    drawn = sum(c.drawn for c in findings.counts.values())
    done, cases = len(state.done) - len(state.broken), plan.cases * len(plan.ops)
    yield (
        f"{done} of {chunks} chunks done: {findings.cases} of {cases} cases, {drawn} drawn and the others mutated from "
        "those with the highest margins."
    )
    if findings.failing:
        yield f"{findings.failing} cases failed; of each cause a few are kept."
    if not any(name in c.versions for c in findings.counts.values() for name in ("torch", "jax")):
        yield from cross_validation_note(())
