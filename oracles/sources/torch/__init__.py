"""PyTorch: its own ops, differentiated by autograd."""
