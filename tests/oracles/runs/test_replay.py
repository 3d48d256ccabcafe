import json

import numpy as np
import pytest

from oracles import Case, InputError, Layer
from oracles.candidates.layer import reference_layer
from oracles.candidates.target import Target
from oracles.claims.verdicts import Verdict
from oracles.runs.replay import Recording, replay, sources

CASE = Case("relu", {"inputs": [[1.0, 0.0]]}, [[2.0, 3.0]])
OTHER = Case("relu", {"inputs": [[5.0, 4.0]]}, [[1.0, 1.0]])
RECORDING = Recording(CASE, Target("mine:ReLU", "relu", targets=("ids",)), "stateless", "float64", "off", (OTHER,))


class Remembers:
    """Right the first time; then with the mask of the first time."""

    mask = None

    def forward(self, inputs):
        if self.mask is None:
            self.mask = inputs > 0
        return np.maximum(inputs, 0)

    def backward(self, dvalues):
        return dvalues * self.mask


class Overwrites:
    def forward(self, inputs):
        self.mask = inputs > 0
        return np.maximum(inputs, 0)

    def backward(self, dvalues):
        result = dvalues * self.mask
        dvalues[...] = 0
        return result


def test_a_recording_comes_back_as_it_went(tmp_path):
    RECORDING.save(tmp_path / "r.json")
    assert Recording.load(tmp_path / "r.json") == RECORDING


def test_a_bare_case_has_no_target(tmp_path):
    CASE.save(tmp_path / "case.json")
    assert Recording.load(tmp_path / "case.json") == Recording(CASE)


def test_of_a_verdict():
    verdict = Verdict("dtypes", "relu", "mine", "exact", "float64", "failed", 2.0, "", "off", CASE, earlier=(OTHER,))
    target = Target("mine:ReLU", "relu")
    assert Recording.of(verdict, target) == Recording(CASE, target, "dtypes", "float64", "off", (OTHER,))
    assert Recording.of(Verdict("dtypes", "relu", "mine", "exact", "float64", "failed"), target) is None


def saved(path, **changes):
    RECORDING.save(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "format: expected 1, got 2"),
        ({"format": True}, "format: expected 1, got True"),
        ({"chek": "values"}, 'replay: expected case, target, .*, got "chek"'),
        (
            {"target": {"name": "m:R", "op": "dense"}},
            "replay.target.op: expected relu, the op of the case, got 'dense'",
        ),
        ({"target": {"name": "m:R", "device": "tpu"}}, "replay.target.device: expected one of cpu, cuda, got 'tpu'"),
        (
            {"earlier": [json.loads(Case("softmax", [np.ones((1, 2))], np.ones((1, 2))).to_json())]},
            r"replay.earlier\[0\]: expected relu, the op of the case, got 'softmax'",
        ),
        ({"check": "speed"}, "replay.check: expected one of values, .*, got 'speed'"),
        ({"case": 3}, 'replay.case: case: expected an object with "format": 1'),
        ({"earlier": {}}, "replay.earlier: expected a list, got {}"),
        ({"target": {"op": "relu"}}, "replay.target.name: missing"),
        ({"target": {"name": "m:R", "targets": [1]}}, r"replay.target.targets\[0\]: expected a text, got 1"),
    ],
)
def test_a_bad_file_is_named_with_its_field(tmp_path, changes, message):
    path = saved(tmp_path / "bad.json", **changes)
    with pytest.raises(InputError, match=f"bad.json: {message}"):
        Recording.load(path)


@pytest.mark.parametrize("data", [b"{", b"[]", b"\xff\xfe", b'{"format": 1}', None])
def test_what_is_no_recording_is_named(tmp_path, data):
    path = tmp_path / "bad.json"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(InputError, match=r"bad\.json: "):
        Recording.load(path)


def test_values_are_shown_against_the_truth():
    layer = Layer("relu", forward=lambda x: np.maximum(x, 0), vjp=lambda g, x: g * (x >= 0))
    done = replay(layer, "values", CASE)
    assert not done.passed
    assert [(c.result, c.passed) for c in done.comparisons] == [("output", True), ("dinputs", False)]
    assert "got 3.0, expected 0.0" in done.failure
    assert replay(reference_layer("relu"), "values", CASE).passed


def test_the_earlier_calls_come_first_on_the_same_instance():
    layer = Layer.from_class("relu", Remembers)
    assert replay(layer, "stateless", CASE).failure  # its own variations show it
    assert replay(layer, "values", CASE).passed
    done = replay(layer, "stateless", CASE, (OTHER,))
    assert "dinputs" in done.failure


def test_claims_that_are_not_about_values_are_held_by_their_own_judge():
    layer = Layer.from_class("relu", Overwrites)
    assert replay(layer, "values", CASE).passed
    done = replay(layer, "arguments_untouched", CASE)
    assert done.failure == "overwrote its argument cotangent"
    assert len(done.comparisons) == 2


def test_what_raises_fails():
    layer = Layer("relu", forward=lambda x: x, vjp=lambda g, x: None)
    assert "expected dinputs, got NoneType" in replay(layer, "values", CASE).failure


def test_another_op_is_misuse():
    with pytest.raises(InputError, match=r"case: expected one of dense, the op of reference\.dense, got relu"):
        replay(reference_layer("dense"), "values", CASE)


def test_sources_show_the_reference_and_each_oracle():
    found = sources(CASE, ["exact", "finite_difference"])
    assert list(found) == ["reference", "exact", "finite_difference"]
    assert all(one.comparisons for name, one in found.items() if name != "finite_difference")
    assert found["reference"].passed
    assert found["finite_difference"].comparisons or found["finite_difference"].failure.startswith("abstains: ")
