"""Every snippet of the README and of docs/ runs, and prints what the page says it prints.

The snippets of a page share one namespace and one folder, in order:
- `python` is executed; one with title="FILE" is that file's contents, and is written there instead.
- `console`: the lines after "$ " are run, `backproof` in click's runner and `pytest` in a process of its own; each line
  that is shown below must be among what they print, where "…" stands for what is left out.
- `text`, and blocks without a language, are what the page's Python printed.
Figures may differ from one machine to the next; the words may not. `<!-- not run: REASON -->` above a block skips it,
visibly.
"""

import contextlib
import importlib.util
import io
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from oracles.cli.main import main

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(
    r"(?:<!-- not run: (?P<why>[^>]+) -->\n+)?^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?")
NEEDS = {"torch": r"import torch|from_torch|--oracle torch", "jax": r"import jax|from_jax"}
NEEDS |= {"jinja2": r"to_html|--html"}


@dataclass(frozen=True)
class Snippet:
    page: str
    line: int
    language: str
    title: str
    text: str
    why_not: str

    @property
    def id(self):
        return f"{self.page}:{self.line}"


def snippets_of(page, text):
    for found in FENCE.finditer(text):
        language, _, rest = found["info"].strip().partition(" ")
        title = re.search(r'title="([^"]+)"', rest)
        line = text.count("\n", 0, found.start("info")) + 1
        yield Snippet(page, line, language, title[1] if title else "", found["text"], (found["why"] or "").strip())


def name_of(path):
    return str(path.relative_to(ROOT))


def snippets(path):
    return list(snippets_of(name_of(path), path.read_text(encoding="utf-8")))


SKIPPED = [s for path in PAGES for s in snippets(path) if s.why_not]


def masked(text):
    return NUMBER.sub("#", text)


def squeezed(line):
    return " ".join(masked(re.sub(r"[─━\s]+", " ", line)).split())


def why_not_here(text):
    """The reason why a page cannot run here: what is not installed."""
    missing = [name for name, sign in NEEDS.items() if re.search(sign, text) and not importlib.util.find_spec(name)]
    return f"{' and '.join(missing)} not installed" if missing else ""


def run_page(page, found):
    """Run the snippets in the current folder; AssertionError where one does not do what the page says."""
    namespace, printed, shown = {"__name__": "snippets"}, "", ""
    for s in found:
        if s.language in ("", "text"):
            shown += s.text
        elif s.language == "console":
            run_console(s)
        elif s.language == "python" and s.title:
            Path(s.title).parent.mkdir(parents=True, exist_ok=True)
            Path(s.title).write_text(s.text, encoding="utf-8")
            forget(Path(s.title).stem)
        elif s.language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile("\n" * s.line + s.text, s.page, "exec"), namespace)
            printed += out.getvalue()
    assert masked(printed) == masked(shown), f"{page} prints otherwise"


def forget(module):
    """The module is imported anew: its file has changed."""
    sys.modules.pop(module, None)
    for cached in Path().rglob(f"{module}.*.pyc"):
        cached.unlink()


def run_console(snippet):
    for part in re.split(r"^\$ ", snippet.text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        said = run_command(snippet, shlex.split(command, comments=True))
        there = {squeezed(line) for line in said.splitlines()}
        for line in filter(None, map(squeezed, shown.splitlines())):
            pattern = re.compile(".*".join(map(re.escape, line.split("…"))))
            assert any(map(pattern.fullmatch, there)), f"{snippet.id}: {line!r} is not in what it prints:\n{said}"


def run_command(snippet, words):
    program, *arguments = words
    if program == "backproof":
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code in (0, 1), f"{snippet.id}: {done.output}"
        return done.output
    assert program == "pytest", f"{snippet.id}: {program} can not be run; say why with <!-- not run: REASON -->"
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, "COLUMNS": "200"}
    line = [sys.executable, "-m", "pytest", "--rootdir=.", "-p", "no:cacheprovider", *plugin(), *arguments]
    return subprocess.run(line, capture_output=True, text=True, env=environment, check=False).stdout


def plugin():
    """The plugin by name, where the package is not installed and so has no entry point."""
    from importlib.metadata import entry_points

    there = {point.name for point in entry_points(group="pytest11")}
    return () if "backproof" in there else ("-p", "oracles.runs.pytest_plugin")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to be in, from which modules are imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_the_snippets_run_and_print_what_is_shown(path, folder):
    found = [s for s in snippets(path) if not s.why_not]
    reason = why_not_here("".join(s.text for s in found if s.language in ("python", "console")))
    if reason:
        pytest.skip(reason)
    run_page(name_of(path), found)


@pytest.mark.parametrize("snippet", SKIPPED, ids=lambda s: s.id)
def test_a_snippet_that_is_not_run_says_why(snippet):
    assert len(snippet.why_not.split()) > 2
    pytest.skip(snippet.why_not)


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_links_lead_somewhere(path):
    prose = FENCE.sub("", path.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose):
        assert target.startswith("https://") or (path.parent / target).exists(), target


@pytest.mark.parametrize(
    ("page", "complaint"),
    [
        ("```python\nprint('one')\n```\n```text\ntwo\n```\n", "prints otherwise"),
        ("```python\nassert 1 == 2\n```\n", "assert"),
        ("```console\n$ backproof --help\nbackproof, the opera\n```\n", "is not in what it prints"),
        ("```console\n$ rm -r site\n```\n", "can not be run"),
        ("```console\n$ backproof sing\n```\n", "No such command"),
    ],
    ids=["printed", "raised", "shown", "unknown", "misuse"],
)
def test_a_page_that_is_wrong_is_told_so(page, complaint, folder):
    with pytest.raises(AssertionError) as told:
        run_page("page", list(snippets_of("page", page)))
    assert complaint in f"assert {told.value}"


def test_a_file_is_written_and_imported_as_it_is_now(folder):
    page = '```python title="mine.py"\nx = {}\n```\n```python\nfrom mine import x\nassert x == {}\n```\n'
    run_page("page", list(snippets_of("page", page.replace("{}", "1") + page.replace("{}", "2"))))


def test_the_pictures_are_what_their_script_draws(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    import diagrams

    for name, drawn in diagrams.DIAGRAMS.items():
        assert (ROOT / "docs" / "images" / f"{name}.svg").read_text(encoding="utf-8") == drawn, (
            f"python docs/diagrams.py: {name}"
        )
