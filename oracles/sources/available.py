"""The oracles that take part in a run, and what is said of those that cannot."""

from __future__ import annotations

import math
from collections.abc import Sequence

from reference import InputError
from reference._arrays import FLOATS, shown

from ..words import did_you_mean
from .registry import DEVICES, Oracle, OracleUnavailable, available, install_line, load, names


def chosen(
    label: str, wanted: Sequence[str] | None, known: Sequence[str], *, default: Sequence[str] | None = None
) -> tuple[str, ...]:
    """The names asked for, one or several, by default all that are known; InputError for one that is not."""
    wanted = [wanted] if isinstance(wanted, str) else wanted
    unknown = [w for w in wanted or () if w not in known]
    if unknown:
        raise InputError(
            f"{label}: expected one of {', '.join(known)}, got {shown(unknown[0])}{did_you_mean(unknown[0], known)}"
        )
    return tuple(wanted or default or known)


def load_on(name: str, device: str) -> Oracle:
    """The oracle on the device; the project's own arithmetic runs on the CPU. Raises as `load` does."""
    oracle = load(name)
    return load(name, device=device) if oracle.is_framework else oracle


def load_oracles(
    wanted: Sequence[str] | None,
    device: str = "cpu",
    *,
    candidate: Oracle | None = None,
    known: Sequence[str] | None = None,
) -> tuple[tuple[Oracle, ...], dict[str, str]]:
    """The oracles of those names, all there are by default; and why those that were not asked for by name cannot run.

    candidate: the framework of the layer under test, where it has one, which may be all that runs on the device. known:
    those that have something to say on the layer, where not all have. Raises InputError for unknown names and
    OracleUnavailable for one that was asked for and cannot run.
    """
    wanted = [wanted] if isinstance(wanted, str) else wanted
    for name in wanted or ():
        if known is not None and name not in known:
            has = f"functions in {', '.join(known)}" if known else "no function of a framework"
            raise InputError(f"oracle: the op has no definition, and {has}, got {name!r}")
    if device not in DEVICES:
        hint = did_you_mean(device, DEVICES)
        raise InputError(f"device: expected one of {', '.join(DEVICES)}, got {device!r}{hint}")
    loaded, absent = [], {}
    for name in wanted or (names() if known is None else known):
        try:
            loaded.append(load_on(name, device))
        except OracleUnavailable as reason:
            if wanted:
                raise
            absent[name] = str(reason)
    running = [*loaded, *([candidate] if candidate is not None and candidate.device == device else [])]
    if device != "cpu" and not any(oracle.is_framework for oracle in running):
        raise OracleUnavailable(
            "; ".join(absent.values()) or f"no framework was asked for, and only those run on {device}"
        )
    return tuple(loaded), absent


def version_of(oracle: Oracle) -> str:
    """As the header shows it: the version, and for a framework the device."""
    return f"{oracle.version} ({oracle.device})" if oracle.is_framework else oracle.version


def products_note(oracles: Sequence[Oracle], dtypes: Sequence[str] = FLOATS) -> tuple[str, ...]:
    """A line an oracle whose settings let matrix products be taken in less than the dtype."""
    said = []
    for oracle in oracles:
        for dtype in dtypes:
            products, held = oracle.products(dtype), "its dense output, dinputs and dweights are held to that"
            if products.operand:
                name = {2.0**-11: "TF32", 2.0**-8: "bfloat16"}.get(products.operand, f"roundoff {products.operand:.3g}")
                said.append(
                    f"{oracle.name} on {oracle.device} may take {dtype} matrix products in {name}, by its settings: "
                    f"{held}, 2^{math.log2(products.operand):.0f} an operand."
                )
            if products.sums == "native":
                said.append(
                    f"{oracle.name} on {oracle.device} may sum {dtype} matrix products in {dtype}, by its settings: "
                    f"{held}."
                )
    return tuple(said)


def cross_validation_note(oracles: Sequence[Oracle]) -> tuple[str, ...]:
    """A line that says so where no framework took part: the run is then no cross-validation."""
    if any(oracle.is_framework for oracle in oracles):
        return ()
    left_out = [name for name in ("torch", "jax") if name in available()]
    if left_out:
        return (f"Nothing was cross-validated: {' and '.join(left_out)} did not take part, as was asked for.",)
    lines = " or ".join(f"`{install_line(name)}`" for name in ("torch", "jax"))
    return (f"Nothing was cross-validated: no framework oracle took part. Install one with {lines}.",)
