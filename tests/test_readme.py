"""The README's Python runs, and prints what the README says it prints."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from oracles import available

README = (Path(__file__).parents[1] / "README.md").read_text()
NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?")


def test_the_snippets_run_and_print_what_is_shown():
    if not {"torch", "jax"} <= set(available()):
        pytest.skip("the README shows torch and jax, and one of them is not installed")
    namespace, printed = {}, ""
    for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(block, namespace)
        printed += out.getvalue()
    shown = "".join(re.findall(r"```\n((?:exact|output|Case).*?)```", README, re.DOTALL))
    # figures may differ in their last digits from one machine to the next; the words may not
    assert NUMBER.sub("#", printed) == NUMBER.sub("#", shown)


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (Path(__file__).parents[1] / target).exists(), target
