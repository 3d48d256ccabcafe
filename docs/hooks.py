"""What the site does that Markdown does not, so that the same pages read well on a plain code host.

- `<!-- source: reference.dense_vjp -->` becomes the source of that function: shown, never copied.
- A link to a file of the repository leads to a page that shows the file; a notebook is shown as it was executed.
- A page that would load anything from another host fails the build, as every other warning does.
"""

from __future__ import annotations

import json
import logging
import posixpath
import re
from pathlib import Path
from typing import Any

import griffe
from mkdocs.structure.files import File, InclusionLevel

ROOT = Path(__file__).parents[1]
LOG = logging.getLogger("mkdocs.hooks.backproof")
SOURCE = re.compile(r"<!-- source: (\w+)\.([\w.]+) -->")
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((\.\./[^)#\s]+)(#[^)\s]*)?\)")
# what a browser loads by itself; a link that a reader follows may lead anywhere
LOADED = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\ssrc=["']?(?:https?:)?//[^>]*"""
    r"""|<link\b(?=[^>]*\srel=["']?(?:stylesheet|pre|icon|modulepreload))[^>]*\shref=["']?(?:https?:)?//[^>]*"""
    r"""|(?:@import|url\()\s*(?:url\()?["']?(?:https?:)?//[^)"';]*"""
)
PAGES = {"README.md": "index.md"}


def on_files(files: Any, *, config: Any) -> Any:
    """A page for each file of the repository that a page links to."""
    for page in list(files.documentation_pages()):
        for _, target, _ in LINK.findall(page.content_string):
            path = _in_repository(page.src_uri, target)
            if path and (ROOT / path).is_file() and path not in PAGES and not files.get_file_from_path(_shown(path)):
                made = File.generated(config, _shown(path), content=_text(path), inclusion=InclusionLevel.NOT_IN_NAV)
                files.append(made)
    return files


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Any) -> str:
    """Sources in the place of their comments, and links that lead to pages."""

    def link(found: re.Match[str]) -> str:
        label, target, anchor = found[1], found[2], found[3] or ""
        path = _in_repository(page.file.src_uri, target)
        if path is None:
            return found[0]
        if (ROOT / path).is_dir():
            return label
        to = PAGES.get(path, _shown(path))
        return f"[{label}]({posixpath.relpath(to, posixpath.dirname(page.file.src_uri) or '.')}{anchor})"

    return LINK.sub(link, SOURCE.sub(lambda found: _fenced("python", _source(*found.groups())), markdown))


def on_post_build(*, config: Any) -> None:
    """Nothing on the site is loaded from elsewhere."""
    for path in (p for p in Path(config.site_dir).rglob("*") if p.suffix in (".html", ".css")):
        for found in LOADED.findall(path.read_text(encoding="utf-8")):
            LOG.warning("%s loads from another host: %s", path.name, found)


def _in_repository(page: str, target: str) -> str | None:
    """The path in the repository that a page's link leads to, where that is no page."""
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), target))
    return None if path.startswith("..") or (path.startswith("docs/") and not path.endswith(".py")) else path


def _shown(path: str) -> str:
    return f"source/{path}.md"


def _text(path: str) -> str:
    text = (ROOT / path).read_text(encoding="utf-8")
    if path.endswith(".md"):  # its links are relative to where it stands
        return LINK.sub(r"\1", re.sub(r"\]\((?!https?:)[^)]*\)", "]", text))
    if path.endswith(".ipynb"):
        return f"# {path}\n\n" + "\n\n".join(part for cell in json.loads(text)["cells"] for part in _cell(cell))
    language = {".py": "python", ".toml": "toml", ".ini": "ini", ".yml": "yaml"}.get(Path(path).suffix, "text")
    return f"# {path}\n\n{_fenced(language, text)}\n"


def _cell(cell: dict[str, Any]) -> list[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return [re.sub(r"(?m)^#", "##", source)]
    printed = "".join("".join(output.get("text", ())) for output in cell["outputs"])
    return [_fenced("python", source), *([_fenced("text", printed)] if printed else [])]


def _source(package: str, name: str) -> str:
    found = griffe.load(package, search_paths=[str(ROOT)])[name]
    found = found.final_target if found.is_alias else found
    if found.is_module:
        LOG.warning("%s.%s is a module; name the function in it", package, name)
    return str(found.source)


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"
