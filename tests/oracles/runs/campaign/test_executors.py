import os
import signal
import time
from concurrent.futures import BrokenExecutor

import pytest
from here import plan

from oracles import InputError
from oracles.runs.campaign.executors import Dask, Local
from oracles.runs.campaign.run import run
from oracles.runs.campaign.state import State


def test_a_worker_has_one_thread_and_this_process_what_it_had(monkeypatch):
    for name in ("OMP_NUM_THREADS", "XLA_FLAGS"):
        monkeypatch.delenv(name, raising=False)
    before = dict(os.environ)
    with Local(1) as executor:
        assert executor.submit(os.getenv, "OMP_NUM_THREADS").result() == "1"
        assert "intra_op_parallelism_threads=1" in executor.submit(os.getenv, "XLA_FLAGS").result()
        assert executor.submit(os.getpid).result() != os.getpid()
    assert dict(os.environ) == before


def test_what_the_environment_says_of_threads_stands(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with Local(1) as executor:
        assert executor.submit(os.getenv, "MKL_NUM_THREADS").result() == "3"


def test_workers_that_there_cannot_be():
    with pytest.raises(InputError, match="workers: expected a number from 1 to 1024"):
        Local(0)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="processes cannot be killed here")
def test_a_worker_killed_in_the_middle_costs_nothing(tmp_path):
    with State.create(tmp_path / "c.sqlite", plan(cases=200)) as state, Local(2) as executor:
        killed = []

        def kill(state, flying):
            if len(killed) < 2 and len(state.done) > 3 * len(killed):
                process = next(iter(executor._pool._processes.values()))
                os.kill(process.pid, signal.SIGKILL)
                killed.append(process.pid)

        run(state, executor, at_once=3, watch=kill)
        assert len(killed) == 2
        assert (state.findings.cases, state.broken) == (400, {})
        assert all(m.cases == 100 for m in state.findings.margins.values())


def test_cancelled_it_does_not_wait_for_what_runs():
    executor = Local(1)
    executor.submit(os.getpid).result()
    executor.submit(time.sleep, 60)
    start = time.monotonic()
    executor.shutdown(cancel_futures=True)
    assert time.monotonic() - start < 30


def test_a_process_that_hangs_is_killed_and_others_go_on():
    with Local(1) as executor:
        future = executor.submit(time.sleep, 600)
        executor.kill()
        with pytest.raises(BrokenExecutor):
            future.result(60)
        executor.renew()
        assert executor.submit(abs, -1).result(60) == 1
        executor.kill()
    executor.kill()  # nobody is left


def test_dask_that_is_not_installed_is_said(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(InputError, match=r"pip install distributed"):
        Dask("tcp://127.0.0.1:1")


def test_a_scheduler_that_is_not_there_is_said():
    pytest.importorskip("distributed", reason="Dask is not installed")
    with pytest.raises(InputError, match="no scheduler answers there"):
        Dask("tcp://127.0.0.1:1")
