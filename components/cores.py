"""How many processor cores this process may use."""

from __future__ import annotations

import math
import os
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def available_cores() -> int:
    """Cores that this process may use, by its affinity and its container's quota; at least 1."""
    # macOS has no affinity.
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(cores or 1, _quota()))


def _quota() -> int:
    """The cgroup's limit in whole cores (a container with 2 CPUs of a 64-core machine)."""
    try:
        limit, period = _QUOTA.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return 10**6
    return 10**6 if limit == "max" else math.ceil(int(limit) / int(period))
