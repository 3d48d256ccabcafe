"""Whatever a candidate does to the process while it runs, the caller finds it as it was.

`contained` goes around each run of a candidate, and is cheap: NumPy's error state and print options, warning filters,
standard output and error, the working directory, the recursion limit. `left_as_found` goes around a search: the
environment and the states of the global random generators, which have to last from one call to the next, or a layer
that draws from them would look repeatable. What a process cannot take back (a crash, a hang) needs `isolated`.
"""

from __future__ import annotations

import io
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from contextvars import ContextVar
from types import FrameType, TracebackType
from typing import Any

import numpy as np

from ..sources.registry import LayerError
from ..words import printable

# goes around each call of a candidate: the clock of whoever waits for it
CLOCK: ContextVar[Callable[[], AbstractContextManager[None]]] = ContextVar("CLOCK", default=nullcontext)


@contextmanager
def call_of_candidate() -> Iterator[None]:
    """A context for one call of a candidate: its own time is what counts, and what it sets does not reach what follows.

    Of NumPy's error state; the rest is `contained`'s.
    """
    with CLOCK.get()(), np.errstate():
        yield


class contained:  # noqa: N801  (used as a function is: `with contained():`)
    """A context in which a candidate may run. What it prints is swallowed; that it prints is no fault.

    What it raises leaves as an Exception: SystemExit and its like as a LayerError. KeyboardInterrupt passes where the
    user pressed Ctrl-C, even if the candidate swallowed it, and is the candidate's own otherwise.
    """

    def __enter__(self) -> None:
        self._limit = sys.getrecursionlimit()
        self._streams = sys.stdout, sys.stderr
        self._printing = np.get_printoptions()
        self._directory = _directory()
        self._interrupted = False
        self._handler: Any = None
        if threading.current_thread() is threading.main_thread():  # no other thread is interrupted
            handler = signal.getsignal(signal.SIGINT)
            if callable(handler):
                self._handler = handler
                signal.signal(signal.SIGINT, self._interrupt)
        # the call restores that too; None is what there is by default
        self._errors = np.errstate(all="ignore", call=None)  # type: ignore[arg-type]  # its stub knows no None
        self._warnings = warnings.catch_warnings()
        self._errors.__enter__()
        self._warnings.__enter__()
        warnings.simplefilter("ignore")  # a layer that warns is not wrong for it
        sys.stdout = sys.stderr = io.StringIO()

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        if sys.getrecursionlimit() != self._limit:
            sys.setrecursionlimit(self._limit)
        sys.stdout, sys.stderr = self._streams
        self._warnings.__exit__(None, None, None)
        self._errors.__exit__(None, None, None)
        if np.get_printoptions() != self._printing:
            np.set_printoptions(**self._printing)
        _go_to(self._directory)
        if self._handler is not None:
            signal.signal(signal.SIGINT, self._handler)
        if self._interrupted and not isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        if error is not None and not self._interrupted and not isinstance(error, Exception):
            raise LayerError(said(error)) from error

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self._interrupted = True
        self._handler(number, frame)


@contextmanager
def left_as_found() -> Iterator[None]:
    """Restore the environment, the directory and the global random generators at the end."""
    environment, directory = dict(os.environ), _directory()
    drawn, numpy_drawn = random.getstate(), np.random.get_state(legacy=False)  # noqa: NPY002  (a candidate may draw from it)
    try:
        yield
    finally:
        random.setstate(drawn)
        np.random.set_state(numpy_drawn)  # noqa: NPY002  (as above)
        _go_to(directory)
        for name in set(os.environ) - set(environment):
            del os.environ[name]
        os.environ.update({name: value for name, value in environment.items() if os.environ.get(name) != value})


def said(error: BaseException) -> str:
    """An exception on one line; of a LayerError its message, which says what came instead of a result."""
    text = _line(error, str, 300)
    if isinstance(error, LayerError):
        return text
    return f"raised {type(error).__name__}: {text}" if text else f"raised {type(error).__name__}"


def shown(value: object) -> str:
    """A value's repr on one line, cut where it is long."""
    return _line(value, repr, 80)


def _line(value: object, text: Any, limit: int) -> str:
    try:
        line = printable(" ".join(text(value).split()))
    except BaseException:  # it is the candidate's object: its repr may do anything
        return f"<a {type(value).__name__} that cannot be printed>"
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _directory() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return None


def _go_to(directory: str | None) -> None:
    if directory is not None and _directory() != directory:
        with suppress(OSError):  # the candidate may have removed it
            os.chdir(directory)
