"""How full and how busy the GPU is."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, cast

import torch


def gpu_figures() -> dict[str, float]:
    """GiB of memory that this process holds on its GPU, and how busy that is; {} without one."""
    if not cast(Any, torch.cuda).is_initialized():
        return {}
    found = {"gpu_gib": round(torch.cuda.memory_reserved() / 2**30, 1)}
    with suppress(Exception):  # NVML has many reasons not to answer, and none to stop training
        found["gpu_percent"] = torch.cuda.utilization()
    return found
