"""The command line: options, and nothing else."""
