"""A layer of yours, how it is called and contained. Repairs nothing."""
