"""What a shell completes: the values of the options, and the files that candidates are in."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

from ..data.arrays import FLOAT_DTYPES
from ..ops import OPS
from ..sources.registry import DEVICES, names

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def one_of(known: Callable[[], Iterable[str]]) -> Complete:
    """Completes to those of the known names that begin as what was typed."""

    def complete(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
        return [CompletionItem(name) for name in known() if name.startswith(typed)]

    return complete


def files(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Completes to the names of files, as the shell itself does."""
    return [CompletionItem(typed, type="file")]


ops = one_of(lambda: OPS)
dtypes = one_of(lambda: FLOAT_DTYPES)
oracles = one_of(names)
devices = one_of(lambda: DEVICES)
targets = one_of(lambda: ("ids", "one_hot", "soft"))
frameworks = one_of(lambda: ("torch", "jax"))
