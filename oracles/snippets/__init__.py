"""A failure as code that shows it in a fresh interpreter."""
