import pytest
from here import begun, plan

from oracles import InputError
from oracles.runs.campaign.state import State
from oracles.runs.campaign.work import work


def test_what_is_entered_is_there_when_it_is_opened_again(tmp_path):
    path = tmp_path / "c.sqlite"
    with State.create(path, plan()) as state:
        found = [work(*state.started([chunk])) for chunk in state.plan.chunks()[:4]]
        state.finish(found, seconds=2.5)
        state.started([state.plan.chunks()[7]])
        state.give_up(7, "why")
        kept = (state.findings.counts, state.findings.margins, state.findings.verdicts)
    with State.open(path) as again:
        assert again.plan == plan()
        assert again.done == {0, 1, 2, 3} | {7}
        assert (again.broken, again.seconds) == ({7: "why"}, 2.5)
        assert (again.findings.counts, again.findings.margins, again.findings.verdicts) == kept


def test_a_chunk_counts_once(tmp_path):
    with State.create(tmp_path / "c.sqlite", plan()) as state:
        found = work(*state.started([state.plan.chunks()[0]]))
        state.finish([found])
        state.finish([found, found])
        assert state.findings.cases == found.cases


def test_a_chunk_that_was_sent_has_the_same_parents_when_it_is_sent_again(tmp_path):
    path = begun(tmp_path, cases=400)
    with State.open(path) as state:
        later = next(c for c in state.plan.chunks() if c.number > 3 and (c.op, c.dtype) == ("softmax", "float32"))
        sent = state.started([later])[0]
        assert sent.parents
    with State.open(path) as state:
        for chunk in state.plan.chunks()[4:8]:
            if chunk.number != later.number:
                state.finish([work(*state.started([chunk]))])
        again = state.started([later])[0]
        assert again.parents == sent.parents


def test_a_full_disk_loses_nothing(tmp_path):
    path = begun(tmp_path)
    with State.open(path) as state:
        (pages,) = state._connection.execute("PRAGMA page_count").fetchone()
        state._connection.execute(f"PRAGMA max_page_count = {pages}")
        chunks = iter(state.plan.chunks()[3:])

        def go_on():
            for chunk in chunks:
                state.finish([work(*state.started([chunk]))])

        with pytest.raises(InputError, match=r"c\.sqlite: database or disk is full"):
            go_on()
        done = set(state.done)
        assert state.findings.cases == 20 * len(done)  # what was not written is not counted
    with State.open(path) as state:
        assert state.done == done
        assert state.findings.cases == 20 * len(done)


def test_what_was_given_up_is_tried_again_with_the_parents_it_had(tmp_path):
    path = begun(tmp_path, chunks=4, cases=400)
    with State.open(path) as state:
        (sent,) = state.started([state.plan.chunks()[4]])
        state.give_up(4, "why")
    with State.open(path) as state:
        assert state.broken == {4: "why"}
        state.try_again()
        assert (state.broken, state.done) == ({}, {0, 1, 2, 3})
        assert state.started([state.plan.chunks()[4]])[0].parents == sent.parents != ()
    with State.open(path) as state:
        assert (state.broken, state.done) == ({}, {0, 1, 2, 3})


def test_the_parents_of_a_chunk_are_those_of_what_was_found_and_not_of_its_order(tmp_path):
    path = begun(tmp_path, chunks=8, cases=400)
    with State.open(path) as state:
        chunk = state.plan.chunks()[8]
        leaders = state.findings.leaders[f"{chunk.op} {chunk.dtype} cpu"]
        assert len({(x.source, x.result) for x in leaders}) > 1
        leaders._rows = dict(reversed(leaders._rows.items()))
        turned = state._parents(state._connection, chunk)
        state._connection.execute("DELETE FROM chunks WHERE number = 8")
        leaders._rows = dict(reversed(leaders._rows.items()))
        assert state._parents(state._connection, chunk) == turned
