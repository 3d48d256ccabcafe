"""The campaign itself: chunks sent out, and their results entered as they come."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait

from hypothesis.database import ExampleDatabase

from reference import InputError

from ..conformance.contain import said
from ..conformance.database import keep
from ..registry import OracleUnavailable
from .executors import Local
from .plan import Chunk
from .state import State
from .work import Found, work

ATTEMPTS = 2  # at a chunk alone, after it failed beside others
HOPELESS = 3  # chunks given up and none finished: nothing works here

Watch = Callable[[State, int], None]  # told after every change, with the number of chunks in flight


class CampaignStopped(RuntimeError):  # noqa: N818  (the campaign is whole; what carried it is not)
    """What ran the chunks is gone; what is done is in the state's file, and the campaign can be resumed."""


def run(
    state: State,
    executor: Executor,
    *,
    at_once: int,
    database: ExampleDatabase | None = None,
    watch: Watch = lambda state, flying: None,
) -> None:
    """Do the chunks of the state's plan that are not done yet, `at_once` at a time.

    database: where the cases of failures go, for tests to replay. Killed at any moment, it loses what is in flight
    alone. A chunk that fails, or whose process dies, is done again by itself, and given up where that fails too.
    Raises CampaignStopped where the executor is gone; InputError and OracleUnavailable as a chunk does, whose reason is
    that of all.
    """
    coming = deque(chunk for chunk in state.plan.chunks() if chunk.number not in state.done)
    suspects, attempts = deque[Chunk](), dict[int, int]()
    flying: dict[Future[Found], Chunk] = {}
    since = time.monotonic()
    watch(state, 0)
    while coming or suspects or flying:
        broke, room = False, at_once - len(flying) if not suspects else int(not flying)
        source = suspects or coming
        for chunk in state.started([source.popleft() for _ in range(min(room, len(source)))]):
            try:
                flying[executor.submit(work, chunk)] = chunk
            except BrokenExecutor:  # a worker has just died
                broke = True
                source.appendleft(chunk)
        over, _ = wait(flying, timeout=0 if broke else 1, return_when=FIRST_COMPLETED)
        if broke or any(not f.cancelled() and isinstance(f.exception(), BrokenExecutor) for f in over):
            over, _ = wait(flying)  # they all end with it
            _renew(executor)
        results = []
        for future in over:
            chunk = flying.pop(future)
            try:
                results.append(future.result())
            except (InputError, OracleUnavailable):
                raise
            except CancelledError:
                raise CampaignStopped("the executor is gone") from None
            except Exception as error:  # of the executor, the machine it is on, or this package
                tried = attempts[chunk.number] = attempts.get(chunk.number, -1) + 1
                if tried < ATTEMPTS:
                    suspects.append(chunk)
                    continue
                why = "its process died" if isinstance(error, BrokenExecutor) else said(error)
                state.give_up(chunk.number, f"{chunk.op} {chunk.dtype} {chunk.device}: {why}")
                if len(state.broken) >= HOPELESS and not state.findings.cases:
                    raise CampaignStopped(
                        f"no chunk can be done: {why}; `backproof check` says on which case"
                    ) from error
        now = time.monotonic()
        state.finish(results, now - since)
        since = now
        for found in results:
            keep(database, found.verdicts)
        watch(state, len(flying))


def _renew(executor: Executor) -> None:
    """Fresh processes for those that died; only this package's own executor can start them."""
    if not isinstance(executor, Local):
        raise CampaignStopped("the executor broke")
    executor.renew()
