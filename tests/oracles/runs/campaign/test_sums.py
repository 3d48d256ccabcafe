import pytest
from here import Here, altered, begun, plan

from oracles import InputError
from oracles.candidates.target import Target
from oracles.runs.campaign.plan import Plan
from oracles.runs.campaign.run import run
from oracles.runs.campaign.state import State
from oracles.runs.campaign.sums import check_sums


def test_what_was_found_adds_up(tmp_path):
    with State.open(begun(tmp_path)) as state:
        check_sums(state.findings, plan(), plan().chunks()[:3])
        for wrong in (plan().chunks()[:2], plan().chunks()[1:4], plan().chunks()[:4]):
            with pytest.raises(InputError, match="damaged"):
                check_sums(state.findings, plan(), wrong)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE findings SET value = json_set(value, '$.cases', 7) WHERE kind = 'margin'", "it is of 7 cases"),
        (
            "UPDATE findings SET value = json_set(value, '$.dtype', 'float99') WHERE kind = 'margin'",
            "case: expected a case of softmax in float99, got one of softmax in float32",
        ),
        (
            "UPDATE findings SET value = json_set(value, '$.result', 'dzz') WHERE kind = 'margin'",
            "margin .*: damaged",
        ),
        (
            "UPDATE findings SET value = json_set(value, '$.failing', -3) WHERE kind = 'counts'",
            "failing: expected 0 to",
        ),
        ("UPDATE findings SET value = json_set(value, '$.drawn', 999) WHERE kind = 'counts'", "drawn: expected 0 to"),
        (
            "UPDATE findings SET value = json_set(value, '$.failing', 1) WHERE kind = 'counts'",
            "failed, and none is kept",
        ),
        ("UPDATE findings SET value = json_set(value, '$.worst', 'nan') WHERE kind = 'margin'", "no margins of"),
        ("UPDATE findings SET value = json_set(value, '$.worst', -5) WHERE kind = 'margin'", "no margins of"),
        ("UPDATE findings SET value = json_set(value, '$.unclaimed', 2) WHERE kind = 'margin'", "no margins of"),
        (
            "UPDATE findings SET value = json_set(value, '$.distribution[0]', 9999) WHERE kind = 'margin'",
            "no margins of",
        ),
        ("UPDATE findings SET value = json_remove(value, '$.distribution[0]') WHERE kind = 'margin'", "no margins of"),
        ("UPDATE campaign SET seconds = -1", "seconds: expected a number"),
        ("UPDATE campaign SET seconds = 9e999", "seconds: expected a number"),
    ],
)
def test_numbers_that_cannot_be_are_refused(tmp_path, statement, said):
    path = begun(tmp_path)
    altered(path, statement)
    with pytest.raises(InputError, match=rf"c\.sqlite: .*{said}"):
        State.open(path)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM findings WHERE kind = 'verdict'", "failed, and none is kept"),
        (
            "UPDATE findings SET value = json_set(value, '$.dtype', 'int8') WHERE kind = 'verdict'",
            "verdict .*: damaged",
        ),
        (
            "UPDATE findings SET value = json_set(value, '$.dtype', 'float64') "
            "WHERE kind = 'verdict' AND name LIKE '%float32%'",
            "expected a case of relu in float64, got one of relu in float32",
        ),
        (
            "UPDATE findings SET value = json_set(value, '$.elements[0].allowed', json('[]')) WHERE kind = 'verdict'",
            r"elements\[0\]: expected as many of each",
        ),
    ],
)
def test_a_failure_cannot_be_taken_out(tmp_path, statement, said):
    (tmp_path / "summed_relu.py").write_text(
        "import numpy as np\ndef f(x): return np.maximum(x, 0)\ndef f_vjp(g, x): return g\n"
    )
    target = Target(f"{tmp_path}/summed_relu.py:f", "relu", vjp="f_vjp")
    path = tmp_path / "c.sqlite"
    with State.create(path, Plan.of(target=target, oracles=["exact"], cases=20, size=20)) as state:
        run(state, Here(), at_once=1)
    State.open(path).close()
    altered(path, statement)
    with pytest.raises(InputError, match=said):
        State.open(path)
