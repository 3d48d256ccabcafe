"""Jobs shared between this process and others.

- The others are started afresh: torch and jax do not survive a fork. They end with this one, however it ends.
- Nothing is lost with one that dies, or cannot be started: its job is done here.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


# set before the libraries read them; jax's thread pool goes by NPROC, or PJRT_NPROC
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC", "PJRT_NPROC")
_XLA = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def one_thread() -> dict[str, str]:
    """What the environment of a process lacks that is to hold torch, OpenBLAS and XLA to one thread.

    Threads that wait for each other on cores that others use cost ten times what they save. What the environment says
    already stands: with OMP_NUM_THREADS=4 a kernel is judged with four threads.
    """
    number = os.environ.get("OMP_NUM_THREADS", "1")
    missing = {name: number for name in _THREADS if name not in os.environ}
    return missing | ({"XLA_FLAGS": _XLA} if number == "1" and "XLA_FLAGS" not in os.environ else {})


@contextmanager
def held_to_one_thread() -> Iterator[None]:
    """A context in which the processes that are started are; this one is left as it was."""
    added = one_thread()
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share(
    jobs: Sequence[Job],
    workers: int,
    *,
    here: Callable[[Job], Result],
    there: Callable[[Job], Result],
    came: Callable[[Result], None] = lambda result: None,
) -> list[Result]:
    """The jobs' results in order, of `workers` processes: `here` runs in this one, and `there` in the others.

    there: a module's function; what it takes and returns is pickled. came: told each result of another process.
    """
    if workers < 2 or len(jobs) < 2:
        return [here(job) for job in jobs]
    coming, results = deque(enumerate(jobs)), dict[int, Result]()
    others = min(workers, len(jobs)) - 1
    with (
        held_to_one_thread(),
        ProcessPoolExecutor(others, mp_context=get_context("spawn"), initializer=ends_with_its_parent) as pool,
        ThreadPoolExecutor(others) as feeders,
    ):

        def work(do: Callable[[Job], Result]) -> None:
            while True:
                try:
                    i, job = coming.popleft()
                except IndexError:
                    return
                try:
                    results[i] = do(job)
                except BrokenProcessPool:
                    coming.append((i, job))
                    return
                except BaseException:
                    coming.clear()  # the run is over
                    raise

        def elsewhere(job: Job) -> Result:
            result = pool.submit(there, job).result()
            came(result)
            return result

        feeding = [feeders.submit(work, elsewhere) for _ in range(others)]
        work(here)
        for feeder in feeding:
            feeder.result()
        work(here)  # what a dead process left
    return [results[i] for i in range(len(jobs))]


def ends_with_its_parent() -> None:
    """Set a process up as one of these: it leaves Ctrl-C to its parent, and is gone when that is."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's business: it asks for no more
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    Thread(target=watch, daemon=True).start()
