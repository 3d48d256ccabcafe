"""Products of a branch with an activation of another."""
