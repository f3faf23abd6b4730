"""The GPU: how full and how busy it is, or what was looked for in vain."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import torch


def gpu_figures() -> dict[str, float]:
    """GiB of memory that this process holds on its GPU, and how busy that is; {} without one."""
    if not cast(Any, torch.cuda).is_initialized():
        return {}
    usage = {"gpu_gib": round(torch.cuda.memory_reserved() / 2**30, 1)}
    with suppress(Exception):  # NVML has many reasons not to answer, and none to stop training
        usage["gpu_percent"] = torch.cuda.utilization()
    return usage


def looked_for() -> str:
    """What a GPU needs on this machine, and whether it is there, in a line."""
    devices = sorted(str(path) for path in Path("/dev").glob("nvidia[0-9]*"))
    folders = os.environ.get("LD_LIBRARY_PATH") or "no LD_LIBRARY_PATH"
    try:
        ctypes.CDLL("libcuda.so.1")
        driver = "the driver's libcuda.so.1 loads"
    except OSError:
        driver = f"the driver's libcuda.so.1 is not found ({folders})"
    cuda = torch.version.cuda
    torchs = f"torch is built for CUDA {cuda}" if cuda else "torch is built for CPUs"
    cupy = "cupy is there" if find_spec("cupy") else "cupy is not installed"
    return f"{', '.join(devices) or 'no /dev/nvidia*'}; {driver}; {torchs}; {cupy}"
