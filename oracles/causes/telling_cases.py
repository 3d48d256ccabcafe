"""Small cases that tell causes apart: without coincidences, of unequal sizes, with a kink or a NaN where wanted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..candidates.layer import Layer
from ..cases.frames import Frame
from ..cases.generation import Variety
from ..claims.frames_of_claims import probes
from ..claims.search import try_cases
from ..data.arrays import Array, as_dtype
from ..data.case import Case
from ..data.recipe import Recipe
from ..ops import Op
from ..ops.domains import REAL

PLAIN = Variety(layouts=False, special=False)


def takes_matrices(op: Op) -> bool:
    """Whether the first primal may be a matrix of any size."""
    axes = op.signature.inputs[0].axes or ()
    free = [axis for axis in axes if axis != "..." and not axis.isdigit()]
    return len(free) == len(set(free)) == 2 or ("..." in axes and len(free) == len(axes) - 1 <= 2)


def kinks(op: Op, dtype: str) -> Case:
    """Both zeros beside small and large values of both signs, under different cotangents."""
    inputs = np.array([[0.0, -0.0, 1.0, -1.0, 0.5], [-0.0, 0.0, -8.0, 8.0, -0.5]]).astype(as_dtype(dtype))
    return Case(op, [inputs], np.arange(2, 12).reshape(2, 5).astype(inputs.dtype))


def offsets(op: Op, dtype: str) -> Iterator[Case]:
    """Rows of logits far from 0 and from each other: what is subtracted from them, if not their maximum, shows."""
    far = 500.0 if dtype == "float64" else 100.0  # exp of twice that underflows
    for rows in (
        [[far, far + 1, far - 0.5], [0.0, 1.0, 0.5], [-far, -far - 2, -far + 1]],
        [[-2 * far, -2 * far - 1, -2 * far + 0.5]],
        [[-2 * far] * 3],
    ):
        inputs = np.array(rows).astype(as_dtype(dtype))
        yield Case(op, [inputs], np.arange(2, 2 + inputs.size).reshape(inputs.shape).astype(inputs.dtype))


def masks(op: Op, dtype: str) -> Case:
    """Rows of logits that begin with -inf, as many as a block may have: which one it is shows."""
    hidden = 2 ** np.arange(9)
    inputs = np.tile(np.arange(300) % 7 * 0.25, (len(hidden), 1))
    inputs[np.arange(300) < hidden[:, None]] = -np.inf
    cotangent = np.tile(np.arange(300) % 5 - 2.0, (len(hidden), 1))
    return Case(op, [inputs.astype(as_dtype(dtype))], cotangent.astype(as_dtype(dtype)))


def plain_case(layer: Layer, dtype: str, frame: Frame | None = None) -> Case:
    """One case whose values are all different, of unequal sizes unless a frame is given."""
    found: list[Case] = []
    kind = replace(PLAIN, unit_cotangent=not layer.has_cotangent)
    try_cases(found.append, frame or next(iter(probes(layer))), dtype, 1, "plain", kind)
    case, op = found[0], layer.declaration
    if op.cases is not None:
        return case  # what else its cases may be, only its strategy knows

    def plain(name: str, seed: int) -> Array | Recipe:
        a, domain = case.primals[name], op.domains.get(name, REAL)
        if name not in op.differentiable or domain.rows not in ("", "logits", "probabilities") or domain.is_bounded:
            return a
        return Recipe(domain.rows if domain.rows == "probabilities" else "uniform", a.shape, dtype, seed)

    arrays = {name: plain(name, i) for i, name in enumerate(op.primals, 2)}
    if layer.has_cotangent:  # it is 1 otherwise
        seeds = enumerate(case.cotangents.items())
        arrays |= {name: Recipe("uniform", g.shape, dtype, 1 if not i else 100 + i) for i, (name, g) in seeds}
    return case.with_arrays(arrays)


def with_axes_of_one(layer: Layer, dtype: str) -> Iterator[Case]:
    """Plain cases with one axis of length 1: where a shape that should broadcast and does not, still does."""
    frame = next(iter(probes(layer)))
    for axis, size in enumerate(frame.sizes):
        if size:
            yield plain_case(layer, dtype, replace(frame, sizes=(*frame.sizes[:axis], 1, *frame.sizes[axis + 1 :])))
