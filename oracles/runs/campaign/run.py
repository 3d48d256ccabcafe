"""The campaign itself: chunks sent out, and their results entered as they come."""

from __future__ import annotations

import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from itertools import islice

from hypothesis.database import ExampleDatabase

from reference import InputError

from ...candidates.contain import said
from ...claims.verdicts import Verdict
from ...sources.registry import OracleUnavailable
from ..database import keep
from .plan import Chunk
from .state import State
from .work import Found, work

ATTEMPTS = 2  # at a chunk alone, after it failed beside others
HOPELESS = 3  # chunks given up and none finished: nothing works here

Watch = Callable[[State, int], None]  # told after every change, with the number of chunks in flight


class CampaignStopped(RuntimeError):  # noqa: N818  (the campaign is whole; what carried it is not)
    """What ran the chunks is gone; what is done is in the state's file, and the campaign can be resumed."""


def longest(cases: int) -> float:
    """The seconds that a chunk may take: fifty times what one of the reference takes beside torch and jax."""
    return max(600.0, 0.25 * cases)


def run(
    state: State,
    executor: Executor,
    *,
    at_once: int,
    timeout: float | None = None,
    database: ExampleDatabase | None = None,
    watch: Watch = lambda state, flying: None,
) -> None:
    """Do the chunks of the state's plan that are not done yet, `at_once` at a time; those given up before as well.

    timeout: the seconds that a chunk may take. database: where the cases of failures go, for tests to replay. Killed at
    any moment, it loses what is in flight alone. Chunks that were in flight when a process died or hung are done again,
    fewer at a time, and one that fails alone is given up. Raises CampaignStopped where the executor is gone, or nothing
    comes back from one that cannot `kill` and `renew` its processes; InputError and OracleUnavailable as a chunk does,
    whose reason is that of all.
    """
    state.try_again()
    _keep(database, state.findings.verdicts.values())  # what an earlier run had no time to
    limit = longest(state.plan.size) if timeout is None else timeout
    flights = _Flights(state, executor, at_once, limit)
    since = time.monotonic()
    watch(state, 0)
    while flights.left():
        results, fatal = flights.next()
        now = time.monotonic()
        state.finish(results, now - since)
        since = now
        _keep(database, (verdict for found in results for verdict in found.verdicts))
        if fatal is not None:
            raise fatal
        flights.give_up()
        watch(state, len(flights.flying))


