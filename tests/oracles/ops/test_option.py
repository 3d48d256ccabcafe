import pytest

from oracles import InputError
from oracles.ops.option import Option, as_option


def test_what_an_op_is_declared_with_is_an_option():
    given = Option(2.0, expected="a positive number", holds=lambda value: value > 0)
    assert as_option(given) is given
    assert as_option(("mean", "sum")).choices == ("mean", "sum")
    assert as_option(("mean", "sum")).default == "mean"
    assert as_option(1e-5) == Option(1e-5)


def test_a_value_that_there_is_not_is_refused():
    with pytest.raises(InputError, match=r"reduction: expected one of mean, sum, got 'men'; did you mean mean\?"):
        as_option(("mean", "sum")).check("reduction", "men")
    with pytest.raises(InputError, match=r"scale: expected a positive number, got -1"):
        Option(2.0, expected="a positive number", holds=lambda value: value > 0).check("scale", -1)
