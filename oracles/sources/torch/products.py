"""What PyTorch promises of matrix products, by the settings of the process: TF32, bfloat16, sums in half precision.

And whether they run at all: a virtual machine may show instructions that its host refuses.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

LIMIT = "ONEDNN_MAX_CPU_ISA"  # what oneDNN, which takes the products on a CPU, may use of it
_CPU = Path("/proc/cpuinfo")
_PRODUCT = "import torch; a = torch.ones(64, 64, dtype=torch.bfloat16); a @ a"


def product_roundoff(dtype: str, device: str) -> float:
    """2^-11 where float32 matrix products may be taken in TF32, 2^-8 where in bfloat16."""
    if dtype != "float32":
        return 0.0
    backend: Any = torch.backends.cuda.matmul if device == "cuda" else torch.backends.mkldnn
    if device != "cuda":
        backend = getattr(backend, "matmul", None)
    setting = getattr(backend, "fp32_precision", None)  # since torch 2.9
    if setting is None:
        words = torch.get_float32_matmul_precision()
        setting = "bf16" if words == "medium" else "tf32" if device == "cuda" and words == "high" else "ieee"
    return {"tf32": 2.0**-11, "bf16": 2.0**-8}.get(setting, 0.0)


def sums_products_in(dtype: str, device: str) -> str:
    """Sums of products: "native" where partial ones may be rounded to the two-byte float, as on CUDA by default."""
    matmul = torch.backends.cuda.matmul
    flags = {
        "float16": ("allow_fp16_reduced_precision_reduction", "allow_fp16_accumulation"),
        "bfloat16": ("allow_bf16_reduced_precision_reduction",),
    }
    reduced = device == "cuda" and any(_flag(matmul, name) for name in flags.get(dtype, ()))
    return "native" if reduced else "strict"


def _flag(matmul: Any, name: str) -> bool:
    """A setting of this version; some are a pair, with whether split sums are allowed."""
    try:
        value = getattr(matmul, name)
    except (AttributeError, RuntimeError):
        return False
    return bool(value[0] if isinstance(value, tuple) else value)


def trouble() -> str:
    """Why a product in bfloat16 ends the process here, and what to set; "" where it does not.

    Where AMX is shown a product is tried, in a process of its own, for seconds.
    """
    if LIMIT in os.environ or not _CPU.exists() or "amx_tile" not in _CPU.read_text(errors="replace"):
        return ""
    ended = subprocess.run([sys.executable, "-c", _PRODUCT], capture_output=True, check=False).returncode
    if not ended:
        return ""
    how = signal.Signals(-ended).name if ended < 0 else f"exit code {ended}"
    return f"a product in bfloat16 ends with {how}: AMX is shown here and refused; set {LIMIT}=AVX512_CORE_FP16"
