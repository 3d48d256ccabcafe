"""Bounds and gradients derived by hand, op by op: what is derived from the declarations is held against them."""
