"""Work that several processes share: all of it is done once, whatever becomes of them."""

import os
import signal
import subprocess
import sys
import time

import pytest

from oracles.conformance.processes import cores, share


def here(job):
    return job, os.getpid()


def there(job):
    return job, os.getpid()


def fatal(job):
    os.kill(os.getpid(), signal.SIGKILL)


def refuses(job):
    raise ValueError(f"job {job}")


def test_results_come_in_order_from_several_processes():
    told = []

    def patient(job):
        """Leaves jobs for the other process, however long that takes to start."""
        until = time.monotonic() + 60
        while not told and time.monotonic() < until:
            time.sleep(0.01)
        return here(job)

    results = share(range(60), 2, here=patient, there=there, came=told.append)
    assert [job for job, _ in results] == list(range(60))
    elsewhere = {pid for _, pid in results} - {os.getpid()}
    assert len(elsewhere) == 1
    assert sorted(told) == [r for r in results if r[1] in elsewhere]


def test_one_process_starts_no_other():
    assert {pid for _, pid in share(range(5), 1, here=here, there=fatal)} == {os.getpid()}
    assert share([7], 4, here=here, there=fatal) == [(7, os.getpid())]
    assert share([], 4, here=here, there=fatal) == []


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_the_job_of_a_process_that_dies_is_done_here():
    assert share(range(40), 2, here=lambda job: (time.sleep(0.1), here(job))[1], there=fatal) == [
        (job, os.getpid()) for job in range(40)
    ]


@pytest.mark.parametrize("where", ["here", "there"])
def test_what_a_job_raises_is_raised(where):
    does = {"here": lambda job: time.sleep(0.1), "there": there, where: refuses}
    with pytest.raises(ValueError, match=r"job \d"):
        share(range(600), 2, **does)  # a minute, if the other process should take that long to start


def test_there_is_at_least_one_core():
    assert 1 <= cores() <= os.cpu_count()


ORPHAN = """
import os, time
from oracles.conformance.processes import share
import tests_orphan_job
if __name__ == "__main__":
    share(range(9), 2, here=time.sleep, there=tests_orphan_job.sleep)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_the_others_end_with_a_parent_that_is_killed(tmp_path):
    (tmp_path / "tests_orphan_job.py").write_text(
        "import os, pathlib, time\n"
        "def sleep(job):\n"
        "    pathlib.Path(__file__).with_name('pid').write_text(str(os.getpid()))\n"
        "    time.sleep(600)\n"
    )
    (tmp_path / "main.py").write_text(ORPHAN.replace("here=time.sleep", "here=lambda job: time.sleep(600)"))
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
