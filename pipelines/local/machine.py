"""This machine: what a run has here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from components.cores import available_cores
from components.html.format import counted


@dataclass(frozen=True)
class Machine:
    """What a run has here.

    Attributes:
        gpu: its name; "" for none.
        memory: GiB; None where the system does not say.
    """

    cores: int
    memory: float | None
    gpu: str

    def __str__(self) -> str:
        memory = f", {self.memory:.0f} GiB of memory" if self.memory else ""
        return f"{counted(self.cores, 'core')}{memory}, {self.gpu or 'no GPU'}"


def this_machine() -> Machine:
    """What this one has; torch is asked for a GPU only where the system has a driver."""
    memory = None
    if "SC_PHYS_PAGES" in os.sysconf_names:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return Machine(available_cores(), memory, gpu_name())


def gpu_name() -> str:
    """The name of the GPU that a training would use; "" for none."""
    if not any(Path("/dev").glob("nvidia[0-9]*")) or find_spec("torch") is None:
        return ""
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else ""
