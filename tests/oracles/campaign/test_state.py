import os
import sqlite3
import subprocess
import sys
from contextlib import suppress

import pytest
from here import plan
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oracles import InputError
from oracles.campaign.state import FORMAT, State
from oracles.campaign.work import work


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


def test_an_existing_file_is_not_overwritten(tmp_path):
    path = begun(tmp_path)
    before = path.read_bytes()
    with pytest.raises(InputError, match="there already; --resume"):
        State.create(path, plan())
    assert path.read_bytes() == before


def test_one_process_at_a_time(tmp_path):
    path = begun(tmp_path)
    code = f"from oracles.campaign.state import State\nState.open({str(path)!r})"
    with State.open(path):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert "in use by another campaign" in done.stderr
    State.open(path).close()


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
    with State.open(path) as state:
        assert state.done == done
        assert state.findings.cases == 20 * len(done)


def test_no_file_is_left_where_none_can_be_begun(tmp_path, monkeypatch):
    monkeypatch.setattr("oracles.campaign.state.FORMAT", "nonsense (")
    with pytest.raises(InputError, match=r"c\.sqlite"):
        State.create(tmp_path / "c.sqlite", plan())
    assert not (tmp_path / "c.sqlite").exists()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("PRAGMA user_version = 99", f"format 99, of another version of backproof; this one reads {FORMAT}"),
        ("PRAGMA application_id = 1", "not the file of a campaign"),
        ("DROP TABLE findings", "no such table: findings"),
        ("DELETE FROM campaign", "plan: missing"),
        ("UPDATE campaign SET plan = 'x'", "plan: not JSON"),
        ("UPDATE campaign SET plan = x'00'", "plan: expected a text, got bytes"),
        ("UPDATE campaign SET plan = json_set(plan, '$.ops[0]', 'evil')", "op: expected one of"),
        ("UPDATE campaign SET plan = json_set(plan, '$.cases', 'many')", "plan.cases: expected an integer"),
        ("UPDATE campaign SET plan = json_set(plan, '$.cases', 1e18)", "plan.cases: expected an integer"),
        ("UPDATE campaign SET plan = json_set(plan, '$.cases', 1000000000000)", "chunk: expected larger ones"),
        ("UPDATE findings SET value = '{}' WHERE kind = 'margin'", r"margin .*: missing"),
        ("UPDATE findings SET kind = 'pickle' WHERE kind = 'counts' AND name = 'dense'", "pickle: expected one of"),
        ("UPDATE campaign SET seconds = 'soon'", "seconds"),
        ("UPDATE chunks SET number = -5 WHERE number = 0", "chunk -5"),
        ("DELETE FROM chunks WHERE number = 1", "the finished chunks have 40 cases, the findings are of 60"),
        ("DELETE FROM findings WHERE name = 'dense'", "the finished chunks have"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_name(tmp_path, statement, said):
    path = begun(tmp_path)
    altered(path, statement)
    with pytest.raises(InputError, match=rf"c\.sqlite: .*{said}"):
        State.open(path)


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\0" + b"\xff" * 500])
def test_another_file(tmp_path, content):
    path = tmp_path / "c.sqlite"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"c\.sqlite: "):
        State.open(path)
    assert path.read_bytes() == content


def test_no_file_and_no_folder(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        State.open(tmp_path / "c.sqlite")
    with pytest.raises(InputError, match="no such folder"):
        State.create(tmp_path / "nowhere" / "c.sqlite", plan())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return begun(tmp_path_factory.mktemp("whole")).read_bytes()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_torn_file_is_refused_or_read(tmp_path_factory, whole, data):
    path = tmp_path_factory.mktemp("torn") / "c.sqlite"
    content = bytearray(whole)
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    for _ in range(data.draw(st.integers(1, 4))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    with suppress(InputError):  # and nothing else
        State.open(path).close()


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="there is no /proc here")
def test_a_file_that_cannot_be_read_is_named():
    with pytest.raises(InputError, match=r"^/proc/self/mem: .+ error"):
        State.open("/proc/self/mem")
