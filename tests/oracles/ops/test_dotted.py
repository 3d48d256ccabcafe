import math

import pytest

from oracles import InputError
from oracles.ops.dotted import imported, is_dotted


def test_what_is_a_dotted_name():
    assert is_dotted("math.sqrt")
    assert not any(map(is_dotted, ("sqrt", "math.", ".sqrt", "a b.c", 3, None)))


def test_it_leads_to_a_function_of_a_module_or_of_something_in_it():
    assert imported("math", "math.sqrt") is math.sqrt
    assert imported("torch", "collections.abc.Mapping.get").__name__ == "get"


def test_one_that_leads_nowhere_is_told():
    with pytest.raises(InputError, match=r"torch: math\.sqrd: no 'sqrd'; did you mean sqrt"):
        imported("torch", "math.sqrd")
    with pytest.raises(InputError, match=r"torch: there_is_none\.sqrt: no module 'there_is_none'"):
        imported("torch", "there_is_none.sqrt")
