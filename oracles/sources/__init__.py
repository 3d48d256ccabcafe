"""Whoever gives an output and its gradients: frameworks, exact arithmetic, differences; one package each."""