class _Flights:
    """The chunks on their way.

    groups: what is done again, a group at a time and nothing beside it. A group that breaks is halved, so that the one
    that is to blame is soon alone.
    """

    def __init__(self, state: State, executor: Executor, at_once: int, limit: float) -> None:
        self._state, self._executor, self._at_once, self._limit = state, executor, at_once, limit
        self._coming = deque(chunk for chunk in state.plan.chunks() if chunk.number not in state.done)
        self._groups = deque[list[Chunk]]()
        self._attempts: dict[int, int] = {}
        self._hopeless: dict[int, str] = {}
        self._said: dict[int, str] = {}  # by the chunks that raised something
        self._grouped = False  # what flies is a group
        self._heard = 0.0  # when something last came, or was sent where nothing flew
        self._running: dict[int, float] = {}  # since when
        self.flying: dict[Future[Found], Chunk] = {}

    def left(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._coming or self._groups or self.flying)

    def next(self) -> tuple[list[Found], BaseException | None]:
        """Send what there is room for and wait a little: what has come, and why it cannot go on, if so."""
        try:
            broke = self._send()
        except CampaignStopped as gone:
            over, _ = wait(self.flying, timeout=0)
            return self._results(over)[0], gone
        over, _ = wait(self.flying, timeout=0 if broke else min(1.0, self._limit), return_when=FIRST_COMPLETED)
        hung = self._hung(over)
        if hung and not self._can("kill"):
            return self._results(over)[0], CampaignStopped(f"{_named(hung[0])}: {self._late()}")
        if hung:
            self._executor.kill()  # type: ignore[attr-defined]  # asked above
            broke = True
        if broke or any(not f.cancelled() and isinstance(f.exception(), BrokenExecutor) for f in over):
            over, _ = wait(self.flying)  # they all end with it
            if not self._can("renew"):
                return self._results(over)[0], CampaignStopped("the executor broke")
            self._executor.renew()  # type: ignore[attr-defined]  # asked above
        results, again, fatal = self._taken(over, hung)
        self._send_again([c for c in again if c not in hung], [c for c in again if c in hung])
        return results, fatal

    def _can(self, what: str) -> bool:
        return hasattr(self._executor, what)

    def _late(self) -> str:
        return f"not done within {self._limit:g} s"

    def _send(self) -> bool:
        """Hand over what there is room for; whether the executor is broken."""
        if self._groups and self.flying:
            return False
        if self._groups:
            chunks, self._grouped = self._groups.popleft(), True
        elif self._grouped and self.flying:
            return False
        else:
            room = self._at_once - len(self.flying)
            chunks, self._grouped = [self._coming.popleft() for _ in range(min(room, len(self._coming)))], False
        if not self.flying:
            self._heard = time.monotonic()
        started = deque(self._state.started(chunks))
        while started:
            try:
                self.flying[self._executor.submit(work, started[0])] = started[0]
            except BrokenExecutor:  # a worker has just died
                self._groups.appendleft(list(started))
                return True
            except RuntimeError as error:  # shut down
                raise CampaignStopped(f"the executor is gone: {error}") from error
            started.popleft()
        return False

    def _hung(self, over: set[Future[Found]]) -> list[Chunk]:
        """The chunks that take too long.

        Where it is known how many processes there are, what was sent first runs first. Elsewhere they may wait for a
        worker for any time: only where nothing at all comes back is something wrong.
        """
        now, waiting = time.monotonic(), [c for f, c in self.flying.items() if f not in over]
        workers = getattr(self._executor, "workers", None)
        if workers is None:
            if len(waiting) < len(self.flying):
                self._heard = now
            return waiting[:1] if waiting and now - self._heard > self._limit else []
        self._running = {c.number: self._running.get(c.number, now) for c in islice(waiting, workers)}
        return [c for c in waiting if now - self._running.get(c.number, now) > self._limit]

    def _results(self, over: Iterable[Future[Found]]) -> tuple[list[Found], list[tuple[Chunk, BaseException]]]:
        """Of the futures that are over, the results, and the chunks without one, with their errors."""
        results, failed = [], []
        for future in over:
            chunk = self.flying.pop(future)
            error = CancelledError() if future.cancelled() else future.exception()
            if error is None:
                results.append(future.result())
            else:
                failed.append((chunk, error))
        return results, failed

    def _taken(
        self, over: set[Future[Found]], hung: list[Chunk]
    ) -> tuple[list[Found], list[Chunk], BaseException | None]:
        """The results, the chunks to be done again, and an error that is that of all."""
        alone, again = self._grouped and len(self.flying) == 1, list[Chunk]()
        results, failed = self._results(over)
        for chunk, error in failed:
            if isinstance(error, (InputError, OracleUnavailable)):
                return results, again, error
            if isinstance(error, CancelledError):
                return results, again, CampaignStopped("the executor is gone")
            if not isinstance(error, Exception):  # KeyboardInterrupt and its like, in a thread
                return results, again, error
            if not isinstance(error, BrokenExecutor):
                self._said[chunk.number] = said(error)
            tried = self._attempts[chunk.number] = self._attempts.get(chunk.number, 0) + alone
            if tried < ATTEMPTS and not (alone and chunk in hung):  # what hangs alone hangs
                again.append(chunk)
                continue
            died = self._late() if chunk in hung else "its process died"
            # a process that a chunk left unusable dies of the next one: what it said when it did so tells more
            self._hopeless[chunk.number] = self._said.get(chunk.number, died)
        if len(self._hopeless) >= HOPELESS and not self._state.findings.cases and not results:
            why = next(iter(self._hopeless.values()))
            return results, again, CampaignStopped(f"no chunk can be done: {why}; `backproof check` says on which case")
        return results, again, None

    def _send_again(self, chunks: list[Chunk], hung: list[Chunk]) -> None:
        """What failed together: once more, and then in halves. What hung: alone."""
        self._groups.extend([chunk] for chunk in hung)
        if self._grouped or len(chunks) < 2:
            middle = len(chunks) // 2
            self._groups.extendleft(reversed([half for half in (chunks[:middle], chunks[middle:]) if half]))
        else:
            self._groups.appendleft(chunks)

    def give_up(self) -> None:
        """Enter the chunks that cannot be done, once others can be."""
        if self._state.findings.cases or not self.left():
            for number, why in self._hopeless.items():
                self._state.give_up(number, why)
            self._hopeless.clear()


def _keep(database: ExampleDatabase | None, verdicts: Iterable[Verdict]) -> None:
    """The cases of failures into the database; one that cannot be written does not end a campaign of hours."""
    try:
        keep(database, verdicts)
    except Exception as error:
        warnings.warn(f"failing cases were not kept for pytest: {said(error)}", RuntimeWarning, stacklevel=2)


def _named(chunk: Chunk) -> str:
    return f"chunk {chunk.number}, {chunk.op} in {chunk.dtype} on {chunk.device}"
