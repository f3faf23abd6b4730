"""Google Cloud machine types as the CPU and memory limits that a pipeline task asks for."""

from __future__ import annotations

import re

# GiB per vCPU. A task's limits pick the machine on Vertex AI, so these are the machine's own:
# https://cloud.google.com/compute/docs/general-purpose-machines
MEMORY_PER_CPU = {
    ("n1", "standard"): 3.75,
    ("n1", "highmem"): 6.5,
    ("n1", "highcpu"): 0.9,
    ("n2", "standard"): 4.0,
    ("n2", "highmem"): 8.0,
    ("n2", "highcpu"): 1.0,
    ("e2", "standard"): 4.0,
    ("e2", "highmem"): 8.0,
    ("e2", "highcpu"): 1.0,
    ("g2", "standard"): 4.0,
}


def machine_limits(machine: str) -> tuple[int, float]:
    """Return (vCPUs, memory in GiB) of a machine type such as "n1-standard-8".

    Raises:
        ValueError: the type is not of a family that this table knows.
    """
    match = re.fullmatch(r"([a-z]\d)-([a-z]+)-(\d+)", machine)
    family = (match[1], match[2]) if match else None
    if match is None or family not in MEMORY_PER_CPU:
        known = ", ".join("-".join(key) for key in MEMORY_PER_CPU)
        raise ValueError(
            f"unknown machine type {machine!r}: expected one of {known}, then -<vCPUs>"
        )
    cpus = int(match[3])
    return cpus, cpus * MEMORY_PER_CPU[family]
