from dataclasses import replace
from types import SimpleNamespace

import pytest

from oracles import InputError, OracleUnavailable
from oracles.sources import available as panel_module
from oracles.sources.available import cross_validation_note, load_oracles
from oracles.sources.registry import Oracle


@pytest.mark.parametrize(
    ("there", "said"),
    [(("exact",), "pip install torch"), (("exact", "jax", "torch"), "torch and jax did not take part")],
)
def test_the_own_arithmetic_is_no_cross_validation(there, said, monkeypatch):
    monkeypatch.setattr(panel_module, "available", lambda: there)
    panel, absent = load_oracles(["exact", "finite_difference"])
    assert [oracle.name for oracle in panel] == ["exact", "finite_difference"]
    assert absent == {}
    (note,) = cross_validation_note(panel)
    assert note.startswith("Nothing was cross-validated")
    assert said in note


def test_a_framework_is(framework):
    panel, _ = load_oracles([framework.name])
    assert cross_validation_note(panel) == ()


def test_the_layer_s_own_framework_may_be_all_that_runs_on_a_device():
    candidate = Oracle("torch", "1", "cuda", SimpleNamespace())
    panel, _ = load_oracles(["exact"], "cuda", candidate=candidate)
    assert [(oracle.name, oracle.device) for oracle in panel] == [("exact", "cpu")]
    with pytest.raises(OracleUnavailable, match="only those run on cuda"):
        load_oracles(["exact"], "cuda", candidate=replace(candidate, device="cpu"))


def test_misuse_is_named():
    with pytest.raises(InputError, match="device: expected one of cpu, cuda, got 'tpu'"):
        load_oracles(None, "tpu")
    with pytest.raises(InputError, match="oracle: expected one of"):
        load_oracles(["caffe"])
    with pytest.raises(InputError, match=r"oracle: expected one of .*, got 'caffe'"):
        load_oracles("caffe")
    with pytest.raises(OracleUnavailable, match="only those run on cuda"):
        load_oracles(["exact"], "cuda")
