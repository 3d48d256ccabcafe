"""The table of conventions: what differs, what changed, and that the installed frameworks still answer as recorded."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from oracles import InputError, OracleUnavailable, UnsupportedCase, load
from oracles.conventions import answers as table
from oracles.conventions.answers import Record, Row

MINE = Record("mine", "2.0.1", "cpu", {"q": {"float32": "0", "float64": "0"}, "p": {"float32": "1"}})
DOCS = Path(__file__).parents[3] / "docs" / "conventions.md"


def moved(**answers):
    return Record("mine", "2.1.0", "cpu", {**MINE.answers, **answers})


def test_a_derivative_that_moves_is_told():
    (change,) = table.changes(MINE, moved(q={"float32": "0", "float64": "1"}))
    assert str(change) == "mine, q, float64: was 0, is 1"


def test_a_new_question_is_no_change():
    assert table.changes(MINE, moved(new={"float32": "1"})) == ()


def test_one_of_several_answers_is_no_change():
    before = moved(q={"float32": "0 or inf", "float64": "0"})
    assert table.changes(before, moved(q={"float32": "inf", "float64": "0"})) == ()
    (change,) = table.changes(before, moved(q={"float32": "in", "float64": "0"}))
    assert str(change) == "mine, q, float32: was 0 or inf, is in"


def test_dtypes_that_answer_alike_share_a_row():
    other = Record("other", "1", "cpu", {"q": {"float32": "0", "float64": "1"}})
    found = list(table.rows([MINE, other]))
    assert [(r.question, r.dtypes, r.differs) for r in found] == [
        ("q", ("float32",), False),
        ("q", ("float64",), True),
        ("p", ("float32",), False),
    ]
    assert found[1] == Row("q", ("float64",), {"mine": "0", "other": "1"}, "")


@pytest.mark.parametrize(
    ("asked", "found"),
    [("2.0.1", "2.0.1"), ("2.9", "2.0.1"), ("2.10.0", "2.10.0"), ("1.0", "2.0.1"), ("2.11", "2.10.0")],
)
def test_the_record_of_a_version_or_of_the_newest_before_it(tmp_path, asked, found):
    for version in ("2.0.1", "2.10.0"):
        table.save(Record("mine", version, "cpu", {}), tmp_path)
    assert table.recorded("mine", asked, tmp_path).version == found


def test_a_record_is_read_as_it_was_written(tmp_path):
    path = table.save(MINE, tmp_path)
    assert path.name == "mine-2.0.1.json"
    assert table.records(tmp_path) == [MINE]
    assert table.recorded("yours", "1.0", tmp_path) is None


def test_what_is_no_record_is_named(tmp_path):
    (tmp_path / "mine-1.json").write_text('{"framework": "mine", "version": 1}')
    with pytest.raises(InputError, match=r"mine-1\.json\.version: expected a text, got 1"):
        table.records(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        table.save(MINE, tmp_path / "nowhere")


def test_the_reference_answers_every_question_on_its_ops():
    found = table.ask_reference()
    assert found.answers["relu: derivative at 0 and -0"] == dict.fromkeys(table.DTYPES, "0, 0")
    assert all(len(answers) == len(table.DTYPES) for answers in found.answers.values())
    assert not [a for answers in found.answers.values() for a in answers.values() if "Error" in a]


def test_an_oracle_that_abstains_or_raises_is_said_so():
    class Mine:
        name, version, device = "mine", "1.0+build", "cpu"

        def vjp(self, case):
            if case.op == "relu":
                raise UnsupportedCase("not today")
            raise IndexError("no")

    found = table.ask(Mine())
    assert found.version == "1.0"
    assert not any(question.startswith(("relu", "functions")) for question in found.answers)
    assert set(found.answers["dense: 0 times inf in the product"].values()) == {"IndexError"}


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_the_installed_framework_answers_as_recorded(name):
    try:
        now = table.ask(load(name))
    except OracleUnavailable as absent:
        pytest.skip(str(absent))
    before = table.recorded(name, now.version)
    assert before is not None
    assert len(now.answers) > 50
    assert table.changes(before, now) == ()


def test_what_may_lose_a_gpu_is_asked_of_processes_of_their_own(framework):
    """With the CPU as the stand-in: what such a process answers is what is answered here."""
    asked = replace(framework, device="cpu:0" if framework.name == "torch" else "cpu")
    apart = [(one, "float32") for one in table.FUNCTIONS if one.may_lose_the_gpu]
    here = table.ask(framework).answers
    assert len(apart) == 4
    assert {table.key(one) for one, _ in apart} <= here.keys()
    for one, dtype in apart[:2]:
        assert table._ask_process(asked, one, dtype) == here[table.key(one)][dtype]
    assert table._asked_apart(framework) == {}


def test_a_process_that_dies_of_a_question_is_an_answer(monkeypatch):
    probe = next(one for one in table.FUNCTIONS if one.may_lose_the_gpu)
    asked = SimpleNamespace(name="torch", device="cpu")
    for code, answer in (("print('1.5')", "1.5"), ("print('1.5', flush=True); os.abort()", "the process ends")):
        monkeypatch.setattr(table, "ALONE", "import os; " + code + "  # {root} {module} {asked}")
        assert table._ask_process(asked, probe, "float32") == answer


def test_a_record_is_of_a_device(tmp_path):
    on_cuda = Record("mine", "2.0.1", "cuda", {})
    for one in (MINE, on_cuda):
        table.save(one, tmp_path)
    assert (tmp_path / "mine-2.0.1-cuda.json").exists()
    assert table.recorded("mine", "2.0.1", tmp_path) == MINE
    assert table.recorded("mine", "2.0.1", tmp_path, device="cuda") == on_cuda
    assert table.recorded("mine", "2.0.1", tmp_path, device="tpu") is None


def test_a_version_whose_clip_moved_is_seen():
    before, now = (table.recorded("torch", version) for version in ("2.13.0", "2.15.0"))
    assert {c.question for c in table.changes(before, now)} == {"functions: derivative of clip(x, -1, 1) at its ends"}


def test_the_documented_table_is_that_of_the_records():
    documented = [table.recorded("torch", "2.15.0"), table.recorded("jax", "0.12.0.1"), table.ask_reference()]
    assert table.markdown(documented) in DOCS.read_text(encoding="utf-8")
