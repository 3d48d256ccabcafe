import threading
import time
from concurrent.futures import BrokenExecutor, CancelledError, Future, ThreadPoolExecutor

import pytest
from here import Here, plan
from hypothesis.database import InMemoryExampleDatabase

from oracles import InputError
from oracles.candidates.target import Target, load_layer
from oracles.runs.campaign.plan import Plan
from oracles.runs.campaign.run import ATTEMPTS, HOPELESS, CampaignStopped, longest, run
from oracles.runs.campaign.state import State
from oracles.runs.database import kept


def state(tmp_path, name="c.sqlite", **changed):
    return State.create(tmp_path / name, plan(**{"cases": 80, **changed}))


def found(state):
    """All that was found, but for how long it took."""
    f = state.findings
    return f.counts, f.margins, f.verdicts, {place: list(leaders) for place, leaders in f.leaders.items()}


class Power(BaseException):
    """Ends the process, as far as the campaign can see."""


def test_every_chunk_is_done_once(tmp_path):
    with state(tmp_path) as s:
        executor, watched = Here(), []
        run(s, executor, at_once=3, watch=lambda s, flying: watched.append((s.findings.cases, flying)))
        assert s.done == {c.number for c in s.plan.chunks()}
        assert [c.number for c in executor.jobs] == [c.number for c in s.plan.chunks()]
        assert s.findings.cases == 160
        assert watched[0] == (0, 0)
        assert watched[-1] == (160, 0)


@pytest.mark.parametrize("after", [0, 1, 4, 7])
def test_cut_off_and_resumed_it_finds_what_it_would_have_found(tmp_path, after):
    with state(tmp_path, "whole.sqlite") as whole:
        run(whole, Here(), at_once=1)

    def cut_off(job):
        if job.number == after:
            raise Power

    with state(tmp_path) as s, pytest.raises(Power):
        run(s, Here(cut_off), at_once=1)
    with State.open(tmp_path / "c.sqlite") as s:
        assert s.findings.cases == 20 * after
        executor = Here()
        run(s, executor, at_once=1)
        assert len(executor.jobs) == 8 - after
        assert found(s) == found(whole)


def test_any_executor_will_do(tmp_path):
    with state(tmp_path, cases=40) as s, ThreadPoolExecutor(1) as executor:
        run(s, executor, at_once=2)
        assert s.findings.cases == 80


def test_a_chunk_that_fails_now_and_then_is_done_again(tmp_path):
    failures = {3: 1, 5: ATTEMPTS}

    def fail(job):
        if failures.get(job.number):
            failures[job.number] -= 1
            raise MemoryError("no room")

    with state(tmp_path) as s:
        run(s, Here(fail), at_once=4)
        assert (s.broken, s.findings.cases) == ({}, 160)


def test_a_chunk_that_always_fails_is_given_up_and_said(tmp_path):
    def fail(job):
        if job.number == 3:
            raise MemoryError("no room")

    with state(tmp_path) as s:
        executor = Here(fail)
        run(s, executor, at_once=4)
        assert [c.number for c in executor.jobs].count(3) == 1 + ATTEMPTS
        assert list(s.broken) == [3]
        assert "no room" in s.broken[3]
        assert s.findings.cases == 140


def test_where_nothing_works_it_stops(tmp_path):
    def fail(job):
        raise MemoryError("no room")

    with state(tmp_path) as s:
        executor = Here(fail)
        with pytest.raises(CampaignStopped, match="no room"):
            run(s, executor, at_once=1)
        assert len(executor.jobs) == HOPELESS * (1 + ATTEMPTS)


class Hangs(Here):
    """Never comes back from chunk 3, nor from those beside it the first time."""

    def __init__(self, beside=()):
        super().__init__()
        self.hanging, self.flying = {3, *beside}, []

    def submit(self, fn, /, *args, **kwargs):
        if args[0].number not in self.hanging:
            return super().submit(fn, *args, **kwargs)
        self.flying.append(Future())
        return self.flying[-1]


class Killable(Hangs):
    killed = 0

    def kill(self):
        self.killed += 1
        for future in self.flying:
            future.set_exception(BrokenExecutor("killed"))

    def renew(self):
        self.hanging, self.flying = {3}, []


@pytest.mark.parametrize("beside", [(), (2,)])
def test_a_chunk_that_hangs_is_given_up_and_what_was_beside_it_done_again(tmp_path, beside):
    with state(tmp_path) as s:
        executor = Killable(beside)
        run(s, executor, at_once=4, timeout=0.01)
        assert executor.killed == 2  # beside others, and alone
        assert s.broken == {3: "not done within 0.01 s"}
        assert s.findings.cases == 140


def test_where_nothing_can_be_killed_a_chunk_that_hangs_stops_it(tmp_path):
    with state(tmp_path) as s:
        with pytest.raises(CampaignStopped, match=r"chunk 3, dense in float64 on cpu: not done within 0\.01 s"):
            run(s, Hangs(), at_once=1, timeout=0.01)
        assert s.findings.cases == 60


class Crowd(Here):
    """Breaks where chunk 5 is not alone; a future is over when the next call comes."""

    def __init__(self):
        super().__init__()
        self.flying, self.seen = {}, []

    def submit(self, fn, /, *args, **kwargs):
        future = super().submit(fn, *args, **kwargs)
        late = Future()
        self.flying = {f: n for f, n in self.flying.items() if not f.done()} | {late: args[0].number}
        self.seen.append(sorted(self.flying.values()))
        crowded = 5 in self.flying.values() and len(self.flying) > 1
        threading.Timer(0.02, self.over, [late, future, crowded]).start()
        return late

    @staticmethod
    def over(late, future, crowded):
        if crowded:
            late.set_exception(BrokenExecutor("no memory"))
        else:
            late.set_result(future.result())

    def renew(self):
        self.flying = {}


