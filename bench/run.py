"""Run each contender in a process of its own, and write down what it took."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

KIBIBYTES = 1024  # in a mebibyte; ru_maxrss is in KiB


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
