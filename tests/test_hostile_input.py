"""Files and texts from anywhere: the answer is a result or an InputError, soon and in little memory."""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from oracles import Case, InputError, Recipe
from oracles.candidates.target import Target
from oracles.claims.verdicts import Margin, Verdict
from oracles.data.json_data import from_data, read_json, to_data
from oracles.runs.campaign.plan import Plan
from oracles.runs.replay import Recording

CASES = [
    Case("relu", [np.array([[1.0, -0.0, np.nan]], np.float32)], np.ones((1, 3), np.float32)),
    Case("softmax_cross_entropy", [np.eye(2), np.array([0, 1])], 1.0),
    Case(
        "relu", [Recipe("wide", (30, 40), "float16", seed=3, edits=((5, np.inf),))], Recipe("ones", (30, 40), "float16")
    ),
]
RECORDING = {"format": 1} | to_data(Recording(CASES[0], Target("m.py:f", "relu"), earlier=(CASES[0],)))
HOSTILE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.sampled_from([2**31, 2**63, 2**64, -1, 10**400, 1e308, -0.0]),
    st.sampled_from(
        ["nan", "NaN", "inf", "-inf", "Infinity", "1e999", "", "0x", "__class__", "float128", "object", "O", "ids"]
    ),
    st.text(max_size=8),
    st.just([]),
    st.just({}),
    st.recursive(st.integers(), lambda inner: st.lists(inner, max_size=3), max_leaves=6),
)


def places(data, path=()):
    yield path
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


@st.composite
def damaged(draw, whole):
    """Valid data with a few of its parts replaced, taken away, or moved."""
    data = json.loads(json.dumps(whole))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(places(data))))
        new = draw(HOSTILE)
        if not path:
            return new
        *inside, last = path
        holder = data
        for key in inside:
            holder = holder[key]
        what = draw(st.sampled_from(["replace", "replace", "remove", "double"]))
        if what == "remove":
            del holder[last]
        elif what == "double" and isinstance(holder, list):
            holder.append(holder[last])
        else:
            holder[last] = new
    return data


quietly = settings(deadline=None, suppress_health_check=list(HealthCheck))


def read(function, *arguments):
    start = time.perf_counter()
    with suppress(InputError):
        function(*arguments)
    assert time.perf_counter() - start < 20


@quietly
@given(st.sampled_from(CASES).flatmap(lambda case: damaged(json.loads(case.to_json()))))
def test_a_damaged_case(data):
    read(Case.from_json, json.dumps(data))


@quietly
@given(data=damaged(RECORDING))
def test_a_damaged_recording(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("r") / "r.json"
    path.write_text(json.dumps(data))
    read(Recording.load, path)


@quietly
@given(content=st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
@example(content=b"[" * 100_000)
@example(content=b'{"format": 1, "a": ' * 50_000)
@example(content=b"9" * 5000)
@example(content=b'{"format": NaN}')
@example(content=b"\xff\xfe\x00")
def test_any_bytes(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("r") / "r.json"
    path.write_bytes(content)
    read(Recording.load, path)
    read(Case.load, path)
    with suppress(UnicodeDecodeError):
        read(Case.from_json, content.decode())


@quietly
@given(data=st.data())
def test_damaged_records(data):
    kinds = {
        Verdict: to_data(Verdict("values", "relu", "mine", "torch", "float32", "failed", 2.0, case=CASES[0])),
        Margin: to_data(Margin("relu", "output", "float32", "torch", float("inf"), 3, 0.5, CASES[0], ("a",), (1, 2))),
        Plan: to_data(Plan.of(ops=["relu"], cases=10, size=5, seed=1, target=Target("m:f", "relu"))),
    }
    kind = data.draw(st.sampled_from(list(kinds)))
    text = json.dumps(data.draw(damaged(kinds[kind])))
    read(lambda: from_data(kind, read_json(text, "x"), "x"))
    if kind is Plan:
        read(lambda: from_data(kind, read_json(text, "x"), "x").checked())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"shape": [10**9, 10**9]}, "primals.inputs"),
        ({"shape": [2**40]}, "primals.inputs"),
        ({"shape": [-1, 3]}, "primals.inputs"),
        ({"shape": [1] * 100}, "primals.inputs"),
        ({"values": ["NaN", 1, 2]}, "primals.inputs"),
        ({"values": [[1, 2, 3]]}, "primals.inputs"),
        ({"values": ["__import__('os')", 1, 2]}, "primals.inputs"),
        ({"dtype": "object"}, "primals.inputs"),
        ({"dtype": ["float32"]}, "primals.inputs"),
        ({"strides": [10**18, 8], "shape": [2, 3]}, "primals.inputs"),
    ],
)
def test_the_field_is_named(change, said):
    data = json.loads(CASES[0].to_json())
    data["primals"]["inputs"] |= change
    with pytest.raises(InputError, match=said):
        Case.from_json(json.dumps(data))


