"""`python -m backproof`: the command, by the interpreter at hand."""

from oracles.cli.main import main

if __name__ == "__main__":
    main(prog_name="python -m backproof")
