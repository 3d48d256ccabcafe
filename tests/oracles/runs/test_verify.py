import pytest

import oracles.sources.available as panel_module
from oracles import InputError, OracleUnavailable
from oracles.runs.verify import planned_cases, verify


def test_the_reference_passes_against_an_installed_framework(framework):
    report = verify(ops=["softmax"], dtypes=["float32"], oracles=[framework.name, "exact"], examples=20, seed=1)
    assert report.passed
    assert not report.of_status("disputed")
    assert {m.source for m in report.margins} == {"reference.softmax", framework.name}
    assert report.notes == ()
    assert framework.name in report.versions


def test_without_a_framework_it_says_that_nothing_was_cross_validated(monkeypatch):
    real = panel_module.load

    def absent(name, device="cpu"):
        if name in ("torch", "jax"):
            raise OracleUnavailable(f"{name}: {name} is not installed; install it with: pip install {name}")
        return real(name, device=device)

    monkeypatch.setattr(panel_module, "load", absent)
    report = verify(ops=["relu"], dtypes=["float32"], examples=5, seed=1)
    assert report.passed
    assert [v.message for v in report.of_status("skipped") if v.oracle in ("torch", "jax")] == [
        "jax: jax is not installed; install it with: pip install jax",
        "torch: torch is not installed; install it with: pip install torch",
    ]
    assert report.notes[0].startswith("Nothing was cross-validated")
    with pytest.raises(OracleUnavailable, match="torch is not installed"):  # asked for by name
        verify(oracles=["torch"])


def test_the_progress_counts_what_was_planned():
    done = []
    verify(
        ops=["relu"],
        dtypes=["float32"],
        oracles=["exact"],
        examples=30,
        seed=2,
        progress=lambda n, what: done.append(n),
    )
    assert 0 < sum(done) <= planned_cases(["relu"], ["float32"], 30, 2)


def test_fresh_seeds_are_drawn():
    seeds = {verify(ops=["relu"], dtypes=["float32"], oracles=["exact"], examples=1).seed for _ in range(3)}
    assert len(seeds) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ops": ["denze"]}, "op: expected one of dense"),
        ({"dtypes": ["int8"]}, "dtype: expected one of float32"),
        ({"oracles": ["caffe"]}, "oracle: expected one of exact"),
        ({"device": "tpu"}, "device: expected one of cpu, cuda, got 'tpu'"),
        ({"examples": 0}, "examples: expected a positive number, got 0"),
    ],
)
def test_misuse_is_named(options, message):
    with pytest.raises(InputError, match=message):
        verify(**options)


def test_on_a_cuda_device_where_there_is_one(cuda_framework):
    report = verify(dtypes=["float32", "float64"], oracles=[cuda_framework.name], device="cuda", examples=20, seed=1)
    assert report.passed
    assert report.device == "cuda"


def test_more_processes_find_the_same():
    one, two = (verify(ops=["relu", "dense"], oracles=["exact"], examples=3, seed=4, workers=n) for n in (1, 2))
    assert [(m.op, m.result, m.dtype, m.worst, m.cases) for m in one.margins] == [
        (m.op, m.result, m.dtype, m.worst, m.cases) for m in two.margins
    ]
    assert [(v.op, v.dtype, v.status) for v in one.verdicts] == [(v.op, v.dtype, v.status) for v in two.verdicts]
    assert one.cases == two.cases
