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
from .plan import Chunk
from .state import State
from .work import Found, work

ATTEMPTS = 2  # at a chunk alone, after it failed beside others
HOPELESS = 3  # chunks given up and none finished: nothing works here

Watch = Callable[[State, int], None]  # told after every change, with the number of chunks in flight


def longest(cases: int) -> float:
    """The seconds that a chunk may take: fifty times what one of the reference takes beside torch and jax."""
    return max(600.0, 0.25 * cases)


class CampaignStopped(RuntimeError):  # noqa: N818  (the campaign is whole; what carried it is not)
    """What ran the chunks is gone; what is done is in the state's file, and the campaign can be resumed."""


def run(
    state: State,
    executor: Executor,
    *,
    at_once: int,
    timeout: float | None = None,
    database: ExampleDatabase | None = None,
    watch: Watch = lambda state, flying: None,
) -> None:
    """Do the chunks of the state's plan that are not done yet, `at_once` at a time.

    timeout: the seconds that a chunk may take. database: where the cases of failures go, for tests to replay. Killed at
    any moment, it loses what is in flight alone. A chunk that fails, whose process dies, or that takes too long, is
    done again by itself, and given up where that fails too. Raises CampaignStopped where the executor is gone, or a
    process of one that cannot `kill` and `renew` them; InputError and OracleUnavailable as a chunk does, whose reason
    is that of all.
    """
    limit = longest(state.plan.size) if timeout is None else timeout
    coming = deque(chunk for chunk in state.plan.chunks() if chunk.number not in state.done)
    suspects, attempts = deque[Chunk](), dict[int, int]()
    flying: dict[Future[Found], Chunk] = {}
    sent: dict[int, float] = {}
    late: dict[int, str] = {}
    since = time.monotonic()
    watch(state, 0)
    while coming or suspects or flying:
        broke, room = False, at_once - len(flying) if not suspects else int(not flying)
        source = suspects or coming
        for chunk in state.started([source.popleft() for _ in range(min(room, len(source)))]):
            try:
                flying[executor.submit(work, chunk)] = chunk
                sent[chunk.number] = time.monotonic()
            except BrokenExecutor:  # a worker has just died
                broke = True
                source.appendleft(chunk)
        over, _ = wait(flying, timeout=0 if broke else min(1.0, limit), return_when=FIRST_COMPLETED)
        now = time.monotonic()
        hung = [c for f, c in flying.items() if f not in over and now - sent[c.number] > limit]
        if hung:
            late |= {c.number: f"not done within {limit:g} s" for c in hung}
            attempts |= {c.number: ATTEMPTS for c in hung if c.number in attempts}  # alone: no other is to blame
            _kill(executor, hung[0], late[hung[0].number])
        if hung or broke or any(not f.cancelled() and isinstance(f.exception(), BrokenExecutor) for f in over):
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
                died = late.get(chunk.number, "its process died")
                why = died if isinstance(error, BrokenExecutor) else said(error)
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


def _kill(executor: Executor, chunk: Chunk, why: str) -> None:
    """End the processes, one of which hangs."""
    if not hasattr(executor, "kill"):
        raise CampaignStopped(f"chunk {chunk.number}, {chunk.op} in {chunk.dtype} on {chunk.device}: {why}")
    executor.kill()


def _renew(executor: Executor) -> None:
    """Fresh processes for those that died."""
    if not hasattr(executor, "renew"):
        raise CampaignStopped("the executor broke")
    executor.renew()
