"""What looks along a sequence."""
