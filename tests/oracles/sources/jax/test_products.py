import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="jax is not installed")

from oracles import Case, Recipe, load  # noqa: E402
from oracles.data.arrays import same_bits  # noqa: E402
from oracles.sources.jax.products import product_roundoff  # noqa: E402


def test_on_cuda_tf32_is_the_default():
    assert product_roundoff("float32", "cuda") == 2.0**-11
    assert product_roundoff("float64", "cuda") == 0


@pytest.mark.parametrize(
    ("setting", "roundoff"),
    [("highest", 0), ("float32", 0), ("tensorfloat32", 2.0**-11), ("high", 2.0**-11), ("bfloat16", 2.0**-8)],
)
def test_its_setting_is_seen(setting, roundoff):
    try:
        with jax.default_matmul_precision(setting):
            found = product_roundoff("float32", "cuda")
    except ValueError:
        pytest.skip(f"jax {jax.__version__} has no setting {setting}")
    assert found == roundoff


def test_on_the_cpu_the_setting_changes_nothing():
    recipes = [
        Recipe("uniform", shape, "float32", seed) for seed, shape in enumerate([(7, 33), (33, 5), (1, 5), (7, 5)])
    ]
    case = Case("dense", recipes[:3], recipes[3])
    before = load("jax").vjp(case).named()
    jax.clear_caches()
    with jax.default_matmul_precision("bfloat16"):
        assert product_roundoff("float32", "cpu") == 0
        now = load("jax").vjp(case).named()
    jax.clear_caches()
    assert all(same_bits(np.asarray(before[name]), now[name]) for name in before)
