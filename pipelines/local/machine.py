"""This machine, and how long a phase will take on it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from components.cores import available_cores
from components.errors import ConfigError
from pipelines.local.live_view import duration
from pipelines.local.runs import find_task, list_runs

# Words that a core trains on in a second, docs/performance.md: to the half and the double.
WORDS_PER_SECOND = {"minilm": 1_000, "minilm-fast": 1_400, "minilm-tokens": 1_500}


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
        return f"{self.cores} core(s){memory}, {self.gpu or 'no GPU'}"


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


def last_training(out: Path, name: str, phase: str) -> str:
    """How long the phase's last training took here, and in which run; "" if there was none."""
    for record in list_runs(out):
        if record.name != name or record.is_curve:
            continue
        try:
            trained = find_task(record, f"{phase}/train")
        except ConfigError:
            continue
        if trained.state == "succeeded":
            return f"{duration(trained.seconds)} in run {record.id}"
    return ""


def estimate(config: str, training: tuple[int, int] | None, threads: int) -> str:
    """How long a training takes at most, roughly; "" where nothing like it was measured.

    Args:
        config: name of the training config.
        training: steps at most, and words in each.
        threads: that it gets.
    """
    speed = WORDS_PER_SECOND.get(config)
    if not speed or training is None:
        return ""
    steps, words = training
    seconds = steps * words / (speed * threads)
    return f"roughly {duration(seconds)} at most, for {steps:,} steps of about {words} words"
