"""A campaign on a real cluster: a scheduler and workers as processes of their own, which are killed."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

import pytest

from oracles.candidates.target import Target, load_layer
from oracles.runs.campaign.state import State
from oracles.runs.database import kept, opened

SIGKILL = getattr(signal, "SIGKILL", None)
pytestmark = pytest.mark.skipif(SIGKILL is None, reason="processes cannot be killed here")
BACKPROOF = [sys.executable, "-m", "oracles.cli.main"]
PLAN = ["--op", "softmax", "--op", "relu", "--oracle", "exact", "--seed", "5"]
SECONDS = 180  # for anything to happen


@contextmanager
def process(*arguments, folder, **more):
    """A process that is gone afterwards, whatever happens."""
    with open(folder / "log", "a") as log:
        started = subprocess.Popen(
            [str(a) for a in arguments],
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **more,
        )
        try:
            yield started
        finally:
            with suppress(ProcessLookupError):
                os.killpg(started.pid, SIGKILL)
            started.wait()


def until(holds, what, folder):
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end, f"{what}: not within {SECONDS} s\n{(folder / 'log').read_text()}"
        time.sleep(0.02)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def changes(path):
    """Says how often a file has changed since the first call."""
    seen = set()

    def count():
        if path.exists():
            seen.add(path.stat().st_mtime_ns)
        return len(seen)

    return count


@pytest.fixture
def cluster(tmp_path):
    """The address of a scheduler, and its two workers."""
    pytest.importorskip("distributed", reason="Dask is not installed")
    address = f"tcp://127.0.0.1:{free_port()}"
    dask = [sys.executable, "-m", "distributed.cli"]
    worker = [*dask[:-1], "distributed.cli.dask_worker", address, "--nthreads", 1, "--no-nanny", "--no-dashboard"]
    quiet = ["--host", "127.0.0.1", "--port", address.rpartition(":")[2], "--no-dashboard"]
    with (
        process(*dask[:-1], "distributed.cli.dask_scheduler", *quiet, folder=tmp_path),
        process(*worker, folder=tmp_path) as first,
        process(*worker, folder=tmp_path) as second,
    ):
        yield address, (first, second)


def campaign(*arguments, folder):
    return process(*BACKPROOF, "campaign", *arguments, folder=folder)


def test_a_worker_and_the_client_killed_and_the_totals_are_exact(cluster, tmp_path):
    address, workers = cluster
    path = tmp_path / "c.sqlite"
    changed = changes(path)
    plan = [*PLAN, "--cases", 3000, "--chunk", 50]
    with campaign("--dask", address, *plan, "--state", path, folder=tmp_path) as client:
        until(lambda: changed() > 15, "the first chunks", tmp_path)
        os.kill(workers[0].pid, SIGKILL)
        before = changed()
        until(lambda: changed() > before + 15, "chunks of the other worker", tmp_path)
        os.kill(client.pid, SIGKILL)
        client.wait()
    with State.open(path) as state:
        done = set(state.done)
        assert 0 < state.findings.cases == 50 * len(done) < 6000
    report = tmp_path / "report.json"
    with campaign("--dask", address, "--resume", "--state", path, "--json", report, folder=tmp_path) as client:
        assert client.wait(SECONDS) == 0, (tmp_path / "log").read_text()
    with State.open(path) as state:
        assert {op: counts.cases for op, counts in state.findings.counts.items()} == {"softmax": 3000, "relu": 3000}
        assert len(state.done) == 120 > len(done)
        assert {m.cases for m in state.findings.margins.values()} == {750}
    assert json.loads(report.read_text())["cases"] == 6000


def test_the_client_on_this_machine_killed_and_resumed(tmp_path):
    path = tmp_path / "c.sqlite"
    changed = changes(path)
    with campaign(*PLAN, "--cases", 2000, "--chunk", 50, "--state", path, folder=tmp_path) as client:
        until(lambda: changed() > 15, "the first chunks", tmp_path)
        os.kill(client.pid, SIGKILL)
    with State.open(path) as state:
        assert 0 < state.findings.cases < 4000
    with campaign("--resume", "--state", path, folder=tmp_path) as client:
        assert client.wait(SECONDS) == 0, (tmp_path / "log").read_text()
    with State.open(path) as state:
        assert {op: counts.cases for op, counts in state.findings.counts.items()} == {"softmax": 2000, "relu": 2000}


WRONG = """
import numpy as np

class WrongReLU:
    def forward(self, inputs):
        self.mask = inputs > 0
        return np.maximum(inputs, 0)
    def backward(self, dvalues):
        return dvalues * 1.5 * self.mask
"""
REPLAYS = """
import pytest
from hypothesis import settings
from oracles import Layer, parametrize_with_checks
from oracles.runs.database import opened
from wrong_relu import WrongReLU

settings.register_profile("shared", database=opened("{where}"))
settings.load_profile("shared")

@parametrize_with_checks([Layer.from_class("relu", WrongReLU)])
def test_it(check):
    check()
"""


@pytest.fixture
def redis(tmp_path):
    """The address of a Redis server of its own."""
    pytest.importorskip("redis", reason="the client of Redis is not installed")
    from shutil import which

    if which("redis-server") is None:
        pytest.skip("there is no redis-server here; apt-get install redis-server")
    port = free_port()
    arguments = ("--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
    with process("redis-server", *arguments, folder=tmp_path):
        end = time.monotonic() + SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < end
                time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}"


def test_what_a_campaign_finds_another_process_replays(redis, tmp_path):
    (tmp_path / "wrong_relu.py").write_text(WRONG)
    arguments = ["wrong_relu.py:WrongReLU", "--op", "relu", "--oracle", "exact", "--cases", 40, "--chunk", 20]
    with campaign(*arguments, "--database", redis, folder=tmp_path) as client:
        assert client.wait(SECONDS) == 1, (tmp_path / "log").read_text()
    layer = load_layer(Target(f"{tmp_path}/wrong_relu.py:WrongReLU", "relu"))
    assert [case for _, case in kept(opened(redis), "values", layer, "float32")]
    (tmp_path / "test_it.py").write_text(REPLAYS.format(where=redis))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-k", "values and exact", "test_it.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])},
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search("a case kept from an earlier run", done.stdout), done.stdout
