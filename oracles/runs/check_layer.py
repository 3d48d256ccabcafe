"""check_layer: hold anyone's layer to every claim, and report what breaks it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reference import InputError

from ..candidates.backward_source import Place, backward_of
from ..candidates.gpu_lost import notice
from ..candidates.interchange import keeps_layout
from ..candidates.layer import Layer
from ..cases.generation import DTYPES
from ..causes.diagnose import Diagnosis
from ..causes.telling_cases import plain_case
from ..claims import frames_of_claims as pools
from ..claims.checks import CHECKS
from ..claims.judges import notes, title_of, truth_of
from ..claims.verdicts import EXACT, Verdict, merged
from ..ops.tracing import primitives_of
from ..reports.report import Report, followed
from ..sources.available import chosen, cross_validation_note, load_oracles, products_note
from ..sources.derived import bounds
from ..sources.registry import Oracle, OracleUnavailable
from .trial import EXAMPLES, WITH_ORACLES, Outcome, Watch, outcome, unwatched

Progress = Callable[[int, str], None]  # claims done since the last call, and the one that is next


@dataclass(frozen=True)
class Plan:
    """What a run tries: the claims by name, each with a dtype, in order; the cases a claim gets, and their seed."""

    steps: tuple[tuple[str, ...], ...]
    dtypes: tuple[str, ...]
    examples: int
    seed: int


@dataclass(frozen=True)
class Setting:
    """What a run found there: the layer's name and op, the versions of the oracles, why others are absent, notes."""

    layer: str
    op: str
    device: str
    versions: Mapping[str, str]
    absent: Mapping[str, str]
    notes: tuple[str, ...]
    title: str = ""
    place: Place | None = None
    truth: str = EXACT


def check_layer(
    layer: Layer,
    oracles: Sequence[str] | None = None,
    dtypes: Sequence[str] | None = None,
    device: str = "cpu",
    max_examples: int | None = None,
    seed: int | None = None,
    *,
    progress: Progress = lambda done, what: None,
) -> Report:
    """Every check on the layer, in each dtype (float32 and float64 by default). Never raises for a wrong layer.

    The layer is judged by the exact value. The oracles (all installed by default) are held against it on the same
    cases, on `device`; one outside its own bound is reported as disputed. max_examples: cases a check and dtype, 60 by
    default. What the layer does to the process is undone; one that may crash or hang is for `backproof check`. Raises
    InputError for unknown names, OracleUnavailable for an oracle asked for that cannot run, or a GPU that was unusable
    from the start.
    """
    if not isinstance(layer, Layer):
        raise InputError(f"layer: expected a Layer, as Layer.from_class makes one of a class, got {layer!r}")
    plan = planned(dtypes, max_examples, seed)
    panel, absent = panel_for(layer, oracles, device)
    start, outcomes, coming = time.perf_counter(), [], claims(layer, plan, panel)
    for check, dtype in plan.steps:
        progress(0, f"{check} {dtype}")
        outcomes.append(next(coming))
        progress(1, f"{check} {dtype}")
    unusable = [v for o in outcomes for v in o.verdicts if v.status != "disputed"]
    if notice() and all(v.status == "skipped" for v in unusable):
        raise OracleUnavailable(f"{unusable[-1].message}; a new process is needed")
    return assembled(setting(layer, plan, panel, absent, device), plan, outcomes, time.perf_counter() - start)


def planned(dtypes: Sequence[str] | None = None, max_examples: int | None = None, seed: int | None = None) -> Plan:
    """The plan of a run; InputError for dtypes there are not, or no examples."""
    wanted = chosen("dtypes", dtypes, DTYPES, default=("float32", "float64"))
    examples = EXAMPLES if max_examples is None else max_examples
    if examples < 1:
        raise InputError(f"max_examples: expected a positive number, got {examples}")
    steps = tuple((check.name, dtype) for check in CHECKS for dtype in wanted)
    return Plan(steps, wanted, examples, random.SystemRandom().randrange(2**32) if seed is None else seed)


