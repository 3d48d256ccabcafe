"""parametrize_with_checks: one pytest id per layer, claim and oracle.

Beside kit.py, which stays readable without pytest. Importing this does not import pytest: the decorator does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from reference import InputError

from ..candidates.layer import Layer
from ..cases.generation import DTYPES
from ..claims.checks import CHECKS
from ..claims.judges import judged_by
from ..data.case import Case
from ..reports.report import CheckFailed
from ..sources.available import chosen
from ..sources.registry import DEVICES, names
from .layer_check import LayerCheck, Run
from .trial import WITH_ORACLES

Example = Case | str | Path


def parametrize_with_checks(
    layers: Sequence[Layer],
    *,
    expected_failures: Mapping[str, str] | None = None,
    oracles: Sequence[str] | None = None,
    dtypes: Sequence[str] | None = None,
    device: str | None = None,
    max_examples: int | None = None,
    seed: int | None = None,
    examples: Sequence[Example] = (),
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate `def test_my_layers(check): check()`: one id per layer, claim and oracle.

    `MyDense-values-torch`: the claim on values has an id an oracle (by default every one there is; one that cannot run
    skips and says why), `MyDense-layouts-exact`: the others one, held against the exact value. A call of `check` tries
    the claim in each dtype (float32 and float64 by default) and raises CheckFailed with the failed verdicts.

    examples: cases pinned by who found them, as Case or as the path of a file that Case.save wrote; each is an id
    `MyDense-example0-exact` of the layers of its op, judged by value.
    expected_failures: reasons by "check", "layer-check" or "layer-check-oracle": strict xfail, so that a repaired layer
    fails until its entry is removed. device, max_examples, seed: as in check_layer; the command line comes first.
    Raises InputError for what it does not know, ModuleNotFoundError without pytest.
    """
    try:
        import pytest
    except ModuleNotFoundError:
        line = "parametrize_with_checks: pytest is not installed; install it with: pip install pytest"
        raise ModuleNotFoundError(line, name="pytest") from None

    if isinstance(layers, Layer) or not layers or not all(isinstance(layer, Layer) for layer in layers):
        raise InputError(f"layers: expected a list of Layers, as Layer.from_class makes one of a class, got {layers!r}")
    if device is not None:
        chosen("device", [device], DEVICES)
    if max_examples is not None and max_examples < 1:
        raise InputError(f"max_examples: expected a positive number, got {max_examples}")
    wanted = chosen("dtypes", dtypes, DTYPES, default=("float32", "float64"))
    given = Run(seed=seed, device=device, examples=max_examples)
    checks = list(_checks(layers, chosen("oracle", oracles, names()), wanted, given, _cases(examples)))
    reasons = _reasons(expected_failures or {}, checks)

    def marks(check: LayerCheck) -> list[Any]:
        found = [reasons[key] for key in _keys(check) if key in reasons]
        return [pytest.mark.xfail(strict=True, reason=found[-1], raises=CheckFailed)] if found else []

    return pytest.mark.parametrize("check", [pytest.param(c, id=c.id, marks=marks(c)) for c in checks])


def _checks(
    layers: Sequence[Layer], oracles: Sequence[str], dtypes: tuple[str, ...], given: Run, examples: Sequence[Case]
) -> Iterator[LayerCheck]:
    for name, layer in _named(layers).items():
        for check in CHECKS:
            own = oracles if layer.declaration.definition is not None else layer.declaration.frameworks
            asked = [n for n in oracles if n in own] if check.name == WITH_ORACLES else []
            for oracle in asked or (judged_by(layer),):
                yield LayerCheck(name, layer, check.name, check, oracle, dtypes, given)
        for i, case in enumerate(examples):
            if case.op == layer.op:
                yield LayerCheck(name, layer, f"example{i}", case, judged_by(layer), (case.dtype.name,), given)
    unused = [case.op for case in examples if case.op not in {layer.op for layer in layers}]
    if unused:
        raise InputError(f"examples: no layer is a {unused[0]}, and one of the cases is")


def _named(layers: Sequence[Layer]) -> dict[str, Layer]:
    """The layers by names that are distinct: the second "Dense" is "Dense_2"."""
    named: dict[str, Layer] = {}
    taken = {layer.name for layer in layers}
    for layer in layers:
        name, count = layer.name, 1
        while name in named or (count > 1 and name in taken):
            count += 1
            name = f"{layer.name}_{count}"
        named[name] = layer
    return named


def _cases(examples: Sequence[Example]) -> list[Case]:
    if isinstance(examples, (str, Path, Case)):
        raise InputError(f"examples: expected a sequence of cases or paths, got {examples!r}")
    return [example if isinstance(example, Case) else Case.load(example) for example in examples]


def _keys(check: LayerCheck) -> tuple[str, str, str]:
    """What an expected failure may call it, the most particular last."""
    return check.what, f"{check.name}-{check.what}", check.id


def _reasons(expected: Mapping[str, Any], checks: Sequence[LayerCheck]) -> Mapping[str, Any]:
    known = list(dict.fromkeys(key for check in checks for key in _keys(check)))
    for key, reason in expected.items():
        if key not in known:
            near = get_close_matches(str(key), known, n=3, cutoff=0.5) or known[:3]
            raise InputError(f"expected_failures: nothing is called {key!r}; nearest: {', '.join(near)}")
        if not isinstance(reason, str) or not reason.strip():
            raise InputError(f"expected_failures: {key!r} needs a reason, got {reason!r}")
    return expected
