"""Finds the oracles and loads them on demand.

An oracle is a module: a file `NAME/oracle.py` beside this one, or the entry point NAME of group "backproof.oracles".
It imports its framework at the top, and holds
    INSTALL                     the line that installs what it imports
    version() -> str            of the framework
    devices() -> tuple[str]     where it can run here
    vjp(case, device) -> Result
A framework in which candidates can be written also holds
    share(array, device)        its array, on the same memory where it can be
    to_array(its array)         back, likewise
    tracer(op, fn, device)      trace(primals, options) -> (output, cotangent -> gradients by name, None for none)
    depends_on(output, array)   whether its array went into its output, where it can tell
    IMMUTABLE = True            where nobody can write to its arrays, which may then be handed on as they are
One that is no framework, with which nothing is cross-validated, holds
    OWN_ARITHMETIC = True
One whose settings may let it take matrix products in less than the dtype holds
    product_roundoff(dtype, device) -> float   the unit roundoff of their operands, 0 for the dtype's own
    sums_products_in(dtype, device) -> str     "strict" for float32 sums of the two-byte floats, "native" for their own
One that runs on a GPU, which may be lost, holds
    lost() -> str               what it says where it answers nothing any more in this process; "" where it is well
One that may fail as it is installed holds
    trouble() -> str            what would end the process, and what to do; "" where nothing would
One that keeps something for every shape it sees holds
    forget()                    to drop it
Nothing is imported before `load`: whether an oracle is installed is read off its file.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from reference import InputError

from ..data.case import Case
from ..data.result import Result
from ..words import did_you_mean

GROUP = "backproof.oracles"
DEVICES = ("cpu", "cuda")
OWN_ARITHMETIC = ("exact", "finite_difference")  # the oracles of this project, which are no frameworks
_LOADED: dict[str, ModuleType] = {}


class OracleUnavailable(RuntimeError):  # noqa: N818  (a state of the machine rather than a mistake)
    """An oracle that cannot run here; the message says what is missing and how to get it."""


class UnsupportedCase(ValueError):  # noqa: N818  (the case is right; this oracle has nothing to say on it)
    """A case on which an oracle abstains; the message says why. The comparison is skipped, visibly."""


class LayerError(RuntimeError):
    """A layer that did not return what its op promises; the message says what came instead."""


@dataclass(frozen=True)
class Products:
    """How matrix products are taken.

    operand: the unit roundoff that their operands are rounded to first, 2^-11 for TF32. sums: "strict" where the
    two-byte floats are summed in float32, "native" where in themselves.
    """

    operand: float = 0.0
    sums: str = "strict"


EXACT = Products()  # operands as they are, float32 sums


@dataclass(frozen=True)
class Oracle:
    """A loaded oracle: `vjp(case)` computes output and gradients on `device`, NumPy in, NumPy out."""

    name: str
    version: str
    device: str
    module: ModuleType

    def vjp(self, case: Case) -> Result:
        """The output and the gradients by primal name, each of its primal's shape.

        Raises UnsupportedCase where the oracle abstains.
        """
        result: Result = self.module.vjp(case, self.device)
        return result

    def products(self, dtype: str) -> Products:
        """What its settings promise of matrix products, here and now."""
        operand = getattr(self.module, "product_roundoff", lambda dtype, device: EXACT.operand)
        sums = getattr(self.module, "sums_products_in", lambda dtype, device: EXACT.sums)
        return Products(operand(dtype, self.device), sums(dtype, self.device))

    @property
    def enclose(self) -> Callable[..., Any] | None:
        """The function that encloses the truth rigorously, for oracles that have one."""
        return getattr(self.module, "enclose", None)

    @property
    def is_framework(self) -> bool:
        """Whether this is an independent framework rather than this project's own arithmetic."""
        return not getattr(self.module, "OWN_ARITHMETIC", False)


def names() -> tuple[str, ...]:
    """The names of every oracle there is, installed or not, sorted."""
    return tuple(sorted({*_files(), *_entry_points()}))


def available() -> tuple[str, ...]:
    """The names of the oracles whose framework is installed, sorted; nothing is imported to find out."""
    return tuple(name for name in names() if not missing(name))


def missing(name: str) -> str | None:
    """The first module that an oracle imports and that is not installed; None when all are there."""
    path = _files().get(name)
    for module in _imports(path) if path else ():
        if module not in sys.modules and find_spec(module) is None:
            return module
    return None


def install_line(name: str) -> str:
    """The command that installs what an oracle needs."""
    path = _files().get(name)
    if path:
        return _constant(path, "INSTALL")
    package = _entry_points()[name].dist
    return f"pip install {package.name if package else name}"


def load(name: str, *, device: str = "cpu") -> Oracle:
    """The oracle of that name, its framework imported.

    Raises InputError for an unknown name or device, OracleUnavailable when the framework is missing or broken or has no
    such device.
    """
    if name not in names():
        raise InputError(f"oracle: expected one of {', '.join(names())}, got {name!r}{did_you_mean(name, names())}")
    if device not in DEVICES:
        hint = did_you_mean(device, DEVICES)
        raise InputError(f"device: expected one of {', '.join(DEVICES)}, got {device!r}{hint}")
    absent = missing(name)
    if absent:
        raise OracleUnavailable(f"{name}: {absent} is not installed; install it with: {install_line(name)}")
    try:
        module = import_module(f"{__package__}.{name}.oracle") if name in _files() else _entry_points()[name].load()
        oracle = Oracle(name, module.version(), device, module)
        _LOADED[name] = module
        devices = module.devices()
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise OracleUnavailable(
            f"{name}: installed, but it cannot be imported ({said}); reinstall it with: {install_line(name)}"
        ) from error
    if device not in devices:
        raise OracleUnavailable(f"{name}: no {device} device here; it can run on {', '.join(devices)}")
    return oracle


def loaded() -> tuple[ModuleType, ...]:
    """The adapters that this process has loaded."""
    return tuple(_LOADED.values())


def adapter_of(value: object) -> ModuleType | None:
    """The adapter of the framework that an object comes from, which is then imported already; None for any other."""
    for cls in type(value).__mro__:
        name = cls.__module__.partition(".")[0]
        adapter = _adapter(name) if name in sys.modules else None
        if adapter:
            return adapter
    return None


@lru_cache(maxsize=64)
def _adapter(name: str) -> ModuleType | None:
    try:
        return load(name).module if name in names() else None
    except OracleUnavailable:  # then NumPy's own protocols have to do
        return None


@lru_cache(maxsize=1)
def _files() -> dict[str, Path]:
    return {path.parent.name: path for path in Path(__file__).parent.glob("*/oracle.py")}


def _entry_points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


@lru_cache
def _imports(path: Path) -> tuple[str, ...]:
    """The top-level packages that a file imports at its top, its own package's aside."""
    found = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.append(node.module)
    return tuple(name.partition(".")[0] for name in found)


@lru_cache
def _constant(path: Path, name: str) -> str:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            return str(ast.literal_eval(node.value))
    raise InputError(f"{path}: an oracle says with {name} how to install what it imports")
