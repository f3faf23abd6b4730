"""What `retrain submit` would do, without doing it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelines.backends import backend_of
from pipelines.config import STAGES, Phase, seconds
from pipelines.load import Loaded
from pipelines.submission import only, prepare, refuse_unrepeatable


def planned(
    loaded: Loaded, phases: Sequence[str] = (), parameters: Sequence[str] = ()
) -> dict[str, Any]:
    """The run that a submit would come to, what it would use and how long at most.

    Raises:
        ConfigError: submit would refuse; nothing is changed either way.
    """
    refuse_unrepeatable(loaded)
    backend = backend_of(loaded)
    backend.check()
    submission = prepare(loaded, phases, parameters)
    there = backend.attempts(submission)
    chosen = only(loaded, phases).pipeline
    return {
        "run": there[0].id if there else submission.job_id(1),
        "exists": bool(there),
        "state": there[0].state if there else "",
        "place": backend.where,
        "data": submission.data,
        "commit": submission.commit,
        "images": {"cpu": chosen.images.cpu, "gpu": chosen.images.gpu},
        "tasks": [
            task(name, phase, stage) for name, phase in chosen.phases.items() for stage in STAGES
        ],
        "gpu_hours_at_most": sum(gpu_hours(phase) for phase in chosen.phases.values()),
    }


def task(name: str, phase: Phase, stage: str) -> dict[str, Any]:
    """What one task asks for."""
    resources = phase.compute.of(stage)
    return {
        "task": f"{name}/{stage}",
        "machine": resources.machine,
        "accelerator": resources.accelerator,
        "timeout": resources.timeout,
        "attempts": 1 + resources.retries,
    }


def gpu_hours(phase: Phase) -> float:
    """GPU hours of a phase if every attempt of every task fails at its timeout."""
    asked = [phase.compute.of(stage) for stage in STAGES]
    return sum(
        each.count * (1 + each.retries) * seconds(each.timeout) / 3600
        for each in asked
        if each.accelerator
    )
