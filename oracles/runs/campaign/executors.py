"""Where chunks run: processes of this machine, or a Dask cluster; `run` takes any `concurrent.futures.Executor`."""

from __future__ import annotations

import re
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import ExitStack, suppress
from importlib import import_module
from multiprocessing import get_context
from typing import Any

from reference import InputError
from reference._arrays import shown

from ...sources.registry import OracleUnavailable
from ..processes import cores, ends_with_its_parent, held_to_one_thread

MOST = 1024  # processes of one machine


class Local(Executor):
    """Fresh processes, one a core by default, each with one thread; they end with this one, however it ends.

    When one of them dies the pool is renewed: what was in flight fails with BrokenProcessPool, and may be sent again.
    at_once: how many chunks to hand it.
    """

    def __init__(self, workers: int | None = None) -> None:
        if workers is not None and not 1 <= workers <= MOST:
            raise InputError(f"workers: expected a number from 1 to {MOST}, got {shown(workers)}")
        self.workers = workers or cores()
        self.at_once = self.workers + 1  # one waits, so that no worker does
        self._pool: ProcessPoolExecutor | None = None
        self._held = ExitStack()
        self._held.enter_context(held_to_one_thread())  # until shutdown: a pool is renewed where a worker died

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As for any executor."""
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self.workers, mp_context=get_context("spawn"), initializer=ends_with_its_parent
            )
        return self._pool.submit(fn, *args, **kwargs)

    def kill(self) -> None:
        """End the processes at once: what is in flight fails with BrokenProcessPool."""
        if self._pool is not None:
            for process in list((self._pool._processes or {}).values()):
                with suppress(OSError):
                    process.kill()

    def renew(self) -> None:
        """After a worker died: fresh ones."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As for any executor; what runs is not waited for when it is cancelled."""
        if self._pool is not None:
            if cancel_futures:
                self.kill()
            self._pool.shutdown(wait=wait, cancel_futures=cancel_futures)
            self._pool = None
        self._held.close()


class Dask(Executor):
    """The Dask cluster whose scheduler has that address.

    Start its workers with --nthreads 1: a chunk is one thread's work. at_once: how many chunks to hand it. Raises
    InputError where Dask is not installed or nobody answers, OracleUnavailable where there are no workers.
    """

    def __init__(self, address: str) -> None:
        try:
            client_of = import_module("distributed").Client
        except ImportError:
            raise InputError("dask: not installed; install it with: pip install distributed") from None
        if not re.fullmatch(r"([a-z0-9]+://)?[^/\s]+:\d+", address):
            raise InputError(f"--dask: expected an address like tcp://HOST:PORT, got {address!r}")
        try:
            self._client = client_of(address, timeout="10s", set_as_default=False)
            threads = sum(self._client.nthreads().values())
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(f"--dask: {address}: no scheduler answers there ({error})") from None
        if not threads:
            self._client.close()
            raise OracleUnavailable(
                f"--dask: {address}: the scheduler has no workers; start them with: dask worker {address} --nthreads 1"
            )
        self.at_once = threads + -(-threads // 8)  # some wait, so that no worker does
        self._executor: Executor = self._client.get_executor(pure=False)

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As for any executor."""
        return self._executor.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As for any executor, and leave the cluster."""
        self._executor.shutdown(wait=wait and not cancel_futures)  # Dask's cancels what runs where it does not wait
        self._client.close()
