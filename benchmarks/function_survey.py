"""How far libraries' functions are off: the constants of `oracles/calculus/primitives/functions.py` stand on it.

    python benchmarks/function_survey.py --write oracles/calculus/survey.json

Every function of the table in NumPy, torch and jax (jitted), as far as they have it, in four dtypes: every number of
the two-byte floats, and --points numbers of the others, over the range where results are normal numbers. The error is
held against python-flint's for float64, and against float64's for the others. What is kept is the largest C in
|error| <= 2 C u |f(x)| + u |x f'(x)|, the second term where the table says that the argument may be rounded first.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from flint import ctx

from oracles.calculus.model import ARITHMETIC
from oracles.calculus.primitives.functions import FUNCTIONS, Function, polygamma
from oracles.data.arrays import Array, as_dtype

TABLE: dict[str, Function] = {**FUNCTIONS, "digamma": polygamma(0)}
DTYPES = ("float32", "float64", "float16", "bfloat16")
# where results are neither 0 nor infinite in float64; narrower dtypes have what is normal of it
RANGES: dict[str, tuple[tuple[float, float], ...]] = {
    "exp": ((-700, 700),),
    "expm1": ((-40, 700), (-1, 1)),
    "log": ((1e-300, 1e300), (0.5, 2)),
    "log1p": ((-0.999, 1e300), (-0.5, 1)),
    "sqrt": ((1e-300, 1e300),),
    "sin": ((-100, 100), (-4, 4)),
    "cos": ((-100, 100), (-4, 4)),
    "tanh": ((-30, 30), (-1, 1)),
    "sigmoid": ((-700, 40), (-10, 10)),
    "erf": ((-6, 6), (-1, 1)),
    "erfc": ((-6, 26), (-1, 4)),
    "lgamma": ((1e-3, 1e5), (0.5, 4)),
    "digamma": ((1e-3, 1e5), (0.5, 4)),
}


def points(name: str, dtype: str, count: int) -> Array:
    """Numbers of the dtype in the function's ranges: all there are of two bytes, evenly and by magnitude of others."""
    if as_dtype(dtype).itemsize == 2:
        every = np.arange(2**16, dtype=np.uint16).view(as_dtype(dtype))
        wide = every.astype(np.float64)
        inside = np.zeros(wide.shape, bool)
        for low, high in RANGES[name]:
            inside |= (wide >= low) & (wide <= high)
        return np.asarray(every[inside & np.isfinite(wide)])
    rng, drawn = np.random.default_rng(0), []
    for low, high in RANGES[name]:
        drawn.append(rng.uniform(max(low, -1e30), min(high, 1e30), count // 4))
        least, most = max(low, 1e-300), max(abs(low), abs(high))
        sizes = np.exp(rng.uniform(np.log(max(least, 1e-12)), np.log(most), count // 4))
        drawn.append(sizes * np.where(rng.random(sizes.shape) < 0.5, -1, 1) if low < 0 else sizes)
    x = np.concatenate(drawn)
    whole = np.zeros(x.shape, bool)
    for low, high in RANGES[name]:
        whole |= (x >= low) & (x <= high)
    with np.errstate(over="ignore"):
        return np.asarray(x[whole].astype(as_dtype(dtype)))


def exactly(name: str, x: Array, dtype: str) -> Array:
    """f(x) to far more digits than the dtype has."""
    wide = x.astype(np.float64)
    if dtype != "float64":
        return TABLE[name].value(wide)
    from flint import arb

    with ctx.workprec(120):
        return np.array([float(TABLE[name].ball(arb(v)).mid()) for v in wide.tolist()])


def slope(name: str, x: Array) -> Array:
    """|f'(x)|, near enough: for the effect of a rounded argument."""
    step = np.maximum(np.abs(x), 1e-3) * 2.0**-20
    with np.errstate(all="ignore"):
        return np.abs(TABLE[name].value(x + step) - TABLE[name].value(x - step)) / (2 * step)


def libraries(name: str) -> Iterator[tuple[str, Callable[[Array], Array]]]:
    """The function of each library that has one: an array of a dtype to one of the same."""
    if hasattr(np, name):
        yield "numpy", getattr(np, name)
    if importlib.util.find_spec("torch"):
        import torch

        special: Any = {"lgamma": torch.lgamma, "digamma": torch.digamma}
        function = special.get(name) or getattr(torch, name)

        def in_torch(x: Array) -> Array:
            if x.dtype.name == "bfloat16":
                t = torch.from_numpy(x.view(np.int16)).view(torch.bfloat16)
                return np.asarray(function(t).view(torch.int16).numpy().view(x.dtype))
            return np.asarray(function(torch.from_numpy(x)).numpy())

        yield "torch", in_torch
    if importlib.util.find_spec("jax"):
        import jax
        from jax import lax

        jax.config.update("jax_enable_x64", True)
        own = {"sigmoid": "logistic"}.get(name, name)
        jitted = jax.jit(getattr(lax, own))
        yield "jax", lambda x: np.asarray(jitted(x))


def constant(name: str, dtype: str, function: Callable[[Array], Array], count: int) -> tuple[float, float] | None:
    """The largest C, and where; None where the library has no such function in the dtype."""
    x, m = points(name, dtype, count), ARITHMETIC[dtype]
    with np.errstate(all="ignore"):
        right = exactly(name, x, dtype)
        try:
            found = np.asarray(function(x))
        except (TypeError, ValueError, RuntimeError):
            return None
        if found.dtype != x.dtype:
            return None
        wide = x.astype(np.float64)
        known = (np.abs(right) >= 2 * m.normal) & (np.abs(right) <= m.largest / 2) & np.isfinite(wide)
        known &= (np.abs(wide) >= m.normal) | (wide == 0)
        moved = m.v * np.abs(wide) * slope(name, wide) if TABLE[name].argument else 0.0
        # what a library does not take any more at all is no matter of digits
        c = (np.abs(found.astype(np.float64) - right) - moved) / (2 * m.v * np.abs(right))
        c = np.where(known, c, 0.0)
    at = int(np.argmax(c))
    return float(c[at]), float(wide[at])


def survey(count: int) -> dict[str, Any]:
    """By function, library and dtype: the constant, and the argument at which it was seen."""
    found: dict[str, Any] = {}
    for name in TABLE:
        for library, function in libraries(name):
            for dtype in DTYPES:
                worst = constant(name, dtype, function, count)
                if worst is not None:
                    found.setdefault(name, {}).setdefault(library, {})[dtype] = [round(worst[0], 3), worst[1]]
        told = {library: max(c for c, _ in of.values()) for library, of in found[name].items()}
        print(f"{name} (table: {TABLE[name].ulps:g}): {told}", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    found = survey(arguments.points)
    from machine import versions  # beside this script

    command = f"python benchmarks/function_survey.py --points {arguments.points} --write oracles/calculus/survey.json"
    data = {"command": command, "versions": versions(), "functions": found}
    if arguments.write:
        arguments.write.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
