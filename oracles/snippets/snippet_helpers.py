"""Functions that snippets bring along, by name, as code: a snippet needs nothing of this project."""

from __future__ import annotations

_PACKED = """\
def packed(text, shape, dtype):
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype).reshape(shape).copy()
"""
_STRIDED = """\
def strided(values, strides, writeable=True):
    \"\"\"A copy with those strides, in elements.\"\"\"
    reach = [(n - 1) * s for n, s in zip(values.shape, strides)]
    start = -sum(r for r in reach if r < 0)
    buffer = np.zeros(1 + start + sum(r for r in reach if r > 0), values.dtype)
    steps = [s * values.itemsize for s in strides]
    view = np.lib.stride_tricks.as_strided(buffer[start:], values.shape, steps)
    view[...] = values
    if not writeable:
        view.flags.writeable = False
    return view
"""
_HOLDS = """\
def holds(actual, expected, allowed):
    \"\"\"Each element is within the error allowed of the exact value; NaN and infinities are met.\"\"\"
    actual = np.asarray(actual).astype(np.float64)
    assert actual.shape == expected.shape, f"shape {actual.shape}, expected {expected.shape}"
    with np.errstate(all="ignore"):
        met = (abs(actual - expected) <= allowed) | (actual == expected) | (np.isnan(actual) & np.isnan(expected))
    wrong = ~(met | np.isinf(allowed))
    assert not wrong.any(), f"{wrong.sum()} of {wrong.size} wrong: got {actual[wrong]}, expected {expected[wrong]}"
"""
_SAME = """\
def same(a, b):
    \"\"\"The same dtype, shape and numbers: 0 and -0 are two, any NaN is another.\"\"\"
    if (a.dtype, a.shape) != (b.dtype, b.shape):
        return False
    a, b = a.astype(np.float64), b.astype(np.float64)
    return bool((((a == b) & (np.signbit(a) == np.signbit(b))) | (np.isnan(a) & np.isnan(b))).all())
"""
_HOST = """\
def host(a):
    \"\"\"NumPy's, of an array of another library.\"\"\"
    if hasattr(a, "detach"):
        a = a.detach().cpu()
        if "bfloat16" not in str(a.dtype):
            return a.numpy()
        import ml_dtypes, torch
        return a.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return np.asarray(a.get() if hasattr(a, "get") else a.copy_to_host() if hasattr(a, "copy_to_host") else a)
"""
_MEMORY = """\
def memory(a):
    \"\"\"Where an array lies: on a device the array that comes back is only an address, and not to be read.\"\"\"
    a = a.detach() if hasattr(a, "detach") else a
    there = getattr(a, "__cuda_array_interface__", None)
    return host(a) if there is None else np.asarray(type("Memory", (), {"__array_interface__": there})())
"""
HELPERS = {
    "packed": _PACKED,
    "strided": _STRIDED,
    "holds": _HOLDS,
    "same": _SAME,
    "host": _HOST,
    "memory": _MEMORY,
}
