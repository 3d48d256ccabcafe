"""An executor for tests, which does a job in this process when it is handed one; small plans that need no framework."""

import sqlite3
from concurrent.futures import Executor, Future

from oracles.runs.campaign.plan import Plan
from oracles.runs.campaign.state import State
from oracles.runs.campaign.work import work


class Here(Executor):
    def __init__(self, before=lambda job: None):
        self.before, self.jobs = before, []

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        self.jobs.append(args[0])
        try:
            self.before(args[0])
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def plan(**changed):
    settings = {"ops": ["softmax", "dense"], "dtypes": ["float32", "float64"], "oracles": ["exact"], "seed": 7}
    return Plan.of(**{**settings, "cases": 100, "size": 20, **changed})


def begun(tmp_path, chunks=3, **changed):
    """The path of a campaign with some chunks done."""
    path = tmp_path / "c.sqlite"
    with State.create(path, plan(**changed)) as state:
        for chunk in state.plan.chunks()[:chunks]:
            state.finish([work(*state.started([chunk]))], seconds=1.0)
    return path


def altered(path, *statements):
    connection = sqlite3.connect(path)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
