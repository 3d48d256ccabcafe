"""What is computed row by row, over the last axis."""
