"""How long a run takes: `backproof verify` and check_layer on the reference, cold and warm.

    python benchmarks/run_times.py
    python benchmarks/run_times.py --repeats 5 --json times.json

verify runs as a command in a process of its own: cold with an empty compilation cache, warm with the same seed again,
and with another seed, whose shapes are partly new to the cache. check_layer runs in a process that has the frameworks
loaded: cold is the first call for an op, with nothing in the cache; warm are those after it, each with a fresh seed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from machine import versions, write_json

from oracles.ops import OPS

CHECK = """
import json, sys, time
from oracles.cli.terminal import set_up_frameworks
set_up_frameworks()
from oracles import check_layer, load
from oracles.candidates.layer import reference_layer
load("torch"), load("jax")
times = []
for _ in range(int(sys.argv[2])):
    start = time.perf_counter()
    assert check_layer(reference_layer(sys.argv[1])).passed
    times.append(time.perf_counter() - start)
print(json.dumps(times))
"""


def verify(cache: str, seed: int) -> float:
    start = time.perf_counter()
    command = [sys.executable, "-m", "oracles.cli.main", "verify", "--seed", str(seed)]
    subprocess.run(command, env=os.environ | {"XDG_CACHE_HOME": cache}, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", help="write the times to this file")
    arguments = parser.parse_args()
    found: dict[str, list[float]] = {}
    for repeat in range(arguments.repeats):
        with tempfile.TemporaryDirectory() as cache:
            for name, seed in (("cold", repeat), ("warm, the same seed", repeat), ("warm, another seed", 100 + repeat)):
                found.setdefault(f"verify, {name}", []).append(verify(cache, seed))
    for op in OPS:
        with tempfile.TemporaryDirectory() as cache:
            command = [sys.executable, "-c", CHECK, op, str(arguments.repeats + 1)]
            environment = os.environ | {"XDG_CACHE_HOME": cache}
            done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        cold, *warm = json.loads(done.stdout)
        found[f"check_layer, {op}, cold"], found[f"check_layer, {op}, warm"] = [cold], warm
    for name, times in found.items():
        print(f"{name:50}{statistics.median(times):8.1f} s   ({min(times):.1f} to {max(times):.1f})")
    print(versions())
    if arguments.json:
        write_json(arguments.json, seconds=found)


if __name__ == "__main__":
    main()
