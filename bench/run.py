"""Run each contender in a process of its own, and write down what it took."""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

KIBIBYTES = 1024  # in a mebibyte; ru_maxrss is in KiB
ONE_THREAD = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
Figures = dict[str, Any]


def every_seed(
    module: str,
    description: str | None,
    arms: Iterable[str],
    measured: Callable[[Path, str, int], Figures],
) -> dict[str, list[Figures]]:
    """What `python -m MODULE FOLDER [--seeds 3]` does: every arm with every seed.

    Args:
        measured: the figures of an arm and a seed, on the data of a folder; called in a process
            of its own.

    Returns:
        by arm, the figures of each seed.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--one", nargs=2, metavar=("ARM", "SEED"))
    args = parser.parse_args()
    if args.one:
        arm, number = args.one
        print(json.dumps(measured(args.folder, arm, int(number))))
        sys.exit()
    os.environ |= ONE_THREAD
    figures: dict[str, list[Figures]] = {arm: [] for arm in arms}
    for seed in range(args.seeds):
        for arm, collected in figures.items():
            collected.append(one := alone(module, arm, seed, args.folder))
            shown = "  ".join(f"{name} {value:.4g}" for name, value in one.items())
            print(f"seed {seed}  {arm:10}{shown}", flush=True)
    return figures


def alone(module: str, *arguments: object) -> dict[str, Any]:
    """Run `python -m MODULE --one ARGUMENTS` and return the figures that it prints."""
    command = [sys.executable, "-m", module, "--one", *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """Do the work; return its result, processor seconds, wall seconds and peak memory in MiB."""
    before = time.process_time()
    started = time.perf_counter()
    result = work()
    return result, {
        "seconds": time.process_time() - before,
        "wall": time.perf_counter() - started,
        "peak": peak_memory(),
    }


def peak_memory() -> float:
    """The most memory that this process has had so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIBIBYTES
