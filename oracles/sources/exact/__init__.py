"""The exact value, enclosed in balls."""
