import json
import sys

import pytest
from click.testing import CliRunner
from here import Here

from oracles.cli.main import main
from oracles.runs.campaign.state import State

PLAN = ["--op", "softmax", "--dtype", "float32", "--oracle", "exact", "--cases", "40", "--chunk", "20", "--seed", "1"]
WRONG = "import numpy as np\ndef f(x): return np.maximum(x, 0)\ndef f_vjp(g, x): return g\n"


class HereAsLocal(Here):
    """Where a test is not about processes, none are started."""

    def __init__(self, workers=None):
        super().__init__()
        self.workers = self.at_once = workers or 1


@pytest.fixture(autouse=True)
def at_home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr("oracles.runs.campaign.executors.Local", HereAsLocal)


def call(*arguments):
    return CliRunner().invoke(main, ["campaign", *map(str, arguments)])


def test_a_campaign_from_beginning_to_end(tmp_path):
    done = call(*PLAN, "--json", "r.json")
    assert done.exit_code == 0, done.output
    assert "worst |error| / certified bound" in done.output
    assert "2 of 2 chunks done: 40 of 40 cases" in done.output
    assert json.loads((tmp_path / "r.json").read_text())["cases"] == 40
    with State.open("campaign.sqlite") as state:
        assert state.findings.cases == 40


def test_resume_goes_on_and_a_finished_one_is_shown_again():
    assert call(*PLAN).exit_code == 0
    done = call("--resume")
    assert done.exit_code == 0
    assert "2 of 2 chunks done" in done.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([*PLAN, "--resume"], "leave out --op, --dtype, --oracle, --cases, --chunk, --seed"),
        (["--resume", "--state", "no.sqlite"], "no such file"),
        (["--vjp", "f_vjp"], "says something of a candidate"),
        (["campaigned_relu.py:f", "--op", "relu"], "no such file"),
        (["campaigned_relu.py:f", "--op", "relu", "--op", "dense"], "computes one op"),
        (["--op", "sofmax"], "did you mean softmax"),
        (["--cases", "0"], "0 is not in the range"),
        (["--state", "nowhere/c.sqlite", *PLAN], "no such folder"),
    ],
)
def test_misuse_is_one_line_and_exit_code_2(arguments, said):
    done = call(*arguments)
    assert done.exit_code == 2
    assert said in done.output


def test_a_second_campaign_does_not_overwrite_the_first():
    assert call(*PLAN).exit_code == 0
    done = call(*PLAN)
    assert done.exit_code == 2
    assert "there already; --resume goes on with it" in done.output


def test_a_wrong_candidate_fails_and_pytest_will_replay_it(tmp_path):
    (tmp_path / "campaigned_relu.py").write_text(WRONG)
    done = call(
        "campaigned_relu.py:f",
        "--vjp",
        "f_vjp",
        "--op",
        "relu",
        "--oracle",
        "exact",
        "--cases",
        40,
        "--database",
        "kept",
    )
    assert done.exit_code == 1, done.output
    assert "cause: " in done.output
    assert "cases failed" in done.output
    assert any((tmp_path / "kept").iterdir())


def test_stopped_by_ctrl_c_it_says_how_to_go_on(monkeypatch):
    def stop(job):
        if job.number == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(HereAsLocal, "__init__", lambda self, workers=None: Here.__init__(self, stop), raising=True)
    monkeypatch.setattr(HereAsLocal, "at_once", 1, raising=False)
    done = call(*PLAN)
    assert done.exit_code == 130
    assert "go on with: backproof campaign --state campaign.sqlite --resume" in done.output
    assert "1 of 2 chunks done: 20 of 40 cases" in done.output


@pytest.mark.parametrize("option", ["--json", "--html", "--junit"])
@pytest.mark.parametrize("name", ["campaign.sqlite", "folder/../campaign.sqlite", "link", "twin"])
def test_a_report_cannot_be_written_over_the_campaign(tmp_path, option, name):
    if option == "--html":
        pytest.importorskip("jinja2", reason="Jinja2 is not installed")
    assert call(*PLAN).exit_code == 0
    before = (tmp_path / "campaign.sqlite").read_bytes()
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("campaign.sqlite")
    (tmp_path / "twin").hardlink_to("campaign.sqlite")
    done = call("--resume", option, name)
    assert (done.exit_code, done.exception.__class__) == (2, SystemExit)
    assert f"{option}: {name} is the file of --state" in done.output
    assert (tmp_path / "campaign.sqlite").read_bytes() == before
    done = call("--resume", option, "campaign.sqlite-journal")
    assert f"{option}: campaign.sqlite-journal is a file of --state" in done.output


def test_a_failure_of_ours_leaves_no_file_either(tmp_path, monkeypatch):
    def broken(*args, **kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr("oracles.runs.campaign.run.run", broken)
    assert call(*PLAN).exception.__class__ is ZeroDivisionError
    assert not (tmp_path / "campaign.sqlite").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--timeout", "nan"], "expected a number of seconds"),
        (["--dask", "nonsense"], "expected an address like tcp://HOST:PORT, got 'nonsense'"),
        (["--dask", ""], "expected an address like tcp://HOST:PORT, got ''"),
        (["--dask", "tcp://a:1", "--workers", "2"], "--workers: the cluster has its own"),
        (["--database", "afile"], "afile is a file, not a folder"),
    ],
)
def test_options_that_cannot_be(tmp_path, arguments, said):
    pytest.importorskip("distributed", reason="Dask is not installed")
    (tmp_path / "afile").touch()
    done = call(*PLAN, *arguments)
    assert done.exit_code == 2
    assert said in done.output
    assert not (tmp_path / "campaign.sqlite").exists()


def test_what_cannot_run_leaves_no_file(tmp_path):
    (tmp_path / "unloadable.py").write_text("import numpy as np\ndef f(x): return x\n")
    done = call("--op", "relu", "--device", "cuda", "--oracle", "exact", "--cases", "4")
    assert done.exit_code == 2
    assert not (tmp_path / "campaign.sqlite").exists()
