import numpy as np

from oracles.sources.enclosure import Enclosure


def test_the_error_is_measured_beyond_float64():
    e = Enclosure(np.array([1.0]), np.array([2.0**-60]), np.array([2.0**-100]))
    assert e.error_of(np.array([1.0])) == 2.0**-60 + 2.0**-100
    assert Enclosure.exact(np.array([3.0])).error_of(np.array([3.0])) == 0
