"""A failure kept in a file, and the same claim held again: does it still fail?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reference import InputError
from reference._arrays import shown

from ..candidates.contain import said
from ..candidates.gpu_lost import Lost
from ..candidates.layer import Layer, reference_layer
from ..candidates.target import Target
from ..claims.checks import CHECKS, values
from ..claims.compare import Comparison
from ..claims.disagreement import Disagreement
from ..claims.judges import truth_for
from ..claims.referee import hold, run_layer
from ..claims.truth import Truth
from ..claims.verdicts import Verdict
from ..data.case import Case
from ..data.files import named, read_text
from ..data.json_data import from_data, read_json, to_data
from ..ops import OPS, get_op
from ..sources.available import load_oracles
from ..sources.registry import DEVICES, UnsupportedCase
from .trial import Watch, unwatched

FORMAT = 1


@dataclass(frozen=True)
class Recording:
    """A failure and how to see it again. Without a target it is a bare case, with nobody to blame."""

    case: Case
    target: Target | None = None
    check: str = "values"
    dtype: str = ""
    message: str = ""
    earlier: tuple[Case, ...] = ()

    @classmethod
    def of(cls, verdict: Verdict, target: Target) -> Recording | None:
        """The recording of a failed verdict; None where it has no case."""
        if verdict.case is None:
            return None
        return cls(verdict.case, target, verdict.check, verdict.dtype, verdict.message, verdict.earlier)

    @classmethod
    def load(cls, path: Path) -> Recording:
        """Read what `save` wrote, or `Case.save`; InputError names the file, and the field that is wrong."""
        try:
            data = read_json(read_text(path), "replay")
            if data.get("format") is not FORMAT:  # True equals 1
                raise InputError(f"format: expected {FORMAT}, got {shown(data.get('format'))}")
            if "case" not in data:
                return cls(Case.from_json(json.dumps(data)))
            del data["format"]
            recording = from_data(cls, data, "replay")
            if recording.check not in {check.name for check in CHECKS}:
                known = ", ".join(check.name for check in CHECKS)
                raise InputError(f"replay.check: expected one of {known}, got {shown(recording.check)}")
            recording._check_target()
            return recording
        except InputError as error:
            raise InputError(f"{named(error, path)}; expected a file of check --save-cases, or of Case.save") from None

    def _check_target(self) -> None:
        """One op throughout, on a device there is: what else is wrong with a target shows when it is imported."""
        ops = {"case": self.case.op} | {f"earlier[{i}]": case.op for i, case in enumerate(self.earlier)}
        if self.target is not None:
            op = self.target.op
            ops |= {"target.op": op} if op is not None and ":" not in op else {}
            if self.target.device not in DEVICES:
                raise InputError(
                    f"replay.target.device: expected one of {', '.join(DEVICES)}, got {shown(self.target.device)}"
                )
        for field, op in ops.items():
            if op != self.case.op:
                raise InputError(f"replay.{field}: expected {self.case.op}, the op of the case, got {shown(op)}")

    def save(self, path: Path) -> None:
        """Write it as JSON data."""
        path.write_text(json.dumps({"format": FORMAT} | to_data(self), allow_nan=False) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class Replayed:
    """What a replay gave: each result against the truth, and why the claim still does not hold, empty where it does."""

    comparisons: tuple[Comparison, ...]
    failure: str

    @property
    def passed(self) -> bool:
        """Whether the claim holds now."""
        return not self.failure


def sources(case: Case, oracles: Sequence[str] | None = None, device: str = "cpu") -> dict[str, Replayed]:
    """What the reference and each oracle compute for the case, by name, or why not. Raises as `load` does."""
    case = case.of(get_op(case.op))
    found, truth = {}, Truth.of(case)
    if case.op in OPS:
        found["reference"] = replay(reference_layer(case.op), "values", case)
    panel, absent = load_oracles(oracles, device)
    for oracle in panel:
        try:
            comparisons = tuple(truth.for_oracle(oracle).judge(oracle.vjp(case)).values())
            found[oracle.name] = Replayed(comparisons, "; ".join(str(c) for c in comparisons if not c.passed))
        except UnsupportedCase as reason:
            found[oracle.name] = Replayed((), f"abstains: {reason}")
        except Exception as error:  # another project's code: it is shown, and the others go on
            found[oracle.name] = Replayed((), said(error))
    return found | {name: Replayed((), why) for name, why in absent.items()}


def replay(layer: Layer, check: str, case: Case, earlier: Sequence[Case] = (), watch: Watch = unwatched) -> Replayed:
    """Run the layer on the case, after the earlier ones on the same instance, and hold the claim again."""
    if layer.op != case.op:
        raise InputError(f"case: expected one of {layer.op}, the op of {layer.name}, got {case.op}")
    # it may have been read before the op was declared
    case, earlier = case.of(layer.declaration), [one.of(layer.declaration) for one in earlier]
    comparisons: tuple[Comparison, ...] = ()
    with watch(case):
        try:
            session = layer.start()
            for one in earlier:
                run_layer(layer, one, session)
            judged = truth_for(layer, case).judge(run_layer(layer, case, session).result)
            comparisons = tuple(judged.values())
            judge = next(c.judge for c in CHECKS if c.name == check)
            # what an instance's earlier calls showed shows in the comparisons; so do values
            if earlier or judge is values:
                hold(case, judged)
            else:
                judge(layer, case)
        except Lost as gone:
            return Replayed(comparisons, str(gone))
        except Disagreement as found:
            return Replayed(comparisons, found.message)
    return Replayed(comparisons, "")