def test_an_error_is_short_whatever_it_is_about():
    data = json.loads(CASES[0].to_json())
    for change in ({"shape": [1] * 10**6}, {"shape": "x" * 10**6}, {"dtype": "y" * 10**6}, {"strides": [5] * 10**6}):
        hostile = {**data, "primals": {"inputs": data["primals"]["inputs"] | change}}
        with pytest.raises(InputError) as raised:
            Case.from_json(json.dumps(hostile))
        assert len(str(raised.value)) < 500


LITTLE = """
import base64, json, resource, sys, zlib
resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30, 3 * 2**30))
from oracles import Case, InputError
from oracles.runs.replay import Recording
data = json.loads(sys.stdin.read())
array = data["primals"]["inputs"]
del array["values"]
array["zlib_base64"] = base64.b64encode(zlib.compress(bytes(2**30), 9)).decode()  # a gigabyte in a megabyte
try:
    Case.from_json(json.dumps(data))
except InputError as error:
    print(error)
data["primals"]["inputs"] = {"recipe": {"style": "ones", "shape": [2**30], "dtype": "float64", "edits": []}}
try:
    Case.from_json(json.dumps(data))
except InputError as error:
    print(error)
try:
    Recording.load(__import__("pathlib").Path("/dev/zero"))
except InputError as error:
    print(error)
"""


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="there is no /dev/zero here")
def test_gigabytes_are_refused_in_little_memory():
    done = subprocess.run([sys.executable, "-c", LITTLE], input=CASES[0].to_json(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    bomb, recipe, endless = done.stdout.splitlines()
    assert bomb.startswith("primals.inputs: packed array: expected 12 bytes")
    assert recipe.startswith("primals.inputs.recipe.shape: expected at most")
    assert endless.startswith("/dev/zero: over ")


@pytest.mark.parametrize("name", ["../../etc/passwd", "torch\0", "a" * 10_000, "", "os:system", "__import__", "tor ch"])
def test_names_of_plugins_are_names(name):
    from oracles import load

    with pytest.raises(InputError) as raised:
        load(name)
    assert "expected one of" in str(raised.value)


def test_a_plugin_that_cannot_be_imported_is_said(monkeypatch):
    from importlib.metadata import EntryPoint

    from oracles import OracleUnavailable
    from oracles.sources import registry

    for value in ("no.such.module", "os:nothing", "not a name!", "json"):
        point = EntryPoint("evil", value, registry.GROUP)
        monkeypatch.setattr(registry, "entry_points", lambda group, point=point: [point])
        with pytest.raises(OracleUnavailable, match="evil: installed, but it cannot be imported"):
            registry.load("evil")


@pytest.mark.parametrize(
    "changes",
    [
        {"style": "one_hot"},
        {"style": "mixup"},
        {"style": "smoothed"},
        {"style": "probabilities", "shape": []},
        {"shape": [1e400]},
        {"shape": [2**70, 0]},
        {"shape": [1] * 70},
        {"seed": 1e400},
        {"scale": 10**400},
        {"scale": 1e400},
        {"style": "ids", "dtype": "int64", "scale": 1e300},
        {"edits": [[0, 10**400]]},
        {"edits": [[1e400, 1]]},
        {"dtype": "int8", "edits": [[0, 300]]},
    ],
)
def test_a_recipe_of_nothing(changes):
    recipe = {"style": "uniform", "shape": [3], "dtype": "float32", "edits": []} | changes
    data = json.loads(CASES[0].to_json())
    data["primals"]["inputs"] = {"recipe": recipe}
    text = json.dumps(data).replace("Infinity", "1e999")
    with pytest.raises(InputError, match=r"inputs\.recipe: "):
        Case.from_json(text)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"strides": [10**30]}, r"inputs\.strides: .* reach too far"),
        ({"strides": [1], "writeable": "no"}, r"inputs\.writeable: expected true or false"),
    ],
)
def test_a_layout_of_nothing(changes, said):
    data = json.loads(CASES[0].to_json())
    data["primals"]["inputs"] = {"dtype": "float32", "shape": [1], "values": [1.0]} | changes
    with pytest.raises(InputError, match=said):
        Case.from_json(json.dumps(data))


@pytest.mark.parametrize("differentiable", [[["x"]], [{}], [None], "x", [], ["y"]])
def test_names_that_are_none(differentiable):
    array = {"dtype": "float32", "shape": [1], "values": [1.0]}
    data = {"format": 1, "op": "own", "primals": {"x": array}, "cotangent": array, "differentiable": differentiable}
    with pytest.raises(InputError, match=r"differentiable: expected some of x"):
        Case.from_json(json.dumps(data))
