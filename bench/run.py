"""Run each contender in a process of its own, and write down what it took."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

MEBIBYTE = 1024  # ru_maxrss is in KiB


def alone(module: str, *arguments: object) -> dict[str, Any]:
    """Run `python -m MODULE --one ARGUMENTS` and return the figures that it prints."""
    command = [sys.executable, "-m", module, "--one", *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """Do the work; return its result, processor seconds (with child processes) and peak memory."""
    before = processor_seconds()
    started = time.perf_counter()
    result = work()
    return result, {
        "seconds": processor_seconds() - before,
        "wall": time.perf_counter() - started,
        "peak": peak(),
    }


def processor_seconds() -> float:
    """Of this process and of those that it has waited for."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def peak() -> float:
    """Greatest memory of this process plus that of its largest child, MiB."""
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(resource.getrusage(one).ru_maxrss for one in whose) / MEBIBYTE
