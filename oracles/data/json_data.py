"""Frozen dataclasses as JSON data and back: exact, standard, and read strictly.

Floats that JSON has no number for are the texts "nan", "inf" and "-inf"; cases are as `Case.to_json` writes them.
"""

from __future__ import annotations

import json
import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from reference import InputError

from ..words import printable
from .case import Case
from .files import parsed

Row = TypeVar("Row")
_SPECIAL = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def to_data(value: Any) -> Any:
    """A value or a frozen dataclass as JSON data."""
    if isinstance(value, Case):
        return json.loads(value.to_json())
    if isinstance(value, (tuple, list)):
        return [to_data(v) for v in value]
    if isinstance(value, Mapping):
        return {str(k): to_data(v) for k, v in value.items()}
    if is_dataclass(value):
        return {f.name: to_data(getattr(value, f.name)) for f in fields(value)}
    return repr(float(value)) if isinstance(value, float) and not math.isfinite(value) else value


def from_data(kind: type[Row], data: object, field: str) -> Row:
    """The dataclass that `to_data` wrote; InputError names the `field` that is missing or not as it should be."""
    if not isinstance(data, dict):
        raise InputError(f"{field}: expected an object, got {_cut(data)}")
    values, hints = {}, get_type_hints(kind)
    names = [f.name for f in fields(kind)]  # type: ignore[arg-type]  # a dataclass: typeshed's bound for one is private
    unknown = [name for name in data if name not in names]
    if unknown:
        raise InputError(f"{field}: expected {', '.join(names)}, got {_cut(unknown[0])}")
    for f in fields(kind):  # type: ignore[arg-type]
        if f.name in data:
            values[f.name] = _value(hints[f.name], data[f.name], f"{field}.{f.name}")
        elif f.default is MISSING and f.default_factory is MISSING:
            raise InputError(f"{field}.{f.name}: missing")
    return kind(**values)


def read_json(text: str, what: str) -> dict[str, Any]:
    """The JSON object that the text holds; InputError where it holds none."""
    data = parsed(text, what)
    if not isinstance(data, dict):
        raise InputError(f"{what}: expected an object, got {_cut(data)}")
    return data


def _value(kind: Any, data: object, field: str) -> Any:
    """The value of a field of that type."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return None if data is None else _value(inner[0], data, field)
    if kind is Case:
        try:
            return Case.from_json(json.dumps(data))
        except InputError as error:
            raise InputError(f"{field}: {error}") from None
    if isinstance(kind, type) and is_dataclass(kind):
        return from_data(kind, data, field)
    if origin is tuple:
        if not isinstance(data, list):
            raise InputError(f"{field}: expected a list, got {_cut(data)}")
        return tuple(_value(inner[0], item, f"{field}[{i}]") for i, item in enumerate(data))
    if origin in (dict, Mapping):
        if not isinstance(data, dict):
            raise InputError(f"{field}: expected an object, got {_cut(data)}")
        return {name: _value(inner[1], item, f"{field}.{name}") for name, item in data.items()}
    if kind is float and isinstance(data, str) and data in _SPECIAL:
        return _SPECIAL[data]
    if kind is str and isinstance(data, str):
        return printable(data)
    if not isinstance(data, (int, float) if kind is float else kind) or isinstance(data, bool):
        raise InputError(f"{field}: expected {_NAMES[kind]}, got {_cut(data)}")
    try:
        return float(data) if kind is float and isinstance(data, int) else data
    except OverflowError:
        raise InputError(f"{field}: expected a number that a float holds, got {_cut(data)}") from None


_NAMES = {str: "a text", int: "an integer", float: "a number"}


def _cut(data: object) -> str:
    text = json.dumps(data)
    return text if len(text) <= 60 else text[:59] + "…"
