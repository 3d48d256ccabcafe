import os
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from textwrap import dedent

import numpy as np
import pytest
from here import altered, begun, plan
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oracles import Case, InputError
from oracles.runs.campaign.state import State
from oracles.runs.campaign.state_file import FORMAT


def test_an_existing_file_is_not_overwritten(tmp_path):
    path = begun(tmp_path)
    before = path.read_bytes()
    with pytest.raises(InputError, match="there already; --resume"):
        State.create(path, plan())
    assert path.read_bytes() == before


def test_one_process_at_a_time(tmp_path):
    path = begun(tmp_path)
    code = f"from oracles.runs.campaign.state import State\nState.open({str(path)!r})"
    with State.open(path):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert "in use by another campaign" in done.stderr
    State.open(path).close()


def test_no_file_is_left_where_none_can_be_begun(tmp_path, monkeypatch):
    monkeypatch.setattr("oracles.runs.campaign.state_file.SCHEMA", ("nonsense (",))
    with pytest.raises(InputError, match=r"c\.sqlite"):
        State.create(tmp_path / "c.sqlite", plan())
    assert not (tmp_path / "c.sqlite").exists()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("PRAGMA user_version = 99", f"format 99, of another version of backproof; this one reads {FORMAT}"),
        ("PRAGMA application_id = 1", "not the file of a campaign"),
        ("DROP TABLE findings", "damaged: its tables are not those"),
        (
            "CREATE TRIGGER t BEFORE INSERT ON chunks BEGIN SELECT RAISE(IGNORE); END",
            "damaged: its tables are not those",
        ),
        ("CREATE VIEW v AS SELECT 1", "damaged: its tables are not those"),
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
        ("DELETE FROM chunks WHERE number = 1", "the finished chunks have 20 cases of softmax, the findings are of 40"),
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


def test_a_file_that_was_left_empty_is_as_good_as_none(tmp_path):
    path = tmp_path / "c.sqlite"
    path.touch()
    with pytest.raises(InputError, match="empty; begin it without --resume"):
        State.open(path)
    State.create(path, plan()).close()
    State.open(path).close()


def test_a_file_whose_process_was_killed_before_its_first_transaction_is_as_good_as_none(tmp_path):
    path = tmp_path / "c.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("BEGIN EXCLUSIVE; CREATE TABLE t (x); DROP TABLE t; COMMIT")
    assert path.stat().st_size
    with pytest.raises(InputError, match="not the file of a campaign"):
        State.open(path)
    State.create(path, plan()).close()
    State.open(path).close()


@pytest.mark.parametrize("use", [State.open, lambda path: State.create(path, plan())])
def test_the_database_of_another_program_is_not_touched(tmp_path, use):
    path = tmp_path / "c.sqlite"
    code = f"""
        import os, sqlite3
        connection = sqlite3.connect({str(path)!r})
        connection.executescript("PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)")
        os._exit(0)  # its log stays
    """
    subprocess.run([sys.executable, "-c", dedent(code)], check=True)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert "c.sqlite-wal" in before
    with pytest.raises(InputError, match=r"not the file of a campaign|there already"):
        use(path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.parametrize("name", ["a" * 300, "loop", "pipe"])
def test_a_name_that_cannot_be_a_file_is_refused(tmp_path, name):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match=f"{name}: (File name too long|Too many levels|not a file)"):
        State.create(tmp_path / name, plan())


def test_a_campaign_that_another_process_has_begun_in_the_meantime_is_left_alone(tmp_path, monkeypatch):
    path = begun(tmp_path)
    before = path.read_bytes()
    monkeypatch.setattr("oracles.runs.campaign.state_file.os.path.getsize", lambda path: 0)  # as it was a moment ago
    with pytest.raises(InputError, match="there already"):
        State.create(path, plan())
    assert path.read_bytes() == before


def test_a_folder_is_none(tmp_path):
    with pytest.raises(InputError, match="is a folder"):
        State.create(tmp_path, plan())


def test_a_chunk_is_given_cases_of_its_own_op_and_dtype(tmp_path):
    path = begun(tmp_path, chunks=0)
    other = Case("relu", [np.ones(1)], np.ones(1)).to_json()
    altered(path, f"""INSERT INTO chunks VALUES (0, 0, '', '{{"cases": [{other}]}}')""")
    with State.open(path) as state:
        (first, *_) = state.plan.chunks()
        with pytest.raises(InputError, match=r"c\.sqlite: chunk 0\.cases\[0\]: expected a case of softmax in float32"):
            state.started([first])


def test_leaders_are_of_the_place_they_are_kept_for(tmp_path):
    path = begun(tmp_path, chunks=4)
    altered(
        path,
        "DELETE FROM findings WHERE kind = 'leaders' AND name LIKE 'softmax%'",
        "UPDATE findings SET name = replace(name, 'dense', 'softmax') WHERE kind = 'leaders'",
    )
    with pytest.raises(InputError, match=r"leaders\[0\]\.case: expected a case of softmax in"):
        State.open(path)
