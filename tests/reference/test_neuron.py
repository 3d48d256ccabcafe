import numpy as np
import pytest

from reference import InputError, neuron, neuron_vjp, numerical_gradient

X, W, B = [1.0, -2.0, 3.0], [-3.0, -1.0, 2.0], 1.0


def test_every_partial_derivative():
    gradients = neuron_vjp(2.0, X, W, B)
    assert gradients.dz == 2
    assert (gradients.dproducts == [2, 2, 2]).all()
    assert gradients.dbias == 2
    assert (gradients.dweights == [2, -4, 6]).all()
    assert (gradients.dinputs == [-6, -2, 4]).all()


def test_a_silent_neuron_passes_nothing():
    assert not any(np.any(g) for g in neuron_vjp(1.0, X, W, -100.0))


def test_agrees_with_numerical_differentiation():
    gradients = neuron_vjp(1.0, X, W, B)
    assert (np.round(numerical_gradient(lambda w: neuron(X, w, B), W), 8) == gradients.dweights).all()
    assert (np.round(numerical_gradient(lambda x: neuron(x, W, B), X), 8) == gradients.dinputs).all()
    assert np.round(numerical_gradient(lambda b: neuron(X, W, b), B), 8) == gradients.dbias


def test_bad_input_is_named_and_shown():
    with pytest.raises(InputError, match=r"weights: expected shape \(3,\) \(that of the inputs\), got \(2,\)"):
        neuron(X, W[:2], B)
    with pytest.raises(InputError, match=r"bias: expected shape \(\) \(a scalar\)"):
        neuron(X, W, [1.0])
    with pytest.raises(InputError, match=r"inputs: expected shape \(1,\) \(a row of inputs\), got \(1, 1\)"):
        neuron([[1.0]], [[1.0]], B)
