"""JAX: its own ops, differentiated by `jax.vjp`."""
