import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from oracles import load  # noqa: E402
from oracles.torch_products import product_roundoff, sums_products_in  # noqa: E402


@pytest.fixture(autouse=True)
def settings_as_they_were():
    yield
    torch.set_float32_matmul_precision("highest")


def test_by_default_products_of_float32_are_its_own():
    assert [product_roundoff("float32", device) for device in ("cpu", "cuda")] == [0, 0]
    assert load("torch").product_roundoff("float32") == 0


@pytest.mark.parametrize(("words", "cpu", "cuda"), [("high", None, 2.0**-11), ("medium", 2.0**-8, None)])
def test_settings_that_allow_less_are_seen(words, cpu, cuda):
    torch.set_float32_matmul_precision(words)
    assert cpu is None or product_roundoff("float32", "cpu") == cpu
    assert cuda is None or product_roundoff("float32", "cuda") == cuda
    assert product_roundoff("float32", "cuda") >= 2.0**-11
    assert product_roundoff("float64", "cuda") == product_roundoff("float16", "cuda") == 0


def test_the_old_switch_is_seen():
    torch.backends.cuda.matmul.allow_tf32 = True
    try:
        assert product_roundoff("float32", "cuda") == 2.0**-11
        assert product_roundoff("float32", "cpu") in (0, 2.0**-11)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = False


def test_on_cuda_half_precision_may_be_summed_in_itself_unless_that_is_turned_off():
    assert sums_products_in("float16", "cpu") == sums_products_in("float32", "cuda") == "strict"
    assert sums_products_in("float16", "cuda") == sums_products_in("bfloat16", "cuda") == "native"
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
    try:
        assert sums_products_in("bfloat16", "cuda") == "strict"
    finally:
        torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = True