def panel_for(
    layer: Layer, oracles: Sequence[str] | None, device: str = "cpu"
) -> tuple[tuple[Oracle, ...], dict[str, str]]:
    """The oracles that are held against the layer, and why others cannot run; raises as `check_layer` does."""
    op = layer.declaration
    known = None if op.definition is not None else tuple(op.frameworks)
    return load_oracles(oracles, device, candidate=layer.framework, known=known)


def claims(layer: Layer, plan: Plan, panel: Sequence[Oracle], watch: Watch = unwatched) -> Iterator[Outcome]:
    """The outcome of each of the plan's steps, one after the other."""
    checks, diagnosis = {check.name: check for check in CHECKS}, Diagnosis(layer, plan.seed)
    for name, dtype in plan.steps:
        yield outcome(checks[name], layer, dtype, plan.examples, plan.seed, panel, watch, diagnosis)


def setting(layer: Layer, plan: Plan, panel: Sequence[Oracle], absent: Mapping[str, str], device: str) -> Setting:
    """What a report says of a run besides its outcomes."""
    versions = {"numpy": np.__version__} | {oracle.name: oracle.version for oracle in panel}
    known = notes(layer) if layer.declaration.definition is None else _notes(layer, panel, plan.dtypes)
    told = known, title_of(layer), backward_of(layer), truth_of(layer)
    return Setting(layer.name, layer.op, device, versions, dict(absent), *told)


def _notes(layer: Layer, panel: Sequence[Oracle], dtypes: Sequence[str]) -> tuple[str, ...]:
    own = [] if layer.framework is None or layer.framework in panel else [layer.framework]
    products = products_note([*panel, *own], dtypes) if "matmul" in primitives_of(layer.declaration) else ()
    return (*cross_validation_note(panel), *products, *cost_note(layer), *layout_note(layer), *options_note(layer))


def options_note(layer: Layer) -> tuple[str, ...]:
    """A line where the layer does not take an option that has several values: it was tried at the default alone."""
    settings = layer.declaration.settings
    left = [n for n in layer.untaken if settings[n].choices or settings[n].drawn]
    said = ", ".join(
        f"{name} (at {settings[name].default!r} alone)" for name in left if settings[name].default is not None
    )
    return (f"Options of {layer.op} that the layer does not take: {said}.",) if said else ()


def layout_note(layer: Layer) -> tuple[str, ...]:
    """A line where the layer's own conversion closes the gaps of an array: what it is then not tried on."""
    if layer.conversion is None or keeps_layout(layer.conversion):
        return ()
    return ("Arrays with gaps were handed over without, as `arrays=` makes them: not every memory layout was tried.",)


def cost_note(layer: Layer) -> tuple[str, ...]:
    """What `accumulate="native"` costs: how much wider the bounds are, over plain cases of all sizes."""
    if layer.accumulate == "strict":
        return ()
    said = []
    for dtype in ("float16", "bfloat16"):
        wider = []
        for frame in pools.small_and_large(layer, 0):
            case = plain_case(layer, dtype, frame)
            strict, native = (bounds(case, accumulate=how) for how in ("strict", "native"))
            for name in strict:
                known = (strict[name] > 0) & np.isfinite(strict[name])
                wider += list((native[name][known] / strict[name][known]).ravel())
        if wider:
            said.append(f"{dtype} {np.median(wider):.3g} (at most {np.max(wider):.3g})")
    return (f'accumulate="native": the bounds are wider by a median factor of {", ".join(said)}.',) if said else ()


def assembled(found: Setting, plan: Plan, outcomes: Iterable[Outcome], seconds: float) -> Report:
    """The report of a run: its verdicts in order, those on oracles after those on the layer."""
    done = list(outcomes)
    said = sorted((v for o in done for v in o.verdicts), key=lambda v: v.status == "disputed")
    margins = merged(margin for o in done for margin in o.margins)
    absent = [Verdict(WITH_ORACLES, "", found.layer, n, "", "skipped", message=why) for n, why in found.absent.items()]
    return Report(
        title=f"backproof check: {found.title}",
        verdicts=(*said, *absent),
        margins=margins,
        versions=dict(found.versions),
        seed=plan.seed,
        cases=sum(o.cases for o in done),
        seconds=seconds,
        device=found.device,
        notes=(*found.notes, *followed(m for m in margins if m.source == found.layer)),
        place=found.place,
        truth=found.truth,
    )
