"""Names of the images when no lock file gives their digests; the DAG sets the real ones."""

from __future__ import annotations

CPU_IMAGE = "retrain-cpu"
GPU_IMAGE = "retrain-gpu"
