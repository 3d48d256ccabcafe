import pytest

from oracles import InputError, Layer, check_layer, load
from oracles.words import did_you_mean, printable
from reference import ReLU, relu, relu_vjp

OPS = ("dense", "relu", "softmax", "cross_entropy", "softmax_cross_entropy")
DTYPES = ("float32", "float64", "float16", "bfloat16")


@pytest.mark.parametrize(
    ("given", "known", "meant"),
    [
        ("rellu", OPS, "relu"),
        ("ReLU", OPS, "relu"),
        ("crossentropy", OPS, "cross_entropy or softmax_cross_entropy"),
        ("fp16", DTYPES, "float16 or bfloat16"),
        ("bf16", DTYPES, "bfloat16 or float16"),
    ],
)
def test_a_name_that_is_near_is_what_was_meant(given, known, meant):
    assert did_you_mean(given, known) == f"; did you mean {meant}?"


@pytest.mark.parametrize("given", ["tanh", "", 3, None])
def test_nothing_is_said_where_no_name_is_near(given):
    assert did_you_mean(given, OPS) == ""


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Layer("rellu", forward=relu, vjp=relu_vjp), "got 'rellu'.*; did you mean relu"),
        (lambda: load("troch"), "got 'troch'; did you mean torch"),
        (lambda: load("exact", device="cdua"), "got 'cdua'; did you mean cuda"),
        (
            lambda: check_layer(Layer.from_class("relu", ReLU), dtypes=["float23"]),
            "got 'float23'; did you mean float32",
        ),
        (lambda: Layer.from_class("relu", ReLU, convention="pytorch"), "got 'pytorch'; did you mean torch"),
    ],
)
def test_the_callers_mistakes_say_it(call, said):
    with pytest.raises(InputError, match=said):
        call()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a plain line, with \u00e4", "a plain line, with \u00e4"),
        ("two\n\tlines", "two\n\tlines"),
        ("\x1b[31mred\x1b]0;title\x07", "\\x1b[31mred\\x1b]0;title\\x07"),
        ("half \udcff", "half \\udcff"),
        ("\u202eback\x9b", "\\u202eback\\x9b"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text, shown):
    assert printable(text) == shown
    assert printable(shown) == shown
    shown.encode()