def test_a_chunk_that_can_only_be_done_alone_is_done_alone(tmp_path):
    with state(tmp_path) as s:
        executor = Crowd()
        run(s, executor, at_once=4)
        assert (s.broken, s.findings.cases) == ({}, 160)
        assert [5] in executor.seen


def test_what_waits_for_a_worker_does_not_hang(tmp_path):
    def slow(job):
        time.sleep(0.15)

    with state(tmp_path) as s, ThreadPoolExecutor(1) as executor:
        executor.submit, submit = (lambda fn, job: submit(lambda: (slow(job), fn(job))[1])), executor.submit
        run(s, executor, at_once=8, timeout=1.0)  # the last waits for longer
        assert s.findings.cases == 160


def test_results_that_came_are_entered_before_it_stops(tmp_path):
    def fail(job):
        if job.number == 2:
            raise InputError("mine.py: gone")

    with state(tmp_path) as s:
        with pytest.raises(InputError, match="gone"):
            run(s, Here(fail), at_once=8)
        assert s.done == {0, 1, 3, 4, 5, 6, 7}


def test_an_executor_that_was_shut_down_stops_it(tmp_path):
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with state(tmp_path) as s, pytest.raises(CampaignStopped, match="the executor is gone"):
        run(s, executor, at_once=1)


def test_what_was_given_up_is_tried_again_when_it_is_resumed(tmp_path):
    def fail(job):
        if job.number == 3:
            raise MemoryError("no room")

    with state(tmp_path) as s:
        run(s, Here(fail), at_once=4)
        assert s.broken == {3: "raised MemoryError: no room"}
    with State.open(tmp_path / "c.sqlite") as s:
        run(s, Here(), at_once=4)
        assert (s.broken, s.findings.cases) == ({}, 160)


def test_where_nothing_works_nothing_is_given_up(tmp_path):
    def fail(job):
        raise MemoryError("no room")

    with state(tmp_path) as s:
        with pytest.raises(CampaignStopped):
            run(s, Here(fail), at_once=1)
        assert (s.done, s.broken) == (set(), {})


class Lost(InMemoryExampleDatabase):
    def save(self, key, value):
        raise ConnectionError("the server is gone")


def test_a_database_that_is_lost_does_not_end_it_and_what_it_missed_comes_later(tmp_path):
    (tmp_path / "lost_relu.py").write_text(
        "import numpy as np\ndef relu(x): return np.maximum(x, 0)\ndef relu_vjp(g, x): return g\n"
    )
    target = Target(f"{tmp_path}/lost_relu.py:relu", "relu", vjp="relu_vjp")
    with State.create(tmp_path / "c.sqlite", Plan.of(target=target, oracles=["exact"], cases=40, size=20)) as s:
        with pytest.warns(RuntimeWarning, match="failing cases were not kept for pytest: raised ConnectionError"):
            run(s, Here(), at_once=1, database=Lost())
        assert s.findings.failing
    database = InMemoryExampleDatabase()
    with State.open(tmp_path / "c.sqlite") as s:
        run(s, Here(), at_once=1, database=database)
    assert [case for _, case in kept(database, "values", load_layer(target), "float32")]


def test_a_large_chunk_may_take_longer():
    assert (longest(20), longest(100_000)) == (600, 25_000)


def test_what_is_wrong_with_all_chunks_stops_it_at_once(tmp_path):
    def fail(job):
        raise InputError("mine.py: no such file")

    with state(tmp_path) as s, pytest.raises(InputError, match=r"mine\.py"):
        run(s, Here(fail), at_once=1)


@pytest.mark.parametrize("error", [BrokenExecutor("broken"), CancelledError()])
def test_an_executor_that_is_gone_stops_it_and_keeps_what_is_done(tmp_path, error):
    def fail(job):
        if job.number == 4:
            raise error

    with state(tmp_path) as s, pytest.raises(CampaignStopped):
        run(s, Here(fail), at_once=1)
    with State.open(tmp_path / "c.sqlite") as s:
        assert s.done == {0, 1, 2, 3}


def test_failing_cases_are_kept_for_pytest(tmp_path):
    source = "import numpy as np\ndef relu(x): return np.maximum(x, 0)\ndef relu_vjp(g, x): return g\n"
    (tmp_path / "wrong_relu.py").write_text(source)
    target = Target(f"{tmp_path}/wrong_relu.py:relu", "relu", vjp="relu_vjp")
    database = InMemoryExampleDatabase()
    with State.create(tmp_path / "c.sqlite", Plan.of(target=target, oracles=["exact"], cases=40, size=20)) as s:
        run(s, Here(), at_once=1, database=database)
        assert s.findings.failing
    layer = load_layer(target)
    cases = [case for dtype in ("float32", "float64") for _, case in kept(database, "values", layer, dtype)]
    assert cases
    assert all(case.op == "relu" for case in cases)


def test_what_a_chunk_said_before_its_process_died_is_what_is_said(tmp_path):
    said = iter(["the kernel is wrong"])

    def fail(job):
        if job.number == 3:
            why = next(said, None)
            raise BrokenExecutor("died") if why is None else MemoryError(why)

    with state(tmp_path) as s:
        executor = Here(fail)
        executor.renew = lambda: None
        run(s, executor, at_once=1)
        assert list(s.broken) == [3]
        assert "the kernel is wrong" in s.broken[3]
