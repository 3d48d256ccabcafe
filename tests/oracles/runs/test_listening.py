"""What is waited for, and how long: a call of the candidate, all of its calls, the kit."""

from types import SimpleNamespace

import pytest

from oracles import Case, InputError, OracleUnavailable
from oracles.runs import listening
from oracles.runs.listening import LOADING, WORK, answers

CASE = Case("relu", {"inputs": [1.0]}, [1.0])


def box(call=0.0, calls=0.0, found=""):
    return SimpleNamespace(call_seconds=call, seconds=calls, found=found, case=lambda: CASE)


@pytest.mark.parametrize(
    ("state", "worked", "still", "said"),
    [
        (box(call=1.9, calls=1.9), 9, 9, None),
        (box(calls=1.9), WORK, LOADING, None),
        (box(call=2.1, calls=2.1), 9, 9, "no answer within 2 s"),
        (box(call=1.9, calls=2.1), 9, 9, None),  # it may be what hangs
        (box(call=0.1, calls=2.2), 9, 9, "its calls took 2 s in all"),
        (box(), 9, LOADING + 3, "backproof itself took too long"),
        (box(), WORK + 3, 9, "backproof itself took too long"),
    ],
)
def test_only_a_call_that_does_not_end_is_a_failure(state, worked, still, said):
    late = listening._too_late(state, 2.0, worked, still)
    if said is None:
        assert late is None
        return
    assert late.message.startswith(said)
    assert late.case == CASE
    assert (late.hung, late.unfinished) == ((True, False) if said.startswith("no answer") else (False, True))


def test_what_takes_long_to_load_has_no_answer():
    assert listening._still_loading(box(), LOADING) is None
    assert listening._still_loading(box(), LOADING + 1).hung


def test_errors_travel():
    with pytest.raises(InputError, match=r"plan\.steps: missing"):
        list(answers({"job": "check", "target": {}, "plan": {}}, 1.0))
    for kind, error in (("misuse", InputError), ("unavailable", OracleUnavailable), ("error", RuntimeError)):
        with pytest.raises(error, match="said"):
            listening._raise_for({kind: "said"})
