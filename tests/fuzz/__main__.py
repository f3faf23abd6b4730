"""`python -m tests.fuzz [KIND …] [--count N] [--seed S]`: what test_fuzz.py does, in large.

Each kind prints what became of its input; the exit code is 1 if anything went wrong.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time

COUNTS = {"records": 20_000, "configs": 5_000, "requests": 2_000}


def main() -> int:
    """Fuzz each kind as often as is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("kinds", nargs="*", default=list(COUNTS), metavar="KIND")
    parser.add_argument("--count", type=int, help="how many of each kind")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    args = parser.parse_args()
    print(f"seed {args.seed}")
    faults = 0
    for kind in args.kinds:
        fuzz = importlib.import_module(f"tests.fuzz.{kind}").fuzz
        outcome = fuzz(args.count or COUNTS[kind], args.seed)
        print(f"{kind}: {outcome}", flush=True)
        faults += len(outcome.faults)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
