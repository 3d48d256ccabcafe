import numpy as np

from oracles import Result


def test_everything_has_a_name():
    result = Result(np.zeros(1), {"inputs": np.ones(2), "weights": np.ones(3)})
    assert {name: a.size for name, a in result.named().items()} == {"output": 1, "dinputs": 2, "dweights": 3}
