import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from oracles import load  # noqa: E402
from oracles.sources.registry import EXACT  # noqa: E402
from oracles.sources.torch import products as torch_products  # noqa: E402
from oracles.sources.torch.products import product_roundoff, sums_products_in, trouble  # noqa: E402


@pytest.fixture(autouse=True)
def settings_as_they_were():
    yield
    torch.set_float32_matmul_precision("highest")


def test_by_default_products_of_float32_are_its_own():
    assert [product_roundoff("float32", device) for device in ("cpu", "cuda")] == [0, 0]
    assert load("torch").products("float32") == EXACT


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


@pytest.fixture
def shows_tiles(tmp_path, monkeypatch):
    cpu = tmp_path / "cpuinfo"
    cpu.write_text("flags : fpu amx_bf16 amx_tile")
    monkeypatch.setattr(torch_products, "_CPU", cpu)
    monkeypatch.delenv(torch_products.LIMIT, raising=False)


def ends(monkeypatch, code):
    monkeypatch.setattr(torch_products, "_PRODUCT", code)
    return trouble()


def test_instructions_that_are_shown_and_refused(shows_tiles, monkeypatch):
    refused = ends(monkeypatch, "import os, signal; os.kill(os.getpid(), signal.SIGILL)")
    assert refused == (
        "a product in bfloat16 ends with SIGILL: AMX is shown here and refused; set ONEDNN_MAX_CPU_ISA=AVX512_CORE_FP16"
    )
    assert "ends with exit code 3" in ends(monkeypatch, "raise SystemExit(3)")
    assert not ends(monkeypatch, "pass")


def test_nothing_is_tried_where_it_is_set_or_not_shown(shows_tiles, monkeypatch):
    monkeypatch.setenv(torch_products.LIMIT, "AVX2")
    assert not ends(monkeypatch, "raise SystemExit(3)")
    monkeypatch.delenv(torch_products.LIMIT)
    torch_products._CPU.write_text("flags : fpu avx2")
    assert not ends(monkeypatch, "raise SystemExit(3)")
    torch_products._CPU.unlink()
    assert not ends(monkeypatch, "raise SystemExit(3)")


def test_the_product_that_is_tried_runs_where_it_can(monkeypatch):
    monkeypatch.setenv(torch_products.LIMIT, "AVX2")
    exec(torch_products._PRODUCT)
