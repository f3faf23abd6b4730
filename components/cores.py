"""How many processor cores this process may use."""

from __future__ import annotations

import math
import os
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def available_cores() -> int:
    """Cores that this process may use, by its affinity and its container's quota; at least 1."""
    return max(1, min(_affinity(), _quota()))


def limit_threads() -> None:
    """Before PyTorch is imported: no more of its threads than cores that this process may use.

    By itself it takes those of the whole machine, whatever a container's quota is. Its threads wait
    for each other at every layer, and GNU's OpenMP keeps a waiting thread's core for milliseconds,
    which the one that is late may need: 1000 turns of its loop instead of 300,000 are as fast on
    idle cores. What the environment says already stays.
    """
    if _quota() <= _affinity():
        os.environ.setdefault("OMP_NUM_THREADS", str(available_cores()))
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")


def _affinity() -> int:
    # macOS has none.
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return cores or 1


def _quota() -> int:
    """The cgroup's limit in whole cores (a container with 2 CPUs of a 64-core machine)."""
    try:
        limit, period = _QUOTA.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return 10**6
    return 10**6 if limit == "max" else math.ceil(int(limit) / int(period))
