"""Ties it together: a layer checked, the suite verified, a failure replayed, pytest, campaigns."""
