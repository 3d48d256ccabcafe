"""Losses, with their reductions."""
