"""The notebook runs from its first cell to its last, and says what it says as committed."""

import json
import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "examples" / "notebook.ipynb"
NUMBER = re.compile(r"-?\d+(\.\d*)?(e[+-]?\d+)?")
FAULTS = 11


def printed(cells):
    """What each cell printed, numbers aside: their last digits may differ from one machine to the next."""
    outputs = [cell.get("outputs", []) for cell in cells]
    texts = ["".join("".join(output["text"]) for output in cell if output.get("name") == "stdout") for cell in outputs]
    return [" ".join(NUMBER.sub("#", text).split()) for text in texts]


def test_as_committed_it_was_executed_in_order():
    cells = [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert not [output for cell in cells for output in cell["outputs"] if output["output_type"] == "error"]


def test_as_committed_it_names_a_cause_for_every_fault():
    cells = [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]
    caught = [text for cell, text in zip(cells, printed(cells), strict=True) if "\ncauses(" in "".join(cell["source"])]
    assert len(caught) == FAULTS
    assert all("breaks:" in text and "unexplained" not in text for text in caught)


def test_executed_again_it_raises_nothing_and_says_the_same(monkeypatch, tmp_path):
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    import nbformat

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    committed = printed(notebook.cells)
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert printed(notebook.cells) == committed
