"""Arrays of other libraries: read as NumPy from whatever a candidate returns, and handed over as it takes them."""

import subprocess
import sys
from types import SimpleNamespace

import ml_dtypes
import numpy as np
import pytest

from oracles import Case, InputError, Layer, check_layer, load
from oracles.candidates.interchange import Handover, as_array, keeps_layout, memory, to_cupy
from oracles.candidates.run import run
from oracles.claims.checks import CHECKS
from oracles.data.recipe import LAYOUTS, laid_out
from oracles.runs.trial import search
from oracles.sources.registry import LayerError

VALUES = np.array([[1.0, -2.0], [0.5, 3.0]], np.float32)


class OnlyDLPack:
    """An array that speaks DLPack and nothing else."""

    def __init__(self, a):
        self.a = a

    def __dlpack__(self, **options):
        return self.a.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.a.__dlpack_device__()


class OnDevice:
    """CuPy's manners: no implicit conversion, and get() for a copy on the host."""

    __cuda_array_interface__ = {"version": 3}  # noqa: RUF012  (an attribute of the protocol)

    def __init__(self, a):
        self.a = np.array(a)

    def __array__(self, *args, **options):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`")

    def get(self):
        return self.a.copy()


class Unreadable:
    def __array__(self, *args, **options):
        raise ValueError("on another machine")


@pytest.mark.parametrize("wrap", [OnlyDLPack, OnDevice, lambda a: a.tolist()])
def test_results_are_read_from_any_library(wrap):
    assert (as_array("output", wrap(VALUES)) == VALUES).all()


def test_dlpack_shares_the_memory_of_the_candidate():
    assert np.shares_memory(as_array("output", OnlyDLPack(VALUES)), VALUES)


@pytest.mark.parametrize("value", [Unreadable(), object(), None, "text", [[1], [1, 2]]])
def test_what_is_no_array_is_named(value):
    with pytest.raises(LayerError, match=f"dinputs: expected .*{type(value).__name__}"):
        as_array("dinputs", value)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "int64"])
def test_tensors_are_read_on_their_own_memory_with_or_without_a_gradient(dtype):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    tensor = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).to(getattr(torch, dtype)).T
    if dtype != "int64":
        tensor.requires_grad_()
    a = as_array("output", tensor)
    assert a.dtype.name == dtype
    assert a.tolist() == [[1, 3], [2, 4]]
    with torch.no_grad():
        tensor[0, 1] = 7
    assert a[0, 1] == 7


def test_a_subclass_of_a_tensor_is_a_tensor():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    parameter = torch.nn.Parameter(torch.ones(2, dtype=torch.bfloat16))
    mine = torch.ones(2, requires_grad=True).as_subclass(type("Mine", (torch.Tensor,), {}))
    assert (as_array("dweights", parameter) == 1).all()
    assert (as_array("dweights", mine) == 1).all()


def test_a_tensor_without_memory_is_named():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    with pytest.raises(LayerError, match="output: expected an array, got Tensor"):
        as_array("output", torch.ones(2, device="meta"))


def test_jax_arrays_are_read():
    jnp = pytest.importorskip("jax.numpy", reason="jax is not installed")
    a = as_array("output", jnp.asarray([1.0, 2.0], jnp.bfloat16))
    assert a.dtype == ml_dtypes.bfloat16
    assert a.tolist() == [1, 2]


def test_reading_an_array_imports_no_framework():
    code = (
        "import sys, numpy as np\nfrom oracles.candidates.interchange import as_array\n"
        "class Mine:\n    def __array__(self, *a, **k): return np.ones(2)\n"
        "Mine.__module__ = 'torch.fake'\nas_array('output', Mine())\nprint('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_an_array_is_converted_once_and_what_it_held_is_kept():
    handover = Handover()
    given = handover.give("inputs", VALUES, OnDevice)
    assert handover.give("inputs", VALUES, OnDevice) is given
    assert handover.give("inputs", VALUES.copy(), OnDevice) is not given
    handover.give("inputs", VALUES, OnDevice).a[0, 0] = 9
    now, before = (getattr(handover.handed()["inputs"], name) for name in ("now", "before"))
    assert (now[0, 0], before[0, 0]) == (9, 1)


def test_a_layout_that_the_conversion_refuses_is_handed_over_as_a_plain_copy():
    def picky(a):
        if not a.flags.c_contiguous:
            raise ValueError("strides")
        return a

    assert (Handover().give("inputs", VALUES.T, picky) == VALUES.T).all()

    def broken(a):
        raise ValueError("never")

    with pytest.raises(ValueError, match="never"):
        Handover().give("inputs", VALUES.copy(), broken)


def test_functions_and_classes_take_the_arrays_they_ask_for():
    seen = []

    class ReLU:
        def forward(self, x):
            seen.append(x)
            self.mask = x.a > 0
            return OnDevice(x.a * self.mask)

        def backward(self, g):
            seen.append(g)
            return OnDevice(np.where(self.mask, g.a, 0))

    def vjp(g, x):
        return OnDevice(np.where(x.a > 0, g.a, 0))

    case = Case("relu", [VALUES], VALUES + 1)
    functions = Layer("relu", forward=lambda x: OnDevice(np.maximum(x.a, 0)), vjp=vjp, arrays=OnDevice)
    for layer in (functions, Layer.from_class("relu", ReLU, arrays=OnDevice)):
        result = run(layer, case)
        assert (result.output == np.maximum(VALUES, 0)).all()
        assert (result.gradients["inputs"] == np.where(VALUES > 0, VALUES + 1, 0)).all()
    assert {type(a) for a in seen} == {OnDevice}
    assert check_layer(functions, oracles=["exact"], max_examples=6).passed


def test_the_parameters_and_predictions_of_a_class_are_handed_over_as_well():
    class Dense:
        def __init__(self, n_inputs, n_neurons):
            self.weights = self.biases = None

        def forward(self, x):
            self.x = x.a
            return x.a @ self.weights.a + self.biases.a

        def backward(self, g):
            return g.a @ self.weights.a.T, self.x.T @ g.a, g.a.sum(0, keepdims=True)

    class Loss:
        def forward(self, p, y):
            return -np.log(np.where(y.a, p.a, 1)).sum(axis=1)

        def backward(self, p, y):
            return OnDevice(np.where(y.a, -1 / p.a, 0) / len(p.a))

    for layer in (
        Layer.from_class("dense", Dense, arrays=OnDevice),
        Layer.from_class("cross_entropy", Loss, arrays=OnDevice, targets=("one_hot",)),
    ):
        report = check_layer(layer, oracles=["exact"], dtypes=["float32"], max_examples=6)
        assert report.passed, str(report)


def test_what_is_overwritten_is_the_array_that_was_handed_over():
    def writes(g, x):
        g.a[x.a <= 0] = 0
        return g.a.copy()

    layer = Layer("relu", forward=lambda x: np.maximum(x.a, 0), vjp=writes, arrays=OnDevice)
    report = check_layer(layer, oracles=["exact"], dtypes=["float32"], max_examples=20, seed=0)
    assert "overwrote its argument cotangent" in {v.message for v in report.failures}


def test_functions_of_tensors_with_a_backward_pass_of_their_own():
    torch = pytest.importorskip("torch", reason="torch is not installed")

    def vjp(g, x):
        return torch.where(x > 0, g, torch.zeros_like(g))

    layer = Layer("relu", forward=torch.relu, vjp=vjp, arrays=torch.from_numpy)
    report = check_layer(layer, oracles=["exact"], max_examples=10)
    assert report.passed, str(report)

    def writes(g, x):
        return g.mul_(x > 0).clone()

    wrong = Layer("relu", forward=torch.relu, vjp=writes, arrays=torch.from_numpy)
    report = check_layer(wrong, oracles=["exact"], dtypes=["float64"], max_examples=20, seed=0)
    assert any("overwrote its argument cotangent" in v.message for v in report.failures), str(report)


@pytest.fixture
def cupy(monkeypatch):
    """NumPy as the stand-in: its `asarray` makes arrays in C order, as CuPy's does."""
    stand_in = SimpleNamespace(asarray=lambda a: np.array(a, order="C"), lib=np.lib)
    monkeypatch.setitem(sys.modules, "cupy", stand_in)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_cupy_s_arrays_lie_as_numpy_s_do(cupy, layout, dtype):
    a = laid_out(np.arange(12).reshape(3, 4).astype(dtype), layout)
    moved = to_cupy(a)
    assert (moved == a).all()
    assert moved.strides == a.strides
    assert not np.shares_memory(moved, a)


def test_what_reads_raw_memory_is_caught_where_the_layout_is_kept(cupy):
    def vjp(g, x):
        return np.where(x > 0, np.ravel(g, order="K").reshape(g.shape), 0)

    caught = {}
    for arrays in ("cupy", lambda a: np.array(a, order="C")):
        layer = Layer("relu", forward=lambda x: np.maximum(x, 0), vjp=vjp, arrays=arrays)
        report = check_layer(layer, oracles=["exact"], dtypes=["float32"], max_examples=60, seed=1)
        caught[arrays] = {v.check for v in report.failures}, "not every memory layout was tried" in str(report)
    assert list(caught.values()) == [({"layouts"}, False), (set(), True)]


def test_cupy_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr("oracles.candidates.interchange.find_spec", lambda name: None)
    with pytest.raises(InputError, match="arrays: 'cupy' is not installed; install it with: pip install cupy"):
        Layer("relu", forward=len, vjp=len, arrays="cupy")
    with pytest.raises(InputError, match="got 'cuppy'; did you mean cupy"):
        Layer("relu", forward=len, vjp=len, arrays="cuppy")


class Buffer(OnDevice):
    """An array on a device, with its address there."""

    def __init__(self, a):
        super().__init__(a)
        self.__cuda_array_interface__ = self.a.__array_interface__


KEPT = Buffer(np.zeros(400, np.float32))


def in_one_buffer(a):
    """The same numbers in the one array that every call returns."""
    KEPT.a.flat[: a.size] = a.ravel()
    kept = Buffer(a)
    kept.a = KEPT.a[: a.size].reshape(a.shape)
    kept.__cuda_array_interface__ = kept.a.__array_interface__
    return kept


@pytest.mark.parametrize(
    ("vjp", "check", "said"),
    [
        (
            lambda g, x: g if (x.a > 0).all() else Buffer(np.where(x.a > 0, g.a, 0)),
            "nothing_aliased",
            "shares memory with",
        ),
        (lambda g, x: in_one_buffer(np.where(x.a > 0, g.a, 0)), "repeatable", "was overwritten by a later one"),
    ],
)
def test_what_lasts_on_a_device_is_seen_there(vjp, check, said):
    layer = Layer("relu", forward=lambda x: Buffer(np.maximum(x.a, 0)), vjp=vjp, arrays=Buffer)
    found = search(next(c for c in CHECKS if c.name == check), layer, "float32", 20, seed=1)
    assert said in found.message


def test_arrays_that_nobody_can_write_to_may_be_handed_on():
    jnp = pytest.importorskip("jax.numpy", reason="jax is not installed")
    a = jnp.ones(3)
    assert memory(a, VALUES) is VALUES


@pytest.mark.parametrize(
    ("convert", "keeps"),
    [
        (lambda a: a, True),
        (lambda a: a.tolist(), True),  # which does not say how it lies
        (lambda a: np.array(a, order="C"), False),
        (lambda a: np.frombuffer(a, a.dtype), False),  # refuses what is not contiguous: a plain copy is handed over
        (Buffer, True),
    ],
)
def test_a_conversion_that_makes_plain_arrays_is_known(convert, keeps):
    assert keeps_layout(convert) is keeps


@pytest.fixture
def torch_on_a_device(monkeypatch):
    """Tensors whose numbers are copied to the host, and which say where they lie, as on CUDA."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    adapter = load("torch").module
    to_array = adapter.to_array
    monkeypatch.setattr(adapter, "to_array", lambda tensor: to_array(tensor).copy())
    where = property(lambda tensor: tensor.detach().numpy().__array_interface__)
    monkeypatch.setattr(torch.Tensor, "__cuda_array_interface__", where)
    return torch


def relu_of(torch, backward, forward=lambda x: x.clamp(min=0)):
    class ReLU(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return forward(x)

        @staticmethod
        def backward(ctx, g):
            return backward(g, torch.where(ctx.saved_tensors[0] > 0, g, torch.zeros_like(g)))

    return Layer.from_torch("relu", ReLU)


def test_what_tensors_share_on_a_device_is_seen(torch_on_a_device):
    torch, kept, by_name = torch_on_a_device, {}, {check.name: check for check in CHECKS}
    right = relu_of(torch, lambda g, d: d)
    reused = relu_of(torch, lambda g, d: kept.setdefault((d.shape, d.dtype), torch.empty_like(d)).copy_(d))
    handed_on = relu_of(torch, lambda g, d: d, lambda x: x.detach() if bool((x >= 0).all()) else x.clamp(min=0))
    for name in ("repeatable", "nothing_aliased"):
        assert search(by_name[name], right, "float32", 20, seed=1) is None
    assert "was overwritten by a later one" in search(by_name["repeatable"], reused, "float32", 20, seed=1).message
    assert "shares memory with" in search(by_name["nothing_aliased"], handed_on, "float32", 20, seed=1).message


def test_a_result_that_is_gone_when_it_is_read_again_is_a_failure():
    class Released(Buffer):
        def __array__(self, *args, **options):
            raise TypeError("on a device")

        def get(self):
            if self.a is None:
                raise RuntimeError("released")
            return self.a.copy()

    earlier = []

    def vjp(g, x):
        for one in earlier[-1:]:
            one.a = None
        earlier.append(Released(np.where(x.a > 0, g.a, 0)))
        return earlier[-1]

    layer = Layer("relu", forward=lambda x: Buffer(np.maximum(x.a, 0)), vjp=vjp, arrays=Buffer)
    found = search(next(c for c in CHECKS if c.name == "repeatable"), layer, "float32", 20, seed=1)
    assert "RuntimeError: released" in found.message
    assert found.case.op == "relu"


@pytest.mark.parametrize(
    "strides", [property(lambda self: 4), property(lambda self: 1 / 0), property(lambda self: sys.exit(3))]
)
def test_strides_that_cannot_be_read_say_nothing(strides):
    class Odd(Buffer):
        pass

    Odd.strides = strides
    assert keeps_layout(Odd)


def test_a_conversion_that_exits_is_contained():
    assert not keeps_layout(lambda a: sys.exit(3))
