"""What TF32 does to dense on a GPU: the worst margin within float32's bound, and within what the setting promises.

    python benchmarks/tensor_cores.py

Each framework at its default, with TF32 allowed, and with float32 asked for; uniform values.
"""

from __future__ import annotations

from collections.abc import Iterator

from determinism import case_of
from machine import versions

from oracles import Case, load
from oracles.claims.truth import Truth
from oracles.sources.registry import Oracle

SHAPES = ((8, 10, 7), (64, 64, 64), (129, 257, 65), (512, 1024, 512))
PRODUCTS = ("output", "dinputs", "dweights")


def of_torch() -> Iterator[tuple[str, Oracle]]:
    import torch

    yield "default", load("torch", device="cuda")
    for allowed in (True, False):
        torch.backends.cuda.matmul.allow_tf32 = allowed
        yield f"allow_tf32 = {allowed}", load("torch", device="cuda")


def of_jax() -> Iterator[tuple[str, Oracle]]:
    import jax

    yield "default", load("jax", device="cuda")
    for precision in ("tensorfloat32", "highest"):
        jax.config.update("jax_default_matmul_precision", precision)
        yield f"precision {precision}", load("jax", device="cuda")


def worst(oracle: Oracle, case: Case, *, promised: bool) -> float:
    truth = Truth.of(case)
    found = (truth.for_oracle(oracle) if promised else truth).judge(oracle.vjp(case))
    return max(found[name].margin for name in PRODUCTS)


def main() -> None:
    print("| | setting | promised, an operand | " + " | ".join(" x ".join(map(str, s)) for s in SHAPES) + " |")
    print("|---|---|--:|" + "--:|" * len(SHAPES))
    for framework, settings in (("torch", of_torch()), ("jax", of_jax())):
        for setting, oracle in settings:
            cells = []
            for shape in SHAPES:
                case = case_of("dense", "float32", shape)
                cells.append(f"{worst(oracle, case, promised=False):.3g}, {worst(oracle, case, promised=True):.2f}")
            print(f"| {framework} | {setting} | {oracle.products('float32').operand:.2g} | {' | '.join(cells)} |")
    print(versions())


if __name__ == "__main__":
    main()
