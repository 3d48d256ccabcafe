"""Work that several processes share: all of it is done once, whatever becomes of them."""

import os
import signal
import subprocess
import sys
import time

import pytest

from oracles.runs.processes import cores, share

# what another process imports: a module that it finds, whatever pytest calls this one
JOBS = """
import os, signal, time, pathlib

def there(job):
    return job, os.getpid()

def fatal(job):
    os.kill(os.getpid(), signal.SIGKILL)

def refuses(job):
    raise ValueError(f"job {job}")

def endless(job):
    pathlib.Path(__file__).with_name("pid").write_text(str(os.getpid()))
    time.sleep(600)
"""


@pytest.fixture
def jobs(module_of):
    return module_of("jobs_of_other_processes", JOBS)


def here(job):
    return job, os.getpid()


def slowly(job):
    time.sleep(0.1)
    return here(job)


def test_results_come_in_order_from_several_processes(jobs):
    told, until = [], time.monotonic() + 60

    def patient(job):
        """Leaves jobs for the other process, however long that takes to start."""
        while not told and time.monotonic() < until:
            time.sleep(0.01)
        return here(job)

    results = share(range(60), 2, here=patient, there=jobs.there, came=told.append)
    assert [job for job, _ in results] == list(range(60))
    elsewhere = {pid for _, pid in results} - {os.getpid()}
    assert len(elsewhere) == 1
    assert sorted(told) == [r for r in results if r[1] in elsewhere]


def test_one_process_starts_no_other(jobs):
    assert {pid for _, pid in share(range(5), 1, here=here, there=jobs.fatal)} == {os.getpid()}
    assert share([7], 4, here=here, there=jobs.fatal) == [(7, os.getpid())]
    assert share([], 4, here=here, there=jobs.fatal) == []


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_the_job_of_a_process_that_dies_is_done_here(jobs):
    assert share(range(40), 2, here=slowly, there=jobs.fatal) == [(job, os.getpid()) for job in range(40)]


def test_what_a_job_raises_here_is_raised(jobs):
    with pytest.raises(ValueError, match=r"job \d"):
        share(range(40), 2, here=jobs.refuses, there=jobs.there)


def test_what_a_job_raises_in_another_process_is_raised(jobs):
    with pytest.raises(ValueError, match=r"job \d"):
        share(range(600), 2, here=slowly, there=jobs.refuses)  # a minute, if that should take so long to start


def test_there_is_at_least_one_core():
    assert 1 <= cores() <= os.cpu_count()


ORPHAN = """
import time
from oracles.runs.processes import share
import jobs_of_other_processes

if __name__ == "__main__":
    share(range(9), 2, here=lambda job: time.sleep(600), there=jobs_of_other_processes.endless)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_the_others_end_with_a_parent_that_is_killed(tmp_path):
    (tmp_path / "jobs_of_other_processes.py").write_text(JOBS)
    (tmp_path / "main.py").write_text(ORPHAN)
    parent = subprocess.Popen([sys.executable, "main.py"], cwd=tmp_path)
    written = tmp_path / "pid"
    for _ in range(600):
        if written.exists() and written.read_text():
            break
        time.sleep(0.1)
    child = int(written.read_text())
    parent.kill()
    parent.wait()
    for _ in range(100):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the other process outlives its parent")
