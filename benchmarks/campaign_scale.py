"""What a campaign costs besides its cases: bytes that travel, time of the client, of its file and of a Dask scheduler.

    python benchmarks/campaign_scale.py
    python benchmarks/campaign_scale.py --tasks 5000 --json scale.json

A few chunks are done first. Their sizes are then those of tasks that compute nothing, sent to a scheduler with two
workers, all processes of their own: the processor time of each, a task, is what grows with the number of workers.
"""

from __future__ import annotations

import argparse
import os
import pickle
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from machine import versions, write_json

from oracles.runs.campaign.executors import Dask, Local
from oracles.runs.campaign.plan import CHUNK, Chunk, Plan
from oracles.runs.campaign.state import State
from oracles.runs.campaign.work import Found, work

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def chunks_done(size: int, folder: Path) -> list[tuple[Chunk, Found]]:
    """One chunk of each op in float32 and float64, each after one that left it leaders to start from."""
    plan = Plan.of(dtypes=["float32", "float64"], cases=4 * size, size=size, seed=1)
    done = []
    with State.create(folder / "real.sqlite", plan) as state, Local(2) as executor:
        for half in (plan.chunks()[: len(plan.ops) * 2], plan.chunks()[len(plan.ops) * 2 :]):
            started = state.started(half)
            done = list(zip(started, executor.map(work, started), strict=True))
            state.finish([found for _, found in done])
    return done


def bare(found: Found) -> Found:
    """A chunk that found nothing new, as nearly all do once a campaign has run for a while."""
    return replace(found, leaders=(), margins=tuple(replace(m, case=None) for m in found.margins))


def client(done: list[tuple[Chunk, Found]], times: int, folder: Path) -> dict[str, float]:
    """Seconds that the client and its file take a chunk, and the bytes that the file grows by."""
    plan = Plan.of(dtypes=["float32", "float64"], cases=10**6, size=1000, seed=1)
    path = folder / "client.sqlite"
    with State.create(path, plan) as state:
        chunks = plan.chunks()[:times]
        before, cpu, start = path.stat().st_size, time.process_time(), time.perf_counter()
        for i, chunk in enumerate(chunks):
            (sent,) = state.started([chunk])
            found = done[i % len(done)][1].news(sent.known)
            state.finish([pickle.loads(pickle.dumps(replace(found, number=chunk.number)))])
        return {
            "client seconds a chunk": (time.perf_counter() - start) / times,
            "of it processor": (time.process_time() - cpu) / times,
            "bytes of the file a chunk": (path.stat().st_size - before) / times,
        }


@contextmanager
def cluster() -> Iterator[tuple[str, list[int]]]:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    cli = [sys.executable, "-m"]
    commands = [
        [*cli, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"],
        *[[*cli, "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]] * 2,
    ]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    processes = [subprocess.Popen(command, **quiet) for command in commands]
    try:
        for _ in range(100):
            try:
                with Dask(address) as executor:
                    if executor.at_once >= 2:
                        break
            except Exception:  # not up yet
                time.sleep(0.3)
        yield address, [p.pid for p in processes]
    finally:
        for process in processes:
            process.kill()


def nothing(given: bytes, size: int) -> bytes:
    return bytes(size)


def scheduler(sent: int, returned: int, tasks: int) -> dict[str, float]:
    with cluster() as (address, pids):
        executor = Dask(address)
        list(executor.map(nothing, [b""] * 100, [1] * 100))
        before, mine, start = [cpu_seconds(pid) for pid in pids], time.process_time(), time.perf_counter()
        flying = []
        for _ in range(tasks):
            flying.append(executor.submit(nothing, os.urandom(sent), returned))
            if len(flying) == 16:
                flying.pop(0).result()
        for future in flying:
            future.result()
        took = time.perf_counter() - start
        after = [cpu_seconds(pid) for pid in pids]
        executor.shutdown()
    return {
        "tasks a second": tasks / took,
        "scheduler processor seconds a task": (after[0] - before[0]) / tasks,
        "worker processor seconds a task": (sum(after[1:]) - sum(before[1:])) / tasks,
        "client processor seconds a task": (time.process_time() - mine) / tasks,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=2000, help="sent to the scheduler")
    parser.add_argument("--size", type=int, default=CHUNK, help="cases of the chunks that are done first")
    parser.add_argument("--json", help="write the figures to this file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        done = chunks_done(arguments.size, Path(folder))
        sent = [len(pickle.dumps(chunk)) for chunk, _ in done]
        returned = [len(pickle.dumps(found)) for _, found in done]
        figures = {
            "cases a chunk": float(arguments.size),
            "seconds a chunk, median": statistics.median(found.seconds for _, found in done),
            "bytes sent, median": statistics.median(sent),
            "bytes sent, most": float(max(sent)),
            "bytes returned, median": statistics.median(returned),
            "bytes returned, most": float(max(returned)),
            "bytes returned where nothing is new": statistics.median(
                len(pickle.dumps(bare(found))) for _, found in done
            ),
            **client(done, 300, Path(folder)),
        }
        figures |= scheduler(
            int(figures["bytes sent, median"]), int(figures["bytes returned, median"]), arguments.tasks
        )
    for name, value in figures.items():
        print(f"{name:40}{value:14,.5g}")
    print(versions())
    if arguments.json:
        write_json(arguments.json, figures=figures)


if __name__ == "__main__":
    main()
