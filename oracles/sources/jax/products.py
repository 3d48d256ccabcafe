"""What JAX promises of matrix products, by its configuration: TF32 on CUDA, unless it is told otherwise."""

from __future__ import annotations

import jax

# by the names that jax takes: what is not here is float32's own
_PRODUCTS = dict.fromkeys((None, "default", "high", "tensorfloat32", "bfloat16_3x", "TF32_TF32_F32"), 2.0**-11)
_PRODUCTS |= dict.fromkeys(("fastest", "bfloat16", "BF16_BF16_F32", "BF16_BF16_F32_X3", "BF16_BF16_BF16"), 2.0**-8)


def product_roundoff(dtype: str, device: str) -> float:
    """2^-11 where float32 matrix products may be taken in TF32, as on CUDA by default, 2^-8 where in bfloat16.

    By the setting jax_default_matmul_precision; on the CPU it changes nothing.
    """
    if dtype != "float32" or device != "cuda":
        return 0.0
    setting: str | None = getattr(jax.config, "jax_default_matmul_precision")  # noqa: B009  (unknown to its stubs)
    return _PRODUCTS.get(setting, 0.0)
