"""Every figure that the seed notebooks print, to the last digit."""

import importlib.util
import sys
from pathlib import Path

import pytest

PATH = Path(__file__).parents[1] / "examples" / "seeds.py"


def _load():
    spec = importlib.util.spec_from_file_location("seeds", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules["seeds"] = module
    spec.loader.exec_module(module)
    return module


seeds = _load()
ROWS = list(seeds.rows())


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.example}-{row.figure}" for row in ROWS])
def test_figure(row):
    assert row.agrees, f"theirs {row.theirs.tolist()}, ours {row.ours.tolist()}"


def test_every_example_is_reproduced():
    described = {name for name, example in seeds.EXAMPLES.items() if isinstance(example, dict)}
    assert described == set(seeds.REPRODUCTIONS)
    for name in described:
        outputs = {row.figure for row in ROWS if row.example == name}
        given = {"source", "note", "dvalue", "dvalues", "x", "w", "b", "weights", "weights_rows_are_neurons", "biases"}
        given |= {"inputs", "bias", "target", "learning_rate", "iterations", "loss", "loss_every", "printed_digits"}
        given |= {"dvalues_into_relu"}
        assert set(seeds.EXAMPLES[name]) - given <= outputs, "a figure of the data is not reproduced"


def test_a_wrong_figure_is_seen():
    row = ROWS[0]
    assert not row._replace(ours=row.ours + 1e-3).agrees
    assert not row._replace(ours=row.ours[None]).agrees


def test_both_notations_of_the_layer_agree():
    example = seeds.EXAMPLES["layer_squared_sum_descent"]
    _, weights, _ = seeds.layer_losses(example)
    assert weights.shape == (4, 3)
    assert weights.T.round(8).tolist() == example["weights_after"]
