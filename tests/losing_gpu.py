"""The source of a ReLU on a GPU that its backward pass loses: a stand-in for CuPy that answers nothing from then on."""

SAID = "CUDA error: an illegal memory access was encountered"


def source(deadly):
    """deadly: of what inputs x, as an expression."""
    return f'''
import sys
from types import SimpleNamespace
import numpy as np

gone = []

def answer():
    if gone:
        raise RuntimeError("{SAID}")

sys.modules["cupy"] = SimpleNamespace(cuda=SimpleNamespace(runtime=SimpleNamespace(deviceSynchronize=answer)))

def relu(x):
    answer()
    return np.maximum(x, 0)

def relu_vjp(g, x):
    if {deadly}:
        gone.append(True)
    answer()
    return np.where(x > 0, g, 0)
'''
