"""What docs/hooks.py adds to the site: sources, pages of the repository's files, and nothing from another host."""

import logging
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def hooks(monkeypatch):
    pytest.importorskip("mkdocs", reason="mkdocs is not installed")
    pytest.importorskip("griffe", reason="griffe, of mkdocstrings, is not installed")
    monkeypatch.syspath_prepend(ROOT / "docs")
    import hooks

    return hooks


def rendered(hooks, markdown, page="page.md"):
    page = SimpleNamespace(file=SimpleNamespace(src_uri=page))
    return hooks.on_page_markdown(markdown, page=page, config=None, files=None)


def test_a_source_is_that_of_the_function(hooks):
    text = rendered(hooks, "before\n\n<!-- source: reference.relu.relu_vjp -->\n")
    assert text.startswith("before\n\n```python\ndef relu_vjp(cotangent")
    assert "by_rows(_relu_vjp, dinputs, g, x, cheap=True)" in text


def test_a_source_that_is_not_there_fails(hooks):
    with pytest.raises(KeyError):
        rendered(hooks, "<!-- source: reference.relu.gelu_vjp -->")


def test_every_source_on_a_page_is_a_functions(hooks, caplog):
    for path in (ROOT / "docs").rglob("*.md"):
        rendered(hooks, path.read_text(encoding="utf-8"), str(path.relative_to(ROOT / "docs")))
    assert not caplog.records
    rendered(hooks, "<!-- source: reference.relu -->")
    assert "is a module" in caplog.text


@pytest.mark.parametrize(
    ("page", "link", "becomes"),
    [
        ("page.md", "[a](../oracles/ops.py)", "[a](source/oracles/ops.py.md)"),
        ("how-to/page.md", "[a](../../oracles/ops.py)", "[a](../source/oracles/ops.py.md)"),
        ("page.md", "[a](../README.md#use)", "[a](index.md#use)"),
        ("page.md", "[a](../oracles/claims)", "a"),
        ("how-to/page.md", "[a](../bounds.md#dense)", "[a](../bounds.md#dense)"),
        ("how-to/page.md", "![a](../images/dense.svg)", "![a](../images/dense.svg)"),
        ("page.md", "[a](https://example.org/b)", "[a](https://example.org/b)"),
    ],
    ids=["file", "deeper", "readme", "folder", "page", "picture", "elsewhere"],
)
def test_where_links_lead(hooks, page, link, becomes):
    assert rendered(hooks, link, page) == becomes


@pytest.mark.parametrize(
    ("html", "is_foreign"),
    [
        ('<script src="https://cdn.example.org/a.js"></script>', True),
        ('<link rel="stylesheet" href="//fonts.example.org/a.css">', True),
        ('<link href="https://fonts.example.org/a.css" rel="stylesheet">', True),
        ('<img alt="b" src=http://example.org/b.png>', True),
        ("<style>@import url(https://example.org/a.css);</style>", True),
        ('<a href="https://example.org">elsewhere</a>', False),
        ('<script src="assets/a.js"></script><link rel="stylesheet" href="a.css">', False),
    ],
)
def test_what_comes_from_another_host_is_warned_of(hooks, html, is_foreign, tmp_path, caplog):
    (tmp_path / "page.html").write_text(html)
    with caplog.at_level(logging.WARNING):
        hooks.on_post_build(config=SimpleNamespace(site_dir=str(tmp_path)))
    assert bool(caplog.records) is is_foreign
