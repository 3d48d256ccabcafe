"""The rules of the layout: who may import whom, and what each op and folder must have."""

import ast
from pathlib import Path

import pytest

from oracles.ops import OPS
from oracles.sources.registry import names

ROOT = Path(__file__).parents[1]
FRAMEWORKS = ("torch", "jax", "cupy", "numba", "triton")
# what each package may import: those before it, never those after
PACKAGES = (
    "calculus",
    "ops",
    "data",
    "sources",
    "candidates",
    "cases",
    "claims",
    "conventions",
    "causes",
    "snippets",
    "reports",
    "runs",
    "cli",
)


def imports_of(path, tree=None):
    """(line, absolute module) of every import in a file, wherever it stands; or in a part of it."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(tree or ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            yield node.lineno, module
            names = [f"{module}.{alias.name}" for alias in node.names]
            yield from ((node.lineno, name) for name in names if (ROOT / f"{name.replace('.', '/')}.py").exists())


def breaches(path, rule):
    """What breaks a rule in a file, said with the rule."""
    found = []
    for line, module in imports_of(path):
        said = rule(path, module)
        if said:
            found.append(f"{path.relative_to(ROOT)}:{line} imports {module}: {said}")
    return found


def numpy_only(path, module):
    standard = {"__future__", "collections", "concurrent", "functools", "os", "typing"}
    if module.partition(".")[0] not in standard | {"numpy", "reference"}:
        return "reference imports NumPy alone, and never oracles"


def calculus_stands_alone(path, module):
    own = module == "oracles.calculus" or module.startswith("oracles.calculus.")
    standard = {"__future__", "collections", "dataclasses", "functools", "math", "types", "typing"}
    if "calculus" in path.parts and not own and module.partition(".")[0] not in standard | {"numpy", "flint"}:
        return "calculus imports NumPy and python-flint alone: it knows nothing of layers"


def frameworks_in_their_adapters(path, module):
    top = module.partition(".")[0]
    if top in FRAMEWORKS and path.relative_to(ROOT).parts[:3] != ("oracles", "sources", top):
        return f"{top} is imported in sources/{top}, and nowhere else"


def adapters_stand_alone(path, module):
    parts, target = path.relative_to(ROOT).parts, module.split(".")
    adapters = len(parts) > 3 and len(target) > 3 and (*parts[:2], *target[:2]) == ("oracles", "sources") * 2
    if adapters and target[2] != parts[2]:
        return "adapters do not import each other"


def packages_in_order(path, module):
    parts, target = path.relative_to(ROOT).parts, module.split(".")
    if parts[0] == "oracles" and parts[1] in PACKAGES and target[0] == "oracles" and len(target) > 1:
        if target[1] in PACKAGES and PACKAGES.index(target[1]) > PACKAGES.index(parts[1]):
            return f"{target[1]} stands after {parts[1]}"
        if target[1] not in (*PACKAGES, "words"):
            return f"{parts[1]} imports what lies in packages, and words, alone"


def campaigns_stand_on_the_rest(path, module):
    campaign = ("oracles", "runs", "campaign")
    parts = path.relative_to(ROOT).parts
    if parts[:3] != campaign and parts[1] == "runs" and tuple(module.split(".")[:3]) == campaign:
        return "campaigns use the other runs, and only their command knows them"


def words_import_nothing(path, module):
    if path == ROOT / "oracles/words.py" and module.startswith("oracles"):
        return "words is what every package may import"


RULES = [
    (numpy_only, "reference"),
    (calculus_stands_alone, "oracles"),
    (frameworks_in_their_adapters, "oracles"),
    (frameworks_in_their_adapters, "reference"),
    (adapters_stand_alone, "oracles"),
    (packages_in_order, "oracles"),
    (campaigns_stand_on_the_rest, "oracles"),
    (words_import_nothing, "oracles"),
]


@pytest.mark.parametrize(("rule", "folder"), RULES, ids=[f"{r.__name__}-{f}" for r, f in RULES])
def test_imports(rule, folder):
    found = [line for path in sorted((ROOT / folder).rglob("*.py")) for line in breaches(path, rule)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("where", "text", "rule"),
    [
        ("reference/dense.py", "import torch", numpy_only),
        ("reference/dense.py", "from oracles import Case", numpy_only),
        ("oracles/calculus/trace.py", "from ..case import Case", calculus_stands_alone),
        ("oracles/calculus/primitives/sums.py", "from ...words import printable", calculus_stands_alone),
        ("oracles/data/case.py", "def f():\n    import jax.numpy", frameworks_in_their_adapters),
        ("oracles/sources/torch/oracle.py", "from ..jax.oracle import vjp", adapters_stand_alone),
        ("oracles/claims/truth.py", "from ..reports.report import Report", packages_in_order),
        ("oracles/claims/truth.py", "from ..kit import check_layer", packages_in_order),
        ("oracles/words.py", "from .claims.truth import Truth", words_import_nothing),
        ("oracles/data/case.py", "from ..candidates import run", packages_in_order),
        ("oracles/runs/check_layer.py", "from .campaign.plan import Plan", campaigns_stand_on_the_rest),
    ],
)
def test_each_rule_can_be_broken(tmp_path, where, text, rule):
    globals()["ROOT"] = tmp_path
    try:
        path = tmp_path / where
        path.parent.mkdir(parents=True)
        path.write_text(text)
        assert breaches(path, rule)
    finally:
        globals()["ROOT"] = Path(__file__).parents[1]


@pytest.mark.parametrize("op", OPS)
def test_an_op_has_all_its_parts(op):

    import reference

    parts = {
        f"reference/{op}.py": (ROOT / "reference" / f"{op}.py").exists(),
        f"reference.{op} and {op}_vjp": hasattr(reference, op) and hasattr(reference, f"{op}_vjp"),
        f"tests/reference/test_{op}.py": (ROOT / "tests" / "reference" / f"test_{op}.py").exists(),
        f"its declaration in oracles/ops/*/{op}.py": len(list((ROOT / "oracles/ops").glob(f"*/{op}.py"))) == 1,
        f"tests/mutants/{op}.py": (ROOT / "tests" / "mutants" / f"{op}.py").exists(),
        "its derivation in docs/derivations.md": f"reference.{op}.{op}_vjp "
        in (ROOT / "docs" / "derivations.md").read_text(),
    }
    for framework in ("torch", "jax"):
        source = (ROOT / "oracles/sources" / framework / "oracle.py").read_text()
        functions = {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
        parts[f"its primal in oracles/sources/{framework}/oracle.py"] = op in functions
    assert all(parts.values()), "missing: " + ", ".join(name for name, there in parts.items() if not there)


def at_import(path):
    """The modules that are imported when a file is: what stands in a function is not, nor what types alone need."""
    waiting = list(ast.parse(path.read_text()).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield ast.Module([node], [])
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            waiting += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += ast.iter_child_nodes(node)


def circles(edges):
    """What of a graph stands on itself: take away what stands on nothing, until nothing can be taken away."""
    left = {a: set(others) for a, others in edges.items()}
    while free := [a for a, others in left.items() if not others & left.keys()]:
        for a in free:
            del left[a]
    return left


def modules():
    """(dotted name, path) of every module of the package."""
    for path in sorted((ROOT / "oracles").rglob("*.py")):
        yield ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), path


def test_circles_are_found():
    assert not circles({"a": {"b"}, "b": {"c"}, "c": set()})
    assert set(circles({"a": {"b"}, "b": {"c"}, "c": {"b"}})) == {"a", "b", "c"}


def test_no_module_stands_on_itself():
    edges = {name: set() for name, _ in modules()}
    for name, path in modules():
        for node in at_import(path):
            for _, target in imports_of(path, node):
                edges[name] |= {target} & (edges.keys() - {name})
    assert sum(map(len, edges.values())) > 300
    assert not circles(edges)


def test_no_package_stands_on_itself():
    edges = {}
    for name, path in modules():
        own = name.split(".")[1:2]
        for _, target in imports_of(path):
            other = target.split(".")[1:2] if target.startswith("oracles.") else []
            if own and other and own != other:
                edges.setdefault(own[0], set()).add(other[0])
    assert {"runs", "cli", "claims"} <= edges.keys()
    assert not circles(edges)


@pytest.mark.parametrize("folder", sorted({p.parent for p in (ROOT / "oracles").rglob("*.py")}), ids=str)
def test_no_folder_is_too_full(folder):
    files = [p for p in folder.glob("*.py") if p.name != "__init__.py"]
    assert len(files) <= 15, f"{folder.name} asks to be split"
    assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text())), f"{folder.name} does not say what it is"


def test_tests_mirror_the_source():
    missing = []
    for folder in ("reference", "oracles"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            inner = path.relative_to(ROOT).parent
            if (
                path.name != "__init__.py"
                and "OP = Op(" not in path.read_text()  # a declaration: test_derived is of all of them
                and path
                not in (
                    ROOT / "oracles/ops/losses/reductions.py",
                    ROOT / "oracles/ops/rows/norms.py",
                )  # what several share
                and not (ROOT / "tests" / inner / f"test_{path.stem.lstrip('_')}.py").exists()
                and inner.name not in ("primitives", "hypotheses")  # rows of one table; hypotheses: tested together
            ):
                missing.append(f"{inner}/{path.name}")
    assert not missing, f"no test file for {', '.join(missing)}"


def test_every_oracle_says_how_to_install_it():
    from oracles.sources.registry import install_line

    assert all(install_line(name).startswith("pip install ") for name in names())


@pytest.mark.parametrize("path", sorted(p for f in ("reference", "oracles") for p in (ROOT / f).rglob("*.py")), ids=str)
def test_no_file_is_too_long_to_read(path):
    assert len(path.read_text().splitlines()) <= 250, f"{path.name} asks to be split"


def test_no_loose_tolerances():
    words = ("rtol=", "atol=", "allclose", "isclose", "pytest.approx", "assert_almost")
    here = Path(__file__).name
    for folder in ("reference", "oracles", "tests", "examples"):
        for path in (ROOT / folder).rglob("*.py"):
            found = [word for word in words if word in path.read_text() and path.name != here]
            assert not found, f"{path}: {found}: comparisons go through the certified bounds"
